"""Opens the teacher that params name: an engine of any role, or one for the teacher alone, such as the solver.

Apart from `opening`, so that whoever only answers or judges depends on no drawn figure.
"""

from mathse.loop.ask.engines.kind import open_engine
from mathse.loop.ask.engines.opening import surroundings
from mathse.loop.ask.protocol import Engine
from mathse.params import Params, answering_names


def open_teacher(settings: Params) -> Engine:
    """Open the teacher; the problems' images and ids are at hand.

    Raises:
        UserError: A key, the image table or the file of responses is missing, or the engine cannot be opened.
    """
    folder = "any_role" if settings.teacher.engine in answering_names() else "teacher_only"
    return open_engine(f"mathse.loop.ask.engines.{folder}", settings.teacher, "teacher", surroundings(settings))


def erring(teacher: Engine, settings: Params, mistake_rate: float) -> Engine:
    """The solver with another rate of mistakes; any other teacher stays as it is, one engine with one spending cap."""
    if settings.teacher.engine in answering_names():
        return teacher
    other = settings.teacher.model_copy(update={"mistake_rate": mistake_rate})
    return open_teacher(settings.model_copy(update={"teacher": other}))
