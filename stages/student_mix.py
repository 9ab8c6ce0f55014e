"""Stage student_mix: teacher paths to some ORM problems, and the right ones as rows for the first ORM's student."""

from mathse import layout, params, stage
from mathse.loop.ask.engines.teacher import open_teacher
from mathse.loop.solve import SOLVE, Ask, of_split, solve, solving, subset
from mathse.loop.student_mix import build
from mathse.params import STUDENT
from mathse.tables import store
from mathse.tables.schemas import Path, PathKind, Problem, Split


def main() -> str:
    """Write data/paths/student.parquet and data/mix/student.parquet."""
    settings = params.load()
    problems = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.ORM))
    chosen = subset(problems, settings.orm.warmup_problems, settings.seed)
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, solving(settings.teacher), samples=1, seed=settings.seed)
    paths = list(solve(open_teacher(settings), chosen, ask, layout.journal("student_mix")))
    store.write(layout.paths(STUDENT), Path, paths)
    return f"{len(chosen)} problems in, {build(paths, chosen, settings.student.prompt)}"


if __name__ == "__main__":
    stage.run("student_mix", main)
