"""The decisions that people took about single paths: read, appended to, taken back; never rewritten.

In and out: `data/curation.jsonl`, in git, one `Decision` per line in the order in which they were taken. What counts
of a path is its last decision that nobody has undone. A note is a line of its own beside it, and takes no decision's
place. Undoing appends a line too, which names the line that it undoes.

Of two writers neither loses a line, and a killed one or a full disk leaves the file as it was: the file is locked, and
a line goes to its end where that is one step for the system, within a page; else the file is written anew beside its
place and renamed.

Sample: `{"path_id": "0a51...", "problem_id": "c3d0...", "step": "1", "round": 1, "tag": "bad", "note": "reads 8 as 3",
"who": "Ada", "at": "2026-03-01T10:12:45.120+00:00"}`
"""

import errno
import fcntl
import io
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from mathse import layout
from mathse.errors import UserError
from mathse.params.section import Name
from mathse.tables import jsonl
from mathse.tables.files import CannotWrite, write
from mathse.tables.schemas import Row, Tag

LARGEST = 256 * 2**20
"""Bytes of the file; half a million decisions and more."""
LONGEST_NAME = 100
"""Characters of a person's name."""
_LOCK = layout.STATE / "lock" / "curation.lock"


class Decision(Row):
    """What a person said of a path; a line of `data/curation.jsonl`. Grain of a table: one row per path, what counts.

    It says of the path what an edited one is made of, so that a correction outlives what it corrects.
    """

    key = ("path_id",)

    path_id: str = Field(min_length=1, max_length=200)
    problem_id: str = Field(min_length=1, max_length=200)
    step: Name = Field(description="The step whose path it is; files are named after it.")
    round: int = Field(ge=0, lt=2**31, description="The path's.")
    tag: Tag
    note: str = Field(default="", max_length=4000, description="Why, in the person's words.")
    text: str = Field(default="", max_length=100_000, description="Of `fixed`: how the path should read.")
    who: str = Field(min_length=1, max_length=LONGEST_NAME, description="The person's name.")
    at: str = Field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00:00$",
        description="When, in UTC.",
    )
    undoes: str | None = Field(default=None, description="The `row_hash` of a decision that this line takes back.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.tag is Tag.FIXED and not self.text.strip():
            raise ValueError("text: is missing; `fixed` needs the corrected text")
        if self.tag is not Tag.FIXED and self.text.strip():
            raise ValueError(f"text: `{self.tag}` takes none; `fixed` is the tag for a corrected text")
        if self.tag is Tag.NOTE and not self.note.strip():
            raise ValueError("note: is missing; say what is to be noted")
        return self

    def undone_by(self, who: str) -> Self:
        """The decision by which somebody takes this one back."""
        content = self.model_dump(exclude={"row_hash", "at", "who"})
        return type(self)(**content | {"who": who, "undoes": self.row_hash})

    def line(self) -> str:
        """The decision as a line of the file, without what it does not say."""
        content = self.model_dump(mode="json", exclude={"row_hash"})
        filled = {name: value for name, value in content.items() if value not in ("", None)}
        return json.dumps(filled, ensure_ascii=False) + "\n"


class CurationError(UserError):
    """The file of decisions is too large, or a line of it is no decision; names the line and the remedy."""


class NothingToUndo(UserError):
    """Of a path nothing is left that a person could take back; names it."""


@dataclass
class Known:
    """What was read of the file: a reading that is given it parses only what was added since.

    Attributes:
        content: Its bytes.
        decisions: Their lines.
    """

    content: bytes = b""
    decisions: list[Decision] = field(default_factory=list)


class Standing(NamedTuple):
    """What nobody has undone.

    Attributes:
        counting: Of each path its last decision; where there is none, its last note.
        notes: Of each path the notes on it, in the order of their times.
    """

    counting: Mapping[str, Decision]
    notes: Mapping[str, Sequence[Decision]]

    def said(self, path_id: str) -> list[Decision]:
        """The decision that counts of a path, if there is one, and the notes on it."""
        decision, notes = self.counting.get(path_id), self.notes.get(path_id, ())
        return [*([decision] if decision and decision.tag is not Tag.NOTE else []), *notes]


def read(root: Path, known: Known | None = None) -> list[Decision]:
    """Every line of the file, in its order; none where there is no file.

    Args:
        known: What was read before; brought up to date.

    Raises:
        CurationError: The file is too large, or a line is no decision.
    """
    file, known = root / layout.CURATION, known or Known()
    if not file.exists():
        return []
    _require_small(file, 0)
    content = file.read_bytes()
    if not content.startswith(known.content):  # git or an editor has changed what was read
        known.content, known.decisions = b"", []
    above, added = known.content.count(b"\n"), io.BytesIO(content[len(known.content) :])
    decisions = [_decision(line, f"{file}: line {above + line.number}") for line in jsonl.lines(added)]
    known.content, known.decisions = content, [*known.decisions, *decisions]
    return known.decisions


def _decision(line: jsonl.Line, place: str) -> Decision:
    if line.reason and not line.data.endswith(b"\n"):
        raise CurationError(f"{place}: {line.reason} ({line.detail}): the file ends within it; complete or remove it")
    if line.reason:
        raise CurationError(f"{place}: {line.reason} ({line.detail}); mend or remove it")
    try:
        return Decision.model_validate(line.row)
    except ValidationError as error:
        raise CurationError(f"{place}: {first_fault(error)}; mend or remove it") from error


def first_fault(error: ValidationError) -> str:
    """What is wrong with a decision, in one line."""
    first = error.errors()[0]
    return ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])


def current(root: Path) -> Mapping[str, Decision]:
    """What counts, by path: its last decision that nobody has undone.

    Raises:
        CurationError: As `read`.
    """
    return standing(read(root)).counting


def standing(decisions: Iterable[Decision]) -> Standing:
    """What of these lines nobody has undone.

    Two people's lines may stand in any order where git merged them, hence the times; of equal ones the last line's.
    """
    lines = sorted(decisions, key=lambda decision: decision.at)
    undone = {(line.path_id, line.undoes) for line in lines if line.undoes}
    paths = {path_id for path_id, _ in undone}  # to hash a line takes longer than all else
    lines = [
        line
        for line in lines
        if not line.undoes and not (line.path_id in paths and (line.path_id, line.row_hash) in undone)
    ]
    notes: dict[str, list[Decision]] = {}
    for line in lines:
        if line.tag is Tag.NOTE:
            notes.setdefault(line.path_id, []).append(line)
    decided = {line.path_id: line for line in lines if line.tag is not Tag.NOTE}
    return Standing({path_id: noted[-1] for path_id, noted in notes.items()} | decided, notes)


def append(root: Path, *decisions: Decision) -> None:
    """Add decisions at the end of the file, all or none; it is made if there is none.

    Raises:
        CurationError: The file would become too large.
        CannotWrite: The disk refuses; the file is as it was.
    """
    with _alone(root):
        _append(root / layout.CURATION, decisions)


def undo(root: Path, path_ids: Iterable[str], who: str, known: Known | None = None) -> list[Decision]:
    """Take back the last thing that was said of each path, of all or of none, so that what was before counts again.

    Anybody's decision can be taken back, but a note by its author alone: another's stays beside what counts.

    Returns:
        What was taken back.

    Raises:
        NothingToUndo: Of one of the paths there is nothing to take back.
        CurationError, CannotWrite: As `read` and `append`.
    """
    with _alone(root):
        wanted, undone = dict.fromkeys(path_ids), []
        lines = standing(line for line in read(root, known) if line.path_id in wanted)
        for path_id in wanted:
            own = [line for line in lines.said(path_id) if line.tag is not Tag.NOTE or line.who == who]
            if not own:
                reason = f"{who} has nothing to take back there; a note is taken back by its author alone"
                raise NothingToUndo(f"path {path_id}: {reason}")
            undone.append(sorted(own, key=lambda line: line.at)[-1])
        _append(root / layout.CURATION, [line.undone_by(who) for line in undone])
    return undone


def _append(file: Path, decisions: Sequence[Decision]) -> None:
    lines = "".join(decision.line() for decision in decisions).encode()
    size = file.stat().st_size if file.exists() else 0
    _require_small(file, size + len(lines))
    within_a_page = size % mmap.PAGESIZE + len(lines) <= mmap.PAGESIZE
    if size and within_a_page and _ends_a_line(file) and not file.is_symlink():
        _write_at_end(file, lines)
        return
    there = file.read_bytes() if size else b""
    if there and not there.endswith(b"\n"):  # somebody's editor left it so
        there += b"\n"
    write(file, there + lines)


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as content:
        content.seek(-1, os.SEEK_END)
        return content.read() == b"\n"


def _write_at_end(file: Path, lines: bytes) -> None:
    """Write what the last page of a file has room for: in one step, so that neither a reader nor a kill sees a part."""
    with _refusals(file), file.open("ab", buffering=0) as end:
        size = os.fstat(end.fileno()).st_size
        try:
            if end.write(lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(end.fileno())
        except BaseException:
            with suppress(OSError):
                end.truncate(size)
            raise


def _require_small(file: Path, size: int) -> None:
    if max(size, file.stat().st_size if file.exists() else 0) > LARGEST:
        raise CurationError(f"{file}: larger than {LARGEST >> 20} MB; remove decisions about paths that are no more")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the file's lock: who comes second waits, and sees what the first has written."""
    lock = root / _LOCK
    with _refusals(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _refusals(place: Path) -> Iterator[None]:
    """What the disk refuses, as an error that says what to do."""
    try:
        yield
    except OSError as error:
        reason = f"cannot be written ({error}); nothing was written"
        raise CannotWrite(f"{place}: {reason}. Mend that and run again") from error
