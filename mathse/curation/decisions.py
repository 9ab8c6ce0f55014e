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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from mathse import layout
from mathse.errors import UserError
from mathse.tables import jsonl
from mathse.tables.files import CannotWrite, write
from mathse.tables.schemas import Decision

LARGEST = 256 * 2**20
"""Bytes of the file; half a million decisions and more."""
_LOCK = layout.STATE / "lock" / "curation.lock"


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
