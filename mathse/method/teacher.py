"""Opens the teacher that params name, and names the prompts it is given."""

from collections.abc import Iterable

from mathse import params
from mathse.engines.protocol import Engine
from mathse.engines.solver import SolverTeacher
from mathse.schemas import Problem

SOLVE = "solve@1"


def open_teacher(settings: params.Teacher, problems: Iterable[Problem], mistake_rate: float | None = None) -> Engine:
    """Make the configured teacher.

    Args:
        settings: `params.teacher`.
        problems: What it will be asked about.
        mistake_rate: In place of the configured one.
    """
    source_ids = {problem.problem_id: problem.source_id for problem in problems}
    return SolverTeacher(source_ids, settings.mistake_rate if mistake_rate is None else mistake_rate)
