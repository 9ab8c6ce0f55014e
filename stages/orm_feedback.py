"""Stage orm_feedback: the teacher marks the paths that the ORM learns from (step 0)."""

from collections import Counter

from mathse import layout, params, stage
from mathse.loop.annotate import annotate
from mathse.loop.teacher import marking, open_teacher
from mathse.tables import store
from mathse.tables.schemas import Feedback, Path, Problem


def main() -> str:
    """Write data/orm/feedback.parquet."""
    settings = params.load()
    inputs = store.input_hashes([layout.PROBLEMS, layout.ORM_PATHS])
    problems = {problem.problem_id: problem for problem in store.scan(layout.PROBLEMS, Problem)}
    paths = store.read(layout.ORM_PATHS, Path)
    teacher = open_teacher(settings, problems.values())
    feedback = annotate(teacher, paths, problems, marking(settings.teacher), layout.journal("orm_feedback"))
    store.write(layout.ORM_FEEDBACK, Feedback, feedback, inputs)
    spent = stage.cost(sum(row.cost for row in feedback))
    return f"{len(paths)} paths in, {stage.counts(Counter(str(row.status) for row in feedback))}{spent}"


if __name__ == "__main__":
    stage.run("orm_feedback", main)
