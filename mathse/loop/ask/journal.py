"""A stage's work as it stands, in one SQLite file: what has been completed and billed, and what this run asks for.

The file lies outside the stage's outputs (DVC deletes those before it runs a stage). Its tables outlive the run: an
edited stage that runs again finds in them every completion that it asks for, and what it has spent besides.

    completions  key      Request.key: hash of everything that decides the completion
                 payload  {"text": "...", "finish_reason": "stop", "tokens_in": 31, "tokens_out": 58, "cost": 0.0, ...}
    bills        key      likewise, of a request that a server may have billed without a completion to show for it
                 held     the most that the try under way can cost: written before it is sent
                 lost     what earlier tries have cost

A put is one transaction: after kill -9 or a power cut, all of its entries are there or none. Every row has a checksum,
which SQLite has not: a row that a disk has changed is noticed on opening, whole rows are taken over into a fresh
journal, and the others are completed anew.

The worklist of the run that has the journal open lies beside the completions in temporary tables of the same connection
(`Journal.worklist`): they are never synced and cost a put nothing, and they are gone when the journal is closed,
however that happens.

A journal has one writer: a child may outlive a killed `dvc`, and two writers would each make the same completions.
"""

import fcntl
import json
import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mathse.errors import UserError
from mathse.loop.ask.worklist import Worklist

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a transaction waits for another of this process: bills are written by a thread of their own."""
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_TOOBIG}
"""What SQLite calls a file whose bytes are not what it has written."""

_TABLES = {
    "completions": ("key", "payload", "sum"),
    "bills": ("key", "held", "lost", "sum"),
}
_MAKE = """
create table if not exists completions (key text primary key, payload text not null, sum integer) without rowid;
create table if not exists bills (
    key text primary key, held real not null, lost real not null, sum integer
) without rowid;
"""
_WRONG = """
select (select count(*) from completions where sum is not checksum(cast(key as blob), cast(payload as blob)))
     + (select count(*) from bills where sum is not checksum(cast(key as blob), held, lost))
"""
_HOLD = """
insert into bills values (?1, ?2, 0.0, checksum(cast(?1 as blob), ?2, 0.0)) on conflict (key) do update set
    held = ?2, lost = lost + held, sum = checksum(cast(key as blob), ?2, lost + held)
"""
_LOSE = """
update bills set held = 0.0, lost = lost + ?2, sum = checksum(cast(key as blob), 0.0, lost + ?2) where key = ?1
"""


class JournalError(UserError):
    """Another process writes to the journal, or it cannot be written or read; says who or why."""


class Journal:
    """Completions and bills by request key, open within a `with` block; the bills are written from any thread.

    Raises:
        JournalError: On entering the block, another process has the journal open; on writing, the disk is full.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock: int | None = None
        self._db: sqlite3.Connection
        self._bills: sqlite3.Connection | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_file(self.file)
        except OSError as error:
            raise JournalError(f"{self.file}: cannot be written ({error}); what it held before is safe") from error
        try:
            self._db = _open(self.file)
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            if self._bills is not None:
                self._bills.close()
        self._db.close()
        self._unlock()

    def worklist(self) -> Worklist:
        """The list of what this run asks for; made once.

        Raises:
            WorklistError: There is no room for it.
        """
        return Worklist(self._db, self.file)

    def put(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Journal `entries`, all of them or none; on return they are on the disk, and nothing is held for them.

        Raises:
            JournalError: They could not be written, as when the disk is full.
        """
        payloads = {key: json.dumps(payload, sort_keys=True) for key, payload in entries.items()}
        rows = [(key, payload, checksum(key.encode(), payload.encode())) for key, payload in payloads.items()]
        try:
            self._db.execute("begin immediate")
            with self._db:
                self._db.executemany("insert or replace into completions values (?, ?, ?)", rows)
                self._db.executemany(_LOSE, [(key, 0.0) for key in payloads])
        except sqlite3.OperationalError as error:
            raise JournalError(f"{self.file}: cannot be written ({error}); what it held before is safe") from error

    def billed(self) -> float:
        """What has been billed, or may have been, without a completion."""
        total: float = self._db.execute("select total(held + lost) from bills").fetchone()[0]
        return total

    def hold(self, amounts: Mapping[str, float]) -> None:
        """See `Bills.hold`."""
        self._bill(_HOLD, list(amounts.items()))

    def lose(self, key: str, amount: float) -> None:
        """See `Bills.lose`."""
        self._bill(_LOSE, [(key, amount)])

    def _bill(self, sql: str, rows: list[tuple[str, float]]) -> None:
        """Write in a transaction of its own: this one's thread need not be that of the completions."""
        with self._turn:
            try:
                if self._bills is None:
                    self._bills = _connected(self.file)
                self._bills.execute("begin immediate")
                with self._bills:
                    self._bills.executemany(sql, rows)
            except sqlite3.OperationalError as error:
                raise JournalError(f"{self.file}: cannot be written ({error}); what it held before is safe") from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def checksum(*values: bytes | float) -> int:
    """The checksum of a row: CRC-32 of its values."""
    return zlib.crc32(b"\0".join(value if isinstance(value, bytes) else repr(value).encode() for value in values))


def _lock_file(file: Path) -> int:
    """Lock the journal for this process; the kernel lets go of it however the process ends."""
    lock = file.with_name(f"{file.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise JournalError(
            f"{file}: process {holder} is still writing to it (a stage goes on when its `dvc` is killed); "
            f"wait for it to end, or end it with `kill {holder}`"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _open(file: Path) -> sqlite3.Connection:
    """Open a journal all of whose rows are as they were written: where some are not, a fresh one that has the others.

    Raises:
        JournalError: The file is something else, or cannot be read or written.
    """
    try:
        return _verified(file)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in DAMAGE:
            raise JournalError(
                f"{file}: cannot be opened ({error}); if it is of no use, move it away: its completions are made anew"
            ) from error
        aside = next(name for n in count(1) if not (name := file.with_name(f"{file.name}.damaged-{n}")).exists())
        file.with_name(f"{file.name}-shm").unlink(missing_ok=True)
        if (pending := file.with_name(f"{file.name}-wal")).exists():
            os.replace(pending, aside.with_name(f"{aside.name}-wal"))
        os.replace(file, aside)
        db = _verified(file)
        log.warning(
            "%s: damaged (%s); set aside as %s; %d of its rows are whole and stay, the other completions are made anew",
            file, str(error).splitlines()[-1], aside.name, _take_over(aside, db),
        )  # fmt: skip
        return db


def _connected(file: Path) -> sqlite3.Connection:
    # Transactions begin and end where the code says so.
    db = sqlite3.connect(file, PATIENCE, isolation_level=None, check_same_thread=False)
    db.create_function("checksum", -1, checksum, deterministic=True)
    db.execute("pragma synchronous = full")
    return db


def _verified(file: Path) -> sqlite3.Connection:
    """A journal, made if it is not there, whose pages and rows are all sound: noticed now, not amid a stage.

    Raises:
        sqlite3.DatabaseError: It is not; the error's code is one of `DAMAGE`.
    """
    db = _connected(file)
    try:
        db.execute("pragma journal_mode = wal")
        if (report := db.execute("pragma quick_check(1)").fetchone()[0]) != "ok":
            raise _fault(report)
        if (encoding := db.execute("pragma encoding").fetchone()[0]) != "UTF-8":
            raise _fault(f"its text is said to be {encoding}")
        there = {name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")}
        if strange := sorted(there - _TABLES.keys()):
            raise _fault(f"it has a table {strange[0]}, which is none of a journal's", sqlite3.SQLITE_ERROR)
        columns = [row[1] for row in db.execute("pragma table_info(completions)")]
        if columns == ["key", "payload"]:  # written before there were checksums
            db.execute("alter table completions add column sum integer")
            db.execute("update completions set sum = checksum(cast(key as blob), cast(payload as blob))")
        db.executescript(_MAKE)
        for table, names in _TABLES.items():
            db.execute(f"select {', '.join(names)} from {table} limit 0")
        if wrong := db.execute(_WRONG).fetchone()[0]:
            raise _fault(f"{wrong} rows are not as they were written")
    except BaseException:
        db.close()
        raise
    return db


def _fault(words: str, code: int = sqlite3.SQLITE_CORRUPT) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(words)
    error.sqlite_errorcode = code
    return error


def _take_over(aside: Path, db: sqlite3.Connection) -> int:
    """Copy the rows of a damaged journal that have their checksum; returns how many there are."""
    with closing(sqlite3.connect(aside, PATIENCE)) as old:
        db.execute("begin immediate")
        with db:
            db.executemany("insert or ignore into completions values (?, ?, ?)", _whole_rows(old, "completions"))
            db.executemany("insert or ignore into bills values (?, ?, ?, ?)", _whole_rows(old, "bills"))
    count: int = db.execute("select (select count(*) from completions) + (select count(*) from bills)").fetchone()[0]
    return count


def _whole_rows(db: sqlite3.Connection, table: str) -> Iterator[list[Any]]:
    """The rows of a table that have their checksum, from both ends to where a page is damaged."""
    values = "cast(key as blob), " + ("cast(payload as blob)" if table == "completions" else "held, lost")
    for direction in ("asc", "desc"):
        try:
            for *row, said in db.execute(f"select {values}, sum from {table} order by key {direction}"):
                if checksum(*row) == said:
                    yield [*(value.decode() if isinstance(value, bytes) else value for value in row), said]
            return
        except sqlite3.DatabaseError:  # this is as far as it can be read
            continue
