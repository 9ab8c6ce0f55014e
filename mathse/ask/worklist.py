"""What a step asks of an engine, on disk: any number of requests in constant memory, in batches cut at fixed places.

One SQLite file beside the step's journal, made anew by every run and removed at its end. One row a request:

    place  when it was added: outcomes are given back in this order
    key    hash of everything that decides the completion; two requests with one key are an error
    size   characters of its text: requests are worked on from short to long, so that a batch has little padding
    about  the problem and the path, so that the samples of one problem come one after the other and share its prefill
    task   the request as JSON

The order of work, (size, about, key), is a total one that does not depend on the order in which requests were added.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from mathse.errors import UserError

ROWS_AT_ONCE = 512

Planned = tuple[str, str]
"""A key and the request under it, as JSON."""
Reason = tuple[str, str, bool]
"""Why there is no completion: in short, in full, and whether it may pass."""

_AGAIN = "and key in (select key from failed where retryable)"

_TABLES = """
create table asked (place integer primary key, key text not null unique, size integer, about text, task text not null);
create table todo (turn integer primary key, place integer not null);
create table failed (key text primary key, reason text not null, detail text not null, retryable integer not null)
    without rowid;
"""


class WorklistError(UserError):
    """The list cannot be written, as when the disk is full."""


class AskedTwice(Exception):
    """A key that is already planned.

    Attributes:
        task: What was added the second time.
    """

    def __init__(self, task: str) -> None:
        super().__init__("two requests have one key")
        self.task = task


class Worklist:
    """The requests of one run, open within a `with` block."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db: sqlite3.Connection

    def __enter__(self) -> Self:
        """Make the file.

        Raises:
            WorklistError: The folder cannot be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)  # of a run that was killed
        self._db = sqlite3.connect(self._file)
        with self._changing():
            # It is worth nothing after a crash, so nothing is synced and nothing can be rolled back.
            self._db.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_TABLES}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._file.unlink(missing_ok=True)

    def __len__(self) -> int:
        found: int = self._db.execute("select count(*) from asked").fetchone()[0]
        return found

    def add(self, rows: Iterable[tuple[str, int, str, str]]) -> None:
        """Add requests.

        Args:
            rows: Key, size, what it is about, and the request as JSON.

        Raises:
            AskedTwice: A key was added before.
            WorklistError: The disk is full.
        """
        for row in rows:
            try:
                with self._changing():
                    self._db.execute("insert into asked (key, size, about, task) values (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise AskedTwice(row[3]) from None

    def order(self) -> None:
        """Settle the order of work, when all requests are added.

        Raises:
            WorklistError: The disk is full.
        """
        with self._changing():
            self._db.execute("insert into todo (place) select place from asked order by size, about, key")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorklistError(
                f"{self._file}: cannot be written ({error}); free some space and run again: what is journaled is safe"
            ) from error

    def batches(self, length: int, again: bool = False) -> Iterator[list[Planned]]:
        """Tasks in the order of work, cut at every `length` of the whole list.

        Args:
            length: Tasks a batch, but for the last.
            again: Only those that failed for a reason that may pass; they are cut anew.
        """
        last = 0
        while batch := self._turns(last, length, _AGAIN if again else ""):
            last = batch[-1][0]
            yield [(key, task) for _, key, task in batch]

    def _turns(self, after: int, count: int, condition: str) -> list[tuple[int, str, str]]:
        query = f"select turn, key, task from todo join asked using (place) where turn > ? {condition} order by turn"
        return self._db.execute(f"{query} limit ?", (after, count)).fetchall()

    def in_order(self) -> Iterator[list[Planned]]:
        """Key and request of every task in the order in which they were added, some at a time."""
        last = 0
        query = "select place, key, task from asked where place > ? order by place limit ?"
        while rows := self._db.execute(query, (last, ROWS_AT_ONCE)).fetchall():
            last = rows[-1][0]
            yield [(key, task) for _, key, task in rows]

    def fail(self, reasons: Mapping[str, Reason]) -> None:
        """Note why tasks have no completion, in place of what was noted before."""
        rows = [(key, *reason) for key, reason in reasons.items()]
        with self._changing():
            self._db.executemany("insert or replace into failed values (?, ?, ?, ?)", rows)

    def may_pass(self) -> bool:
        """Whether any task failed for a reason that may pass."""
        return self._db.execute("select 1 from failed where retryable limit 1").fetchone() is not None

    def forgive(self, keys: Sequence[str]) -> None:
        """Forget the failures of tasks that have a completion after all."""
        self._db.executemany("delete from failed where key = ?", [(key,) for key in keys])

    def failed(self, keys: Sequence[str]) -> dict[str, Reason]:
        """Why those of `keys` that failed did."""
        marks = ", ".join("?" * len(keys))
        rows = self._db.execute(f"select * from failed where key in ({marks})", list(keys))
        return {key: (reason, detail, bool(retryable)) for key, reason, detail, retryable in rows}

    def failures(self) -> dict[str, int]:
        """How many tasks failed, by reason."""
        return dict(self._db.execute("select reason, count(*) from failed group by reason order by reason"))
