"""Stage distill: the teacher writes paths for a part of the training problems (step 1)."""

from itertools import chain

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.loop.recorded import Recordings
from mathse.loop.solve import SOLVE, Ask, of_split, solve, solving, subset
from mathse.tables import store
from mathse.tables.schemas import Path, PathKind, Problem, Split


def main() -> str:
    """Write data/distill/paths.parquet."""
    settings = params.load()
    recordings = [recording.path for recording in settings.distill.recorded]
    inputs = store.input_hashes([layout.PROBLEMS, *recordings])
    train = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.TRAIN))
    chosen = subset(train, max(1, round(settings.distill.fraction * len(train))), settings.seed)
    recorded = Recordings(settings.distill, [problem.problem_id for problem in chosen])
    asked = [problem for problem in chosen if problem.problem_id not in recorded.solved]
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, solving(settings.teacher), settings.distill.samples, settings.seed)
    written = solve(open_for("teacher", settings), asked, ask, layout.journal("distill")) if asked else ()
    paths = stage.PathTally(chain(recorded.paths(), written))
    store.write(layout.paths(layout.DISTILL), Path, paths, inputs)
    also = f" ({len(recorded.solved)} with recorded solutions)" if settings.distill.recorded else ""
    left_out = f"; {stage.counts(recorded.left_out)}" if recorded.left_out else ""
    return f"{len(chosen)} of {len(train)} training problems in{also}, {paths}{left_out}"


if __name__ == "__main__":
    stage.run("distill", main)
