"""The decisions that people took about single paths: read, appended to, taken back; never rewritten.

In and out: `data/curation.jsonl`, in git, one `Decision` per line in the order in which they were taken. What counts
of a path is its last decision that nobody has undone. Undoing appends a line too, which names the decision that it
undoes.

The file is locked, written anew beside its place, brought to the disk and renamed, so that of two writers neither loses
a line, and a killed one or a full disk leaves it as it was.

Sample: `{"path_id": "0a51...", "problem_id": "c3d0...", "step": "1", "round": 1, "tag": "bad", "note": "reads 8 as 3",
"who": "Ada", "at": "2026-03-01T10:12:45.120+00:00"}`
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from mathse import layout
from mathse.errors import UserError
from mathse.tables import jsonl
from mathse.tables.files import CannotWrite, write
from mathse.tables.schemas import Row, Tag

LARGEST = 256 * 2**20
"""Bytes of the file; half a million decisions and more."""
_LOCK = layout.STATE / "lock" / "curation.lock"


class Decision(Row):
    """What a person said of a path; a line of `data/curation.jsonl`. Grain of a table: one row per path, what counts.

    It says of the path what an edited one is made of, so that a correction outlives what it corrects.
    """

    key = ("path_id",)

    path_id: str = Field(min_length=1, max_length=200)
    problem_id: str = Field(min_length=1, max_length=200)
    step: str = Field(min_length=1, max_length=40, description="The step whose path it is.")
    round: int = Field(ge=0, description="The path's.")
    tag: Tag
    note: str = Field(default="", max_length=4000, description="Why, in the person's words.")
    text: str = Field(default="", max_length=100_000, description="Of `fixed`: how the path should read.")
    who: str = Field(min_length=1, max_length=100, description="The person's name.")
    at: str = Field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00$",
        description="When, in UTC.",
    )
    undoes: str | None = Field(default=None, description="The `row_hash` of a decision that this line takes back.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.tag is Tag.FIXED) != bool(self.text.strip()):
            raise ValueError("`fixed` has the corrected text, and no other tag has one")
        if self.tag is Tag.NOTE and not self.note.strip():
            raise ValueError("`note` has a note")
        return self

    def undone_by(self, who: str) -> Self:
        """The decision by which somebody takes this one back."""
        content = self.model_dump(exclude={"row_hash", "at", "who"})
        return type(self)(**content | {"who": who, "undoes": self.row_hash})

    def line(self) -> str:
        """The decision as a line of the file, without what it does not say."""
        content = self.model_dump(mode="json", exclude={"row_hash"})
        return json.dumps({name: value for name, value in content.items() if value not in ("", None)}) + "\n"


class CurationError(UserError):
    """The file of decisions is too large, or a line of it is no decision; names the line and the remedy."""


def read(root: Path) -> list[Decision]:
    """Every line of the file, in its order; none where there is no file.

    Raises:
        CurationError: The file is too large, or a line is no decision.
    """
    file = root / layout.CURATION
    if not file.exists():
        return []
    _require_small(file, 0)
    decisions = []
    with file.open("rb") as content:
        for line in jsonl.lines(content):
            try:
                if line.reason:
                    raise CurationError(f"{file}: line {line.number}: {line.reason} ({line.detail}); mend or remove it")
                decisions.append(Decision.model_validate(line.row))
            except ValidationError as error:
                raise CurationError(f"{file}: line {line.number}: {first_fault(error)}; mend or remove it") from error
    return decisions


def first_fault(error: ValidationError) -> str:
    """What is wrong with a decision, in one line."""
    first = error.errors()[0]
    return ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])


def current(root: Path) -> dict[str, Decision]:
    """What counts, by path: its last decision that nobody has undone.

    Raises:
        CurationError: As `read`.
    """
    return counting(read(root))


def counting(decisions: list[Decision]) -> dict[str, Decision]:
    """Of each path the last decision that nobody has undone; of equal times the one that comes last.

    Two people's lines may stand in any order where git merged them, hence the times.
    """
    undone = {decision.undoes for decision in decisions if decision.undoes}
    taken = [line for line in decisions if not line.undoes and not (undone and line.row_hash in undone)]
    return {decision.path_id: decision for decision in sorted(taken, key=lambda decision: decision.at)}


def append(root: Path, *decisions: Decision) -> None:
    """Add decisions at the end of the file, all or none; it is made if there is none.

    Raises:
        CurationError: The file would become too large.
        CannotWrite: The disk refuses; the file is as it was.
    """
    with _alone(root):
        _append(root, decisions)


def undo(root: Path, path_id: str, who: str) -> Decision | None:
    """Take back what counts of a path, so that the decision before counts again, if there is one.

    Returns:
        The decision that was undone; None where there is nothing to undo.

    Raises:
        CurationError, CannotWrite: As `read` and `append`.
    """
    with _alone(root):
        decision = current(root).get(path_id)
        if decision is not None:
            _append(root, [decision.undone_by(who)])
    return decision


def _append(root: Path, decisions: tuple[Decision, ...] | list[Decision]) -> None:
    file = root / layout.CURATION
    lines = "".join(decision.line() for decision in decisions).encode()
    there = file.read_bytes() if file.exists() else b""
    if there and not there.endswith(b"\n"):  # somebody's editor left it so
        there += b"\n"
    _require_small(file, len(there) + len(lines))
    write(file, there + lines)


def _require_small(file: Path, size: int) -> None:
    if max(size, file.stat().st_size if file.exists() else 0) > LARGEST:
        raise CurationError(f"{file}: larger than {LARGEST >> 20} MB; remove decisions about paths that are no more")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the file's lock: who comes second waits, and sees what the first has written."""
    lock = root / _LOCK
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise CannotWrite(
            f"{lock}: cannot be written ({error}); nothing was written. Mend that and run again"
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
