"""Stage orm_paths: what the ORM learns to judge: paths of a student, and of a teacher that errs more often (step 0)."""

from itertools import chain

from mathse import layout, params, stage
from mathse.ask.protocol import Sampling
from mathse.engines.opening import open_for
from mathse.loop.solve import SOLVE, Ask, of_split, solve, solving
from mathse.tables import store
from mathse.tables.schemas import MixRow, Path, PathKind, Problem, Split


def main() -> str:
    """Write data/orm/paths.parquet."""
    settings = params.load()
    orm, seed = settings.orm, settings.seed
    inputs = store.input_hashes([layout.PROBLEMS, layout.IMAGES, layout.STUDENT_MIX, layout.model("student")])
    seen = {row.problem_id for row in store.scan(layout.STUDENT_MIX, MixRow)}
    split = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.ORM))
    problems = [problem for problem in split if problem.problem_id not in seen]
    student = open_for("student", settings, folder=layout.model("student"))
    drawn = Sampling(orm.temperature, max_new_tokens=settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, 0, settings.student.prompt, drawn, orm.samples, seed)
    written = solve(student, problems, ask, layout.journal("orm_paths"))
    teacher = open_for("teacher", settings, mistake_rate=orm.teacher_mistake_rate)
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, solving(settings.teacher), orm.teacher_samples, seed)
    paths = stage.PathTally(chain(written, solve(teacher, problems, ask, layout.journal("orm_teacher_paths"))))
    store.write(layout.ORM_PATHS, Path, paths, inputs)
    return f"{len(problems)} of {len(split)} problems in, {paths}"


if __name__ == "__main__":
    stage.run("orm_paths", main)
