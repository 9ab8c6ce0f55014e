"""Stage rollout@i: the model before writes paths for the problems that no mix row solves (step 2)."""

from mathse import layout, params, stage
from mathse.ask.protocol import Sampling
from mathse.engines.opening import open_for
from mathse.loop.solve import Ask, of_split, solve, unsolved
from mathse.tables import store
from mathse.tables.schemas import MixRow, Path, PathKind, Problem, Split


def main(round_number: str) -> str:
    """Write data/rounds/<i>/paths.parquet."""
    number, settings = int(round_number), params.load()
    previous = settings.rounds[number].prev
    inputs = store.input_hashes([layout.PROBLEMS, layout.IMAGES, layout.mix(previous), layout.model(previous)])
    train = stage.Counted(of_split(store.scan(layout.PROBLEMS, Problem), Split.TRAIN))
    remaining = stage.Counted(unsolved(train, store.scan(layout.mix(previous), MixRow)))
    student = open_for("student", settings, folder=layout.model(previous))
    drawn = Sampling(settings.rollout.temperature, settings.rollout.top_p, settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, number, settings.student.prompt, drawn, settings.rollout.samples, settings.seed)
    paths = stage.PathTally(solve(student, remaining, ask, layout.journal(f"rollout-{number}")))
    store.write(layout.paths(layout.round_dir(number)), Path, paths, inputs)
    return f"{remaining.count} of {train.count} problems remaining, {paths}"


if __name__ == "__main__":
    stage.run("rollout", main)
