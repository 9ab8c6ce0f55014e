"""How far a long step is: a bar on a terminal, otherwise a log line now and then; of a stage also a file to look at.

Sample line: `rollout paths, round 1: 640/1646 (39 %), 128 of them from the journal, 38.2/s, 0:26 left`
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

log = logging.getLogger(__name__)

LINE_SHARE = 0.1
"""Share of the whole after which a line is due."""
LINE_SECONDS = 15.0
"""Seconds after which a line is due."""

FILE_SECONDS = 1.0
"""Seconds after which the file is written anew."""

Advance = Callable[[int], None]


@contextmanager
def shown_in(file: Path, stage: str) -> Iterator[None]:
    """Say in a file what this process does and how far it is, while the block runs; a disk that refuses is no matter.

    Sample: `{"stage": "paths 1", "pid": 4711, "began": 1767.5, "title": "rollout paths, round 1", "done": 640, ...}`
    """
    _File.current = _File(file, {"stage": stage, "pid": os.getpid(), "began": time.time()})
    _File.current.write({})
    try:
        yield
    finally:
        _File.current = None
        with suppress(OSError):
            file.unlink()


@contextmanager
def progress(title: str, total: int, resumed: int = 0) -> Iterator[Advance]:
    """Show how far a step is while the block runs.

    Args:
        resumed: How many of them were done by an earlier run.

    Yields:
        A function that takes the number of items just done.
    """
    console = Console(stderr=True)
    shown = _Shown(title, total, resumed)
    if not console.is_terminal:
        lines = _Lines(title, total, resumed)

        def say(items: int) -> None:
            lines.advance(items)
            shown.advance(items)

        yield say
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, completed=resumed)

        def draw(items: int) -> None:
            bar.advance(task, items)
            shown.advance(items)

        yield draw


class _File:
    """The file in which this process says how far it is."""

    current: "_File | None" = None

    def __init__(self, file: Path, about: dict[str, Any]) -> None:
        self._file, self._about = file, about

    def write(self, more: dict[str, Any]) -> None:
        fresh = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps({**self._about, **more, "at": time.time()}), encoding="utf-8")
            fresh.replace(self._file)


class _Shown:
    """Writes a step's state into the process's file, if it has one: at its start, once a second, and at its end."""

    def __init__(self, title: str, total: int, resumed: int) -> None:
        self._about = {"title": title, "total": total, "resumed": resumed, "since": time.time()}
        self._total, self._done = total, resumed
        self._written = float("-inf")
        self.advance(0)

    def advance(self, items: int) -> None:
        self._done += items
        now = time.monotonic()
        due = now - self._written >= FILE_SECONDS or self._done >= self._total
        if _File.current is not None and due:
            _File.current.write({**self._about, "done": self._done})
            self._written = now


class _Lines:
    """Logs a line every tenth of the whole or every 15 seconds, whichever comes first, and at the end."""

    def __init__(self, title: str, total: int, resumed: int) -> None:
        self._title, self._total, self._resumed = title, total, resumed
        self._done = self._logged = resumed
        self._start = self._last = time.monotonic()

    def advance(self, items: int) -> None:
        self._done += items
        now = time.monotonic()
        enough = self._done - self._logged >= LINE_SHARE * self._total or now - self._last >= LINE_SECONDS
        if enough or self._done == self._total:
            log.info(self._line(now))
            self._logged, self._last = self._done, now

    def _line(self, now: float) -> str:
        rate = (self._done - self._resumed) / max(now - self._start, 1e-9)
        left = round((self._total - self._done) / rate) if rate else 0
        resumed = f", {self._resumed} of them from the journal" if self._resumed else ""
        share = 100 * self._done / self._total
        return (
            f"{self._title}: {self._done}/{self._total} ({share:.0f} %){resumed}, "
            f"{rate:.1f}/s, {left // 60}:{left % 60:02d} left"
        )
