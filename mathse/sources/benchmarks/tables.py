"""All configured benchmarks as three tables' rows, read once: items as they come, then images, then rejects.

Images wait on disk, each once, so that memory does not grow with the benchmarks.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self

from mathse.params import BenchmarkSource
from mathse.progress import Advance, progress
from mathse.sources.benchmarks.items import load
from mathse.tables.schemas import BenchmarkItem, Image, Reject

_COLUMNS = tuple(Image.model_fields)


class Gathered:
    """The rows of all benchmarks, open within a `with` block; `items` comes first, and is taken once."""

    def __init__(self, sources: Sequence[BenchmarkSource], scratch: Path) -> None:
        """Read nothing yet.

        Args:
            sources: `params.benchmarks`.
            scratch: A file in which images wait; removed at the end.
        """
        self._sources = sources
        self._scratch = scratch
        self._db: sqlite3.Connection
        self._counts: Counter[str] = Counter()
        self.rejects: list[Reject] = []

    def __enter__(self) -> Self:
        self._scratch.parent.mkdir(parents=True, exist_ok=True)
        self._scratch.unlink(missing_ok=True)  # of a run that was killed
        self._db = sqlite3.connect(self._scratch)
        # Worth nothing after a crash: nothing is synced.
        self._db.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            "create table images (image_id text primary key, data blob, format text, width integer, height integer, "
            "perceptual_hash text);"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._scratch.unlink(missing_ok=True)

    def items(self) -> Iterator[BenchmarkItem]:
        """Every item of every benchmark; its images and the rejects are noted on the way.

        Raises:
            SourceError: A benchmark's location cannot be used.
        """
        for source in self._sources:
            with _shown(source) as advance:
                for found in load(source):
                    advance(1)
                    if isinstance(found, Reject):
                        self.rejects.append(found)
                        continue
                    rows = [[getattr(image, column) for column in _COLUMNS] for image in found.images]
                    self._db.executemany("insert or ignore into images values (?, ?, ?, ?, ?, ?)", rows)
                    self._counts[source.title] += 1
                    yield found.item

    def images(self) -> Iterator[Image]:
        """The images of the items, each once."""
        for row in self._db.execute("select * from images order by image_id"):
            yield Image(**dict(zip(_COLUMNS, row, strict=True)))

    def incomplete(self) -> str:
        """What lacks items, or has too many, against the published benchmark: `; chartqa has 3 of 2500 items`."""
        sizes = {source.title: source.expected for source in self._sources}
        odd = [name for name, size in sizes.items() if size and self._counts[name] != size]
        return "".join(f"; {name} has {self._counts[name]} of {sizes[name]} items" for name in odd)


def _shown(source: BenchmarkSource) -> AbstractContextManager[Advance]:
    """Progress, where it is known how much there is."""
    size = source.expected
    return progress(source.title, size) if size else nullcontext(lambda items: None)
