"""Stage student_data: teacher paths to some ORM problems, which make the student whose mistakes the ORM learns from."""

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.loop.solve import SOLVE, Ask, of_split, solve, solving, subset
from mathse.loop.warm_up import warm_up
from mathse.tables import store
from mathse.tables.schemas import MixRow, Path, PathKind, Problem, Split


def main() -> str:
    """Write data/orm/student_paths.parquet and data/orm/student_mix.parquet."""
    settings = params.load()
    inputs = store.input_hashes([layout.PROBLEMS])
    problems = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.ORM))
    chosen = subset(problems, settings.orm.warmup_problems, settings.seed)
    teacher = open_for("teacher", settings)
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, solving(settings.teacher), samples=1, seed=settings.seed)
    paths = list(solve(teacher, chosen, ask, layout.journal("student_data")))
    rows, left_out = warm_up(paths, chosen, settings.student.prompt)
    store.write(layout.STUDENT_PATHS, Path, paths, inputs)
    store.write(layout.STUDENT_MIX, MixRow, rows, inputs)
    return f"{len(chosen)} problems in, {len(rows)} rows out; {stage.counts(left_out)}"


if __name__ == "__main__":
    stage.run("student_data", main)
