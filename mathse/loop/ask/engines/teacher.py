"""Opens the teacher that params name: the solver of drawn figures, a model behind a server, or recorded responses.

Apart from `opening`, so that whoever only answers or judges depends on no drawn figure.
"""

from mathse import layout
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.ask.engines.solver import SolverTeacher
from mathse.loop.ask.protocol import Engine
from mathse.params import Params
from mathse.tables.lookup import SourceIds


def open_teacher(settings: Params, mistake_rate: float | None = None) -> Engine:
    """Open the teacher; the problems' images and ids are at hand.

    Args:
        settings: The whole of params.
        mistake_rate: In place of `teacher.mistake_rate`, for the solver.

    Raises:
        UserError: A key, the image table or the file of responses is missing, or the engine cannot be opened.
    """
    if settings.teacher.engine != "solver":
        return open_for("teacher", settings)
    rate = settings.teacher.mistake_rate if mistake_rate is None else mistake_rate
    return SolverTeacher(SourceIds(layout.PROBLEMS), rate)
