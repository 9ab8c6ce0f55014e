"""A run's problems, held against the items of its benchmarks: what leaks is listed, and taken out.

In: the tables of `problems` and `benchmarks`. Out: data/problems/leaks.parquet, one row a (problem, item, kind), with
both sides in it; and the tables of `problems` without the leaks, each a reject with the reason `leak`.

What leaves: problems of train and orm whose text is or quotes an item's, or which show an item's image. What stays, and
is listed: problems of test, which nobody trains on; and drawn figures whose image alone is alike, since of 600 of them
36 pairs are (a digit or two of 112 pixels' width).

Sample reject: `figures, 417, leak, mathvista 17: shared_grams`
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from mathse import layout, params
from mathse.sources.gathering import Counts
from mathse.sources.leakage import Kind, pictures, text
from mathse.sources.leakage.index import Rule
from mathse.sources.leakage.pictures import Hash, Shown
from mathse.sources.removal import Removal, remove
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image, Leak, Split

REASON = "leak"
DRAWN = "figures"
"""The source whose images are alike without being the same."""
_ANY_PIXELS = 2**31
"""Benchmark images were within their limit when they were stored."""


@dataclass(frozen=True)
class Screened:
    """What became of the leaks.

    Attributes:
        problems: Problems taken out.
        listed: Problems that leak and stay: of test, drawn with a look-alike image, or all if nothing is removed.
    """

    problems: int
    listed: int

    def __str__(self) -> str:
        return f"; {self.listed} leaks listed that stay" if self.listed else ""


def screen(settings: params.Problems, counts: Counts, root: Path = Path()) -> Screened:
    """Find the leaks of the problem tables, write them down and take them out.

    Args:
        settings: The section `problems`.
        counts: What `ingest` returned; brought up to date.
        root: The project's root.
    """
    leaks = find(settings, root)
    gone = _to_remove(leaks, root) if settings.leakage.remove else set()
    told = [leak.model_copy(update={"removed": leak.problem_id in gone}) for leak in leaks]
    store.write(root / layout.LEAKS, Leak, told)
    remove([_removal(leak) for leak in told if leak.removed], counts, root)
    return Screened(len(gone), len({leak.problem_id for leak in leaks} - gone))


def find(settings: params.Problems, root: Path = Path()) -> list[Leak]:
    """The leaks by text and by image, sorted as their table is.

    Args:
        settings: The section `problems`.
        root: The project's root.
    """
    items = text.benchmark_items(root / layout.BENCHMARK_ITEMS)
    if items.is_empty():
        return []
    rule = Rule(score=settings.leakage.score)
    leaks = text.find(text.Questions(root / layout.PROBLEMS), items, rule) + _by_image(settings, root)
    return sorted(leaks, key=lambda leak: (leak.problem_id, leak.benchmark, leak.item_id, leak.kind))


def _to_remove(leaks: Iterable[Leak], root: Path) -> set[str]:
    """Problems that leave: those of train and orm, drawn ones only for their text."""
    kinds: dict[str, set[str]] = {}
    for leak in leaks:
        kinds.setdefault(leak.problem_id, set()).add(leak.kind)
    return {
        problem_id
        for problem_id, source, split in _described(root / layout.PROBLEMS, kinds)
        if split != Split.TEST and (source != DRAWN or kinds[problem_id] != {Kind.NEAR_IMAGE})
    }


def _removal(leak: Leak) -> Removal:
    return Removal(leak.problem_id, REASON, f"{leak.benchmark} {leak.item_id}: {leak.kind}")


def _described(file: Path, wanted: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Id, source and split of some problems."""
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(columns=["problem_id", "source", "split"], use_threads=False):
            rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            yield from (row for row in rows if row[0] in wanted)


def _by_image(settings: params.Problems, root: Path) -> list[Leak]:
    """Problems that show an item's image; only images whose stored hashes are near are looked at."""
    if not settings.leakage.images:
        return []
    (ours, our_hashes), (theirs, their_hashes) = (
        _hashes(root / file) for file in (layout.IMAGES, layout.BENCHMARK_IMAGES)
    )
    pairs = list(pictures.near_hashes(our_hashes, their_hashes)) if ours and theirs else []
    if not pairs:
        return []
    near_ours, near_theirs = {ours[one] for one, _, _ in pairs}, {theirs[other] for _, other, _ in pairs}
    problems = _shown(root / layout.PROBLEMS, root / layout.IMAGES, near_ours, settings.max_pixels)
    items = _shown(root / layout.BENCHMARK_ITEMS, root / layout.BENCHMARK_IMAGES, near_theirs, _ANY_PIXELS)
    return pictures.find(problems, items)


def _hashes(file: Path) -> tuple[list[str], Hash]:
    """Ids and hashes of a table's images; of one with next to nothing on it there is none."""
    store.require(file, Image)
    table = pq.read_table(file, columns=["image_id", "perceptual_hash"], use_threads=False).drop_null()
    raw = b"".join(bytes.fromhex(text) for text in table.column("perceptual_hash").to_pylist())
    return table.column("image_id").to_pylist(), np.frombuffer(raw, np.uint64).reshape(-1, pictures.WORDS)


def _shown(rows: Path, images: Path, wanted: set[str], max_pixels: int) -> Iterator[Shown]:
    """The wanted images of a table of problems or items, one a row and image."""
    stored = ImageStore(images, max_pixels)
    of_items = rows.name == layout.BENCHMARK_ITEMS.name
    columns = ["item_id", "image_ids", "benchmark"] if of_items else ["problem_id", "image_ids"]
    with pq.ParquetFile(rows) as table:
        for batch in table.iter_batches(columns=columns, use_threads=False):
            for owner, image_ids, *benchmark in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                for image_id in sorted(wanted.intersection(image_ids)):
                    yield Shown(owner, image_id, stored.load(image_id), *benchmark)
