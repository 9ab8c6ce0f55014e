"""Stage orm_feedback: the teacher marks the paths that the ORM learns from (step 0)."""

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.loop.annotate import annotate, marking
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Feedback, Path


def main() -> str:
    """Write data/orm/feedback.parquet."""
    settings = params.load()
    inputs = store.input_hashes([layout.PROBLEMS, layout.ORM_PATHS])
    teacher, problems = open_for("teacher", settings), ProblemLookup(layout.PROBLEMS)
    drawn, journal = marking(settings.teacher), layout.journal("orm_feedback")
    feedback = annotate(teacher, lambda: store.scan(layout.ORM_PATHS, Path), problems, drawn, journal)
    tally = stage.StatusTally(feedback)
    store.write(layout.ORM_FEEDBACK, Feedback, tally, inputs)
    return str(tally)


if __name__ == "__main__":
    stage.run("orm_feedback", main)
