"""Stage orm_paths@orm: what an ORM learns from: paths of a student and of a teacher that errs more often, marked."""

from itertools import chain

from mathse import layout, params, stage, tally
from mathse.loop.annotate import Lesson, annotate, marking
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.ask.engines.teacher import erring, open_teacher
from mathse.loop.ask.protocol import Sampling
from mathse.loop.solve import SOLVE, Ask, of_split, solve, solving
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup, problem_ids
from mathse.tables.schemas import Feedback, MixRow, Path, PathKind, Problem, Split


def main(name: str) -> str:
    """Write data/orm/<orm>/paths.parquet and data/orm/<orm>/feedback.parquet."""
    settings = params.load()
    orm, seed, file = settings.orm, settings.seed, layout.orm_paths(name)
    seen = problem_ids(layout.mix(params.STUDENT), MixRow)
    problems = [p for p in of_split(store.scan(layout.PROBLEMS, Problem), Split.ORM) if p.problem_id not in seen]
    student = open_for("student", settings, folder=layout.model(settings.orms[name].student))
    drawn = Sampling(orm.temperature, max_new_tokens=settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, 0, settings.student.prompt, drawn, orm.samples, seed)
    rollouts = solve(student, problems, ask, layout.journal(f"orm_paths-{name}"))
    ask = Ask(PathKind.DISTILLED, 0, SOLVE, solving(settings.teacher), orm.teacher_samples, seed)
    teacher, journal = open_teacher(settings), layout.journal(f"orm_teacher_paths-{name}")
    solved = solve(erring(teacher, settings, orm.teacher_mistake_rate), problems, ask, journal)
    paths = tally.PathTally(chain(rollouts, solved))
    store.write(file, Path, paths)
    marked = tally.StatusTally(annotate(
        teacher, lambda: store.scan(file, Path), ProblemLookup(layout.PROBLEMS),
        marking(settings.teacher), layout.journal(f"orm_feedback-{name}"), Lesson(orm.target, settings.judge.reference),
    ))  # fmt: skip
    store.write(layout.orm_feedback(name), Feedback, marked)
    return f"{len(problems)} problems in, {paths}; {marked}"


if __name__ == "__main__":
    stage.run("orm_paths", main)
