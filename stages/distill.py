"""Stage distill: the teacher writes paths for a part of the training problems (step 1)."""

from mathse import layout, params, stage, store
from mathse.method.solve import Ask, of_split, solve, subset
from mathse.method.teacher import SOLVE, open_teacher, solving
from mathse.schemas import Path, PathKind, Problem, Split


def main() -> str:
    """Write data/distill/paths.parquet."""
    settings = params.load()
    inputs = store.input_hashes([layout.PROBLEMS])
    train = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.TRAIN))
    chosen = subset(train, max(1, round(settings.distill.fraction * len(train))), settings.seed)
    teacher = open_teacher(settings, chosen)
    drawn = solving(settings.teacher)
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, drawn, settings.distill.samples, settings.seed)
    paths = stage.PathTally(solve(teacher, chosen, ask, layout.journal("distill")))
    store.write(layout.paths(layout.DISTILL), Path, paths, inputs)
    return f"{len(chosen)} of {len(train)} training problems in, {paths}"


if __name__ == "__main__":
    stage.run("distill", main)
