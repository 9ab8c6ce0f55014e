"""How far a long step is: a bar on a terminal, otherwise a log line now and then.

Sample line: `rollout paths, round 1: 640/1646 (39 %), 128 of them from the journal, 38.2/s, 0:26 left`
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

log = logging.getLogger(__name__)

LINE_SHARE = 0.1
"""Share of the whole after which a line is due."""
LINE_SECONDS = 15.0
"""Seconds after which a line is due."""

Advance = Callable[[int], None]


@contextmanager
def progress(title: str, total: int, resumed: int = 0) -> Iterator[Advance]:
    """Show how far a step is while the block runs.

    Args:
        resumed: How many of them were done by an earlier run.

    Yields:
        A function that takes the number of items just done.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title, total, resumed).advance
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, completed=resumed)
        yield lambda items: bar.advance(task, items)


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
