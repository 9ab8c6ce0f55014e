"""Stage train: fine-tune a model on its mix: `student`, `orm`, `0`, a round's number, or `final`."""

from mathse import layout, params, stage, tally
from mathse.evaluation.scores import save
from mathse.training.sft import train


def main(name: str) -> str:
    """Write models/<name>, reports/training/<name>.json and, while it runs, reports/live/<name>."""
    settings = params.load()
    mix = layout.training_mix(name)
    how = settings.orm.train if name == "orm" else settings.train
    previous = settings.model_before(name) if how.start_from == "previous" else "base"
    start = layout.model(previous)
    images, out, pixels = layout.IMAGES, layout.model(name), settings.problems.max_pixels
    report = train(
        mix, images, start, out, how, settings.compute, settings.seed, pixels, {"name": name},
        checkpoints=layout.checkpoints(name), live=layout.live(name), trust_remote_code=settings.trust_remote_code,
    )  # fmt: skip
    save(report, layout.training_report(name))
    left_out = tally.counts({"too long": len(report.too_long)})
    return f"{report.rows} rows in, {report.steps} steps, loss {report.final_loss:.3f}; {left_out}"


if __name__ == "__main__":
    stage.run("train", main)
