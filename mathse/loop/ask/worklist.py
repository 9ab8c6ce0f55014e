"""The requests of a run, on disk: any number of requests in constant memory, in batches cut at fixed places.

Temporary tables of the journal's connection, one row per request:

    place  when it was added: outcomes are given back in this order
    key    hash of everything that decides the completion; two requests with one key are an error
    size   characters of its text
    about  the problem and the path, so that the samples of one problem come one after the other
    label  what its outcome comes back under (`Label`), as JSON
    task   the request as JSON

The order of work is (size, about, key) for engines that compute a batch at once: from short to long, so that a batch
has little padding. It is (about, key) for engines with a queue of their own: problem by problem, so that requests share
an image and a prefix. Both are total orders that do not depend on the order in which requests were added.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mathse.errors import UserError
from mathse.loop.ask.protocol import Failure

ROWS_AT_ONCE = 512
CACHE_KIB = 32_768

Keyed = tuple[str, str]
"""A key and the request under it, as JSON."""
Reason = tuple[str, str, bool]
"""Why there is no completion: in short, in full, and whether it may pass."""
Ending = tuple[str, str | None, Reason | None]
"""A request's label, the payload of its completion, and why there is none."""

_TABLES = (
    """
    create temp table requests (
        place integer primary key, key text not null unique, size integer, about text, label text not null,
        task text not null
    )
    """,
    "create temp table turns (turn integer primary key, place integer not null)",
    """
    create temp table failures (
        key text primary key, reason text not null, detail text not null, retryable integer not null
    ) without rowid
    """,
)


class WorklistError(UserError):
    """The list cannot be written, as when the disk is full."""


class DuplicateKey(Exception):
    """A key that is on the list already.

    Attributes:
        task: What was added the second time.
    """

    def __init__(self, task: str) -> None:
        super().__init__("two requests have one key")
        self.task = task


class Worklist:
    """The requests of one run."""

    def __init__(self, db: sqlite3.Connection, journal: Path) -> None:
        """Make the tables in the connection of a journal, in which no transaction is open and no other list was made.

        Raises:
            WorklistError: There is no room.
        """
        self._db, self._journal = db, journal
        folder = str(journal.parent.resolve()).replace("'", "''")
        # Beside the journal, whose disk has room for a stage's work; SQLite's own choice may be a small /tmp.
        db.execute(f"pragma temp_store_directory = '{folder}'")
        db.execute("pragma temp_store = file")
        # Worth nothing after a crash, so nothing is synced and nothing can be rolled back.
        db.execute("pragma temp.journal_mode = off")
        db.execute(f"pragma temp.cache_size = -{CACHE_KIB}")
        with self._changing():
            for table in _TABLES:
                db.execute(table)

    def __len__(self) -> int:
        count: int = self._db.execute("select count(*) from requests").fetchone()[0]
        return count

    def add(self, rows: Iterable[tuple[str, int, str, str, str]]) -> None:
        """Add requests.

        Args:
            rows: Key, size, what it is about, label and request as JSON. They may come from a step that has a journal
                of its own, but not from this one.

        Raises:
            DuplicateKey: A key was added before.
            WorklistError: The disk is full.
        """
        with self._changing():
            for row in rows:
                try:
                    self._db.execute("insert into requests (key, size, about, label, task) values (?, ?, ?, ?, ?)", row)
                except sqlite3.IntegrityError:
                    raise DuplicateKey(row[4]) from None

    def order(self, by_problem: bool) -> None:
        """Settle the order of work, when all requests are added: `by_problem`, or from short to long.

        Raises:
            WorklistError: The disk is full.
        """
        columns = "about, key" if by_problem else "size, about, key"
        with self._changing():
            self._db.execute(f"insert into turns (place) select place from requests order by {columns}")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction, which is quicker; it cannot be rolled back, and whoever fails gives the list up."""
        try:
            self._db.execute("begin")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("commit")
        except sqlite3.OperationalError as error:
            raise WorklistError(
                f"{self._journal}: the requests of this run cannot be written down ({error}); free some space and run "
                "again: what is journaled is safe"
            ) from error

    def journaled(self) -> tuple[int, float]:
        """How many of the requests an earlier run has completed, and what those completions have cost."""
        query = "select count(*), total(json_extract(payload, '$.cost')) from requests join completions using (key)"
        count, cost = self._db.execute(query).fetchone()
        return count, cost

    def batches(self, length: int, again: bool = False) -> Iterator[list[Keyed]]:
        """What is still to be completed of each batch, where there is anything.

        Args:
            length: Requests per batch, but for the last; the cuts are at fixed places of the whole list, so that what
                is journaled already moves none of them.
            again: Only those that failed for a reason that may pass; they are cut anew.
        """
        retryable = "and requests.key in (select key from failures where retryable)"
        query = f"""
            select turn, requests.key, case when completions.key is null then task end
            from turns join requests using (place) left join completions using (key)
            where turn > ? {retryable if again else ""} order by turn limit ?
        """
        last = 0
        while batch := self._db.execute(query, (last, length)).fetchall():
            last = batch[-1][0]
            if missing := [(key, task) for _, key, task in batch if task is not None]:
                yield missing

    def endings(self) -> Iterator[Ending]:
        """What became of every request, in the order in which they were added."""
        query = """
            select place, label, payload, reason, detail, retryable
            from requests left join completions using (key) left join failures using (key)
            where place > ? order by place limit ?
        """
        last = 0
        while rows := self._db.execute(query, (last, ROWS_AT_ONCE)).fetchall():
            last = rows[-1][0]
            for _, label, payload, reason, detail, retryable in rows:
                yield label, payload, None if reason is None else (reason, detail, bool(retryable))

    def note(self, failures: Mapping[str, Failure]) -> None:
        """Note why tasks have no completion, in place of what was noted before."""
        rows = [(key, failure.reason, failure.detail, failure.retryable) for key, failure in failures.items()]
        with self._changing():
            self._db.executemany("insert or replace into failures values (?, ?, ?, ?)", rows)

    def may_pass(self) -> bool:
        """Whether any task failed for a reason that may pass."""
        return self._db.execute("select 1 from failures where retryable limit 1").fetchone() is not None

    def forgive(self, keys: Sequence[str]) -> None:
        """Forget the failures of tasks that have a completion after all."""
        with self._changing():
            self._db.executemany("delete from failures where key = ?", [(key,) for key in keys])

    def failures(self) -> dict[str, int]:
        """How many tasks failed, by reason."""
        return dict(self._db.execute("select reason, count(*) from failures group by reason order by reason"))
