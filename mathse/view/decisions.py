"""What people decided on the paths that are shown, and the routes by which they decide: `mathse view --edit`.

Decisions are read from and written to `data/curation.jsonl` by `mathse.curation.decisions`; the file may be written by
others meanwhile (`mathse tag`, an editor, git), and is read anew whenever it has changed. What may be said of a path is
what `mathse tag` may say.

Sample of a request's body, to `/edit/decide/000c4d0a...`: `{"tag": "bad", "note": "reads 8 as 3"}`
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import Known, NothingToUndo, Standing
from mathse.errors import UserError
from mathse.look import catalogue, tags
from mathse.look.tags import TagError
from mathse.report import names
from mathse.report.names import EDITED
from mathse.tables.schemas import Tag
from mathse.view.filters import BadFilter
from mathse.view.rows import Row


class Wish(BaseModel):
    """What a request asks to be decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tag: Tag
    note: str = Field(default="", max_length=4000)
    text: str = Field(default="", max_length=100_000)


class Draft(BaseModel):
    """A correction as it is being typed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(max_length=100_000)


@dataclass(frozen=True)
class State:
    """The decisions of a moment.

    Attributes:
        stamp: Of the file that they were read from.
        standing: What nobody has undone.
        problem: What is wrong with the file, if it cannot be read.
    """

    stamp: tuple[int, int, int]
    standing: Standing
    problem: str | None = None


class Decisions:
    """The decisions of a project: what counts now, and new ones.

    Args:
        who: The person who decides; None: nobody may.
    """

    def __init__(self, root: Path, who: str | None = None) -> None:
        self.root, self.who = root, who
        self._apart = catalogue.apart(names.of(root))
        self._turn = threading.Lock()
        self._known = Known()
        self._state = State((0, 0, 0), Standing({}, {}))

    def state(self) -> State:
        """What counts now: read anew where the file has changed."""
        with self._turn:
            stamp = self._stamp()
            if stamp != self._state.stamp:
                try:
                    self._state = State(stamp, decisions.standing(decisions.read(self.root, self._known)))
                except (UserError, OSError) as error:
                    self._state = State(stamp, Standing({}, {}), f"{error}; until then no decision is shown")
            return self._state

    def decide(self, row: Row, step: str, wish: Wish) -> None:
        """Write down what a person says of a path.

        Raises:
            BadFilter: It says nothing, or is too long, or the path is none of a step.
            UserError: It cannot be written, or what was said before cannot be read.
        """
        if step in self._apart:
            raise BadFilter("this path trains an ORM or its student: only those of steps are decided on")
        if problem := self.state().problem:
            raise UserError(problem)
        try:
            about = {**row, "step": step.removesuffix(EDITED)}
            decision = tags.decision_on(about, wish.tag, self.who or "", wish.note, wish.text)
        except TagError as error:
            raise BadFilter(str(error)) from error
        decisions.append(self.root, decision)

    def undo(self, path_id: str) -> None:
        """Take back the last thing said of a path; of notes, only the person's own.

        Raises:
            BadFilter: There is nothing to take back.
            UserError: The file cannot be read or written.
        """
        try:
            with self._turn:
                decisions.undo(self.root, [path_id], self.who or "", self._known)
        except NothingToUndo as error:
            raise BadFilter(str(error)) from error

    def _stamp(self) -> tuple[int, int, int]:
        try:
            status = (self.root / layout.CURATION).stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_size, status.st_mtime_ns)


def body(content: bytes, kind: type[Any]) -> Any:
    """A request's body.

    Raises:
        BadFilter: It is not what the route takes.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise BadFilter(decisions.first_fault(error)) from error
