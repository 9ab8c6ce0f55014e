"""Opens the teacher that params name, and says what it is asked with."""

from collections.abc import Iterable

from mathse import layout, params
from mathse.ask.protocol import Engine, Sampling
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Problem

SOLVE = "solve@1"


def open_teacher(settings: params.Params, problems: Iterable[Problem], mistake_rate: float | None = None) -> Engine:
    """Make the configured teacher.

    Args:
        settings: The whole of params; `teacher` names the engine.
        problems: What it will be asked about.
        mistake_rate: In place of the configured one, for the solver.

    Raises:
        UserError: The engine cannot be opened: a key, the image table or the file of responses is missing.
    """
    teacher = settings.teacher
    if teacher.api is not None and teacher.engine == "api":
        from mathse.engines.api import open_api

        return open_api(teacher.api, ImageStore(layout.IMAGES, settings.problems.max_pixels))
    source_ids = {problem.problem_id: problem.source_id for problem in problems}
    if teacher.replay is not None and teacher.engine == "replay":
        from mathse.engines.replay import ReplayEngine

        return ReplayEngine(teacher.replay, source_ids)
    from mathse.engines.solver import SolverTeacher

    return SolverTeacher(source_ids, teacher.mistake_rate if mistake_rate is None else mistake_rate)


def solving(settings: params.Teacher) -> Sampling:
    """How the teacher's solutions and reflections are drawn."""
    return Sampling(settings.temperature, max_new_tokens=settings.max_new_tokens)


def marking(settings: params.Teacher) -> Sampling:
    """How its marks are drawn: a mark is not a matter of luck."""
    return Sampling(max_new_tokens=settings.max_new_tokens)
