"""A stage's work as it stands, in one SQLite file: what has been completed, and what this run asks for.

The file lies outside the stage's outputs (DVC deletes those before it runs a stage). Its one table, one row per
completion, outlives the run: an edited stage that runs again finds in it every completion that it asks for.

    key      Request.key: hash of everything that decides the completion
    payload  {"text": "...", "finish_reason": "stop", "tokens_in": 31, "tokens_out": 58, "cost": 0.0}

A put is one transaction: after kill -9 or a power cut, all of its entries are there or none. The worklist of the run
that has the journal open lies beside the completions in temporary tables of the same connection (`Journal.worklist`):
they are never synced and cost a put nothing, and they are gone when the journal is closed, however that happens.

A journal has one writer: a child may outlive a killed `dvc`, and two writers would each make the same completions.
"""

import fcntl
import json
import logging
import os
import sqlite3
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mathse.errors import UserError
from mathse.loop.ask.worklist import Worklist

log = logging.getLogger(__name__)


class JournalError(UserError):
    """Another process writes to the journal, or it cannot be written; says who or why."""


class Journal:
    """Completions by request key, open within a `with` block.

    Raises:
        JournalError: On entering the block, another process has the journal open; on `put`, the disk is full.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock: int | None = None
        self._db: sqlite3.Connection

    def __enter__(self) -> Self:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock_file(self.file)
        try:
            self._db = _open(self.file)
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._unlock()

    def worklist(self) -> Worklist:
        """The list of what this run asks for; made once.

        Raises:
            WorklistError: There is no room for it.
        """
        return Worklist(self._db, self.file)

    def put(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Journal `entries`, all of them or none; on return they are on the disk.

        Raises:
            JournalError: They could not be written, as when the disk is full.
        """
        rows = [(key, json.dumps(payload, sort_keys=True)) for key, payload in entries.items()]
        try:
            self._db.execute("begin")
            with self._db:
                self._db.executemany("insert or replace into completions values (?, ?)", rows)
        except sqlite3.OperationalError as error:
            raise JournalError(f"{self.file}: cannot be written ({error}); what it held before is safe") from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock_file(file: Path) -> int:
    """Lock the journal for this process; the kernel lets go of it however the process ends."""
    lock = file.with_name(f"{file.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode().strip() or "unknown"
        os.close(handle)
        raise JournalError(
            f"{file}: process {holder} is still writing to it (a stage goes on when its `dvc` is killed); "
            f"wait for it to end, or end it with `kill {holder}`"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _open(file: Path) -> sqlite3.Connection:
    try:
        return _connect(file)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise JournalError(f"{file}: cannot be opened ({error})") from error
        aside = next(name for n in count(1) if not (name := file.with_name(f"{file.name}.damaged-{n}")).exists())
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        os.replace(file, aside)
        log.warning("%s: damaged (%s); set aside as %s, completions are made anew", file, error, aside.name)
        return _connect(file)


def _connect(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)  # transactions begin and end where the code says so
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        report = db.execute("pragma quick_check(1)").fetchone()[0]
        if report != "ok":  # said now, not in the middle of a stage
            error = sqlite3.DatabaseError(report)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        db.execute("create table if not exists completions (key text primary key, payload text not null) without rowid")
        db.execute("select key, payload from completions limit 0")
    except BaseException:
        db.close()
        raise
    return db
