"""How a stage runs: logging, one writer at a time, errors a user can read, and a closing line of counts.

Closing line: `rollout 1: 960 problems in, 1920 paths out; 12 truncated; 48 s`
"""

import fcntl
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from mathse import layout
from mathse.errors import UserError
from mathse.tables.schemas import Feedback, Path, Verdict

log = logging.getLogger("mathse")

T = TypeVar("T")
R = TypeVar("R", Verdict, Feedback)

_FAILED = 1


def run(name: str, main: Callable[..., str]) -> None:
    """Run a stage's `main` on the command line's arguments and log the line it returns.

    A `UserError` ends the process with its message alone.

    Args:
        name: The stage's name, such as `rollout`.
        main: Takes the command line's arguments, does the work and returns what its closing line says.
    """
    arguments = sys.argv[1:]
    title = " ".join([name, *arguments])
    _log_to_terminal()
    start = time.monotonic()
    try:
        with _only_one(title):
            closing = main(*arguments)
    except UserError as error:
        sys.stderr.write(f"{title}: {error}\n")
        sys.exit(_FAILED)
    log.info("%s: %s; %.0f s", title, closing, time.monotonic() - start)


def _log_to_terminal() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    """Hold the stage's lock: a stage whose `dvc` was killed lives on, and must not be doubled."""
    folder = layout.STATE / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name.replace(' ', '-')}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError("the same stage is still running in another process; wait for it or end it") from error
        yield


def counts(rejected: Mapping[str, int] | Counter[str]) -> str:
    """Reasons with their counts, most frequent first: `12 truncated, 3 judged WRONG`; `nothing left out` if none."""
    ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered if count) or "nothing left out"


class Counted(Iterator[T]):
    """A stream that knows how many of its items were taken."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self.count = 0

    def __next__(self) -> T:
        item = next(self._items)
        self.count += 1
        return item


class PathTally(Iterator[Path]):
    """A stream of paths that knows what became of them; as text: `38 paths out; 3 truncated`."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = iter(paths)
        self._ends: Counter[str] = Counter()
        self._cost = 0.0

    def __next__(self) -> Path:
        path = next(self._paths)
        self._ends[path.error.partition(":")[0] if path.error else path.finish_reason] += 1
        self._cost += path.cost
        return path

    def __str__(self) -> str:
        left_out = {"truncated" if end == "length" else end: n for end, n in self._ends.items() if end != "stop"}
        return f"{self._ends.total()} paths out; {counts(left_out)}{cost(self._cost)}"


class StatusTally(Iterator[R]):
    """A stream of verdicts or of feedback that knows what it said.

    As text: `38 paths in, 30 CORRECT, 8 WRONG; the rule grader differs on 2; cost 1.25`, the grader for verdicts alone.
    """

    def __init__(self, rows: Iterable[R]) -> None:
        self._rows: Iterator[R] = iter(rows)
        self._cost = 0.0
        self.statuses: Counter[str] = Counter()
        self.differing: int | None = None
        """Verdicts on which the rule grader says something else."""

    def __next__(self) -> R:
        row = next(self._rows)
        self.statuses[str(row.status)] += 1
        self._cost += row.cost
        if isinstance(row, Verdict):
            self.differing = (self.differing or 0) + (row.status != row.rule_status)
        return row

    def __str__(self) -> str:
        graded = "" if self.differing is None else f"; the rule grader differs on {self.differing}"
        return f"{self.statuses.total()} paths in, {counts(self.statuses)}{graded}{cost(self._cost)}"


def cost(total: float) -> str:
    """What a step cost, for its closing line: `; cost 1.25`; nothing where it was free."""
    return f"; cost {total:,.2f}" if total else ""
