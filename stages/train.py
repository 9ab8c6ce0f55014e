"""Stage train: train a model on a mix: `student`, one of `orms`, or one of `models`."""

from mathse import layout, params, processes, stage, tally
from mathse.tables.files import write_json
from mathse.training.job import Job


def main(name: str) -> str:
    """Write models/<name>, reports/training/<name>.json and, while it runs, reports/live/<name>.tsv."""
    settings = params.load()
    recipe = settings.recipe(name)
    how = settings.trainings[recipe.by]
    prompt = settings.judge.prompt if name in settings.orms else settings.student.prompt
    job = Job(
        mix=layout.mix(recipe.mix), images=layout.IMAGES, start=layout.model(recipe.start), out=layout.model(name),
        settings=how, compute=settings.compute, seed=settings.seed, max_pixels=settings.problems.max_pixels,
        prompt_id=prompt, checkpoints=layout.checkpoints(name), lengths=layout.lengths(name),
        live=layout.live(name), trust_remote_code=settings.trust_remote_code,
    )  # fmt: skip
    if how.launch is not None and not processes.are_several():
        from mathse.training.examples import checked

        checked(job)  # once for all processes, which find the rows' lengths in the job's file
    processes.become_several(how.launch, settings.compute.threads, "stages.train", name)
    from mathse.training.train import train  # brings torch, for which the launcher has no use

    report, timings = train(job)
    if processes.is_first():
        write_json(layout.training_report(name), report)
        write_json(layout.timings(f"train-{name}"), timings)
    left_out = tally.counts({"too long": len(report.too_long), "without a wrong path": report.unpaired})
    return f"{report.rows} rows in, {report.steps} steps, loss {report.final_loss:.3f}; {left_out}"


if __name__ == "__main__":
    stage.run("train", main)
