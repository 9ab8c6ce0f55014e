"""The gathered problems, held against the items of the benchmarks before the tables are written.

In: a `Gathering` of all sources, and the tables of `benchmarks`. Out: the rows of data/ingest/leaks.parquet, one per
(problem, item, kind), with both sides in it; the problems that leak are excluded from the gathering, with the reason
`leak`.

What is excluded: problems of train and orm whose text is or quotes an item's, or which show an item's image. What
stays, and is listed: problems of test, which nobody trains on; and drawn figures whose image alone is alike, since of
600 of them 36 pairs are (a digit or two of 112 pixels' width).

Sample reject: `figures, 417, leak, mathvista 17: shared_grams`
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout, params
from mathse.sources import figures
from mathse.sources.gathering import Gathering
from mathse.sources.leakage import Kind, pictures, text
from mathse.sources.leakage.index import Rule
from mathse.sources.leakage.pictures import Hash, Shown
from mathse.tables import store
from mathse.tables.images import ImageStore, decode
from mathse.tables.schemas import Image, Leak, Problem, Split

REASON = "leak"
_ANY_PIXELS = 2**31
"""Benchmark images were within their limit when they were stored."""


def screen(gathering: Gathering, settings: params.Problems, root: Path = Path()) -> list[Leak]:
    """Find the leaks among the gathered problems, and exclude the problems that must not be trained on.

    Returns:
        All leaks in the order of their table, each with whether its problem is excluded.

    Raises:
        StoreError: A table of the benchmarks is missing, damaged, or another one.
    """
    items = text.benchmark_items(root / layout.BENCHMARK_ITEMS)
    if items.is_empty():
        return []
    questions = text.Questions(lambda: gathering.spills[Problem].batches("problem_id", "question", "choices"))
    leaks = text.find(questions, items, Rule(score=settings.leakage.score))
    if settings.leakage.images:
        leaks += _by_image(gathering, settings.max_pixels, root)
    leaks.sort(key=lambda leak: (leak.problem_id, leak.benchmark, leak.item_id, leak.kind))

    kinds: dict[str, set[str]] = defaultdict(set)
    for leak in leaks:
        kinds[leak.problem_id].add(leak.kind)
    excluded: set[str] = set()
    for batch in gathering.spills[Problem].having(kinds if settings.leakage.remove else ()):
        for problem_id, source, split in _rows(batch.select(["problem_id", "source", "split"])):
            only_alike = source == figures.NAME and kinds[problem_id] == {Kind.NEAR_IMAGE}
            if split != Split.TEST and not only_alike:
                excluded.add(problem_id)
    gathering.counts.leaks_listed = len(kinds.keys() - excluded)
    details: dict[str, str] = {}
    for leak in leaks:
        if leak.problem_id in excluded:
            details.setdefault(leak.problem_id, f"{leak.benchmark} {leak.item_id}: {leak.kind}")
    gathering.exclude(REASON, details)
    return [leak.model_copy(update={"removed": leak.problem_id in excluded}) for leak in leaks]


def _by_image(gathering: Gathering, max_pixels: int, root: Path) -> list[Leak]:
    """Problems that show an item's image; only images whose stored hashes are near are looked at."""
    store.require(root / layout.BENCHMARK_IMAGES, Image)
    ours, our_hashes = _hashes(gathering.spills[Image].batches("image_id", "perceptual_hash"))
    theirs, their_hashes = _hashes(_batches(root / layout.BENCHMARK_IMAGES, "image_id", "perceptual_hash"))
    pairs = list(pictures.near_hashes(our_hashes, their_hashes)) if ours and theirs else []
    if not pairs:
        return []
    of_problems = _images_of_problems(gathering, {ours[place] for place, _, _ in pairs}, max_pixels)
    return pictures.find(of_problems, _images_of_items(root, {theirs[place] for _, place, _ in pairs}))


def _images_of_problems(gathering: Gathering, wanted: set[str], max_pixels: int) -> Iterator[Shown]:
    owners: dict[str, list[str]] = defaultdict(list)
    for batch in gathering.spills[Problem].batches("problem_id", "image_ids"):
        for problem_id, image_ids in _rows(batch):
            for image_id in wanted.intersection(image_ids):
                owners[image_id].append(problem_id)
    for batch in gathering.spills[Image].having(owners):
        for image_id, data in _rows(batch.select(["image_id", "data"])):
            image = decode(data, max_pixels)
            yield from (Shown(problem_id, image_id, image) for problem_id in owners[image_id])


def _images_of_items(root: Path, wanted: set[str]) -> Iterator[Shown]:
    images = ImageStore(root / layout.BENCHMARK_IMAGES, _ANY_PIXELS)
    for batch in _batches(root / layout.BENCHMARK_ITEMS, "benchmark", "item_id", "image_ids"):
        for benchmark, item_id, image_ids in _rows(batch):
            for image_id in sorted(wanted.intersection(image_ids)):
                yield Shown(item_id, image_id, images.load(image_id), benchmark)


def _hashes(batches: Iterable[pa.RecordBatch]) -> tuple[list[str], Hash]:
    """Ids and hashes of images; one with next to nothing on it has no hash, and is left out."""
    ids: list[str] = []
    hashes = bytearray()
    for image_id, perceptual_hash in (row for batch in batches for row in _rows(batch)):
        if perceptual_hash is not None:
            ids.append(image_id)
            hashes += bytes.fromhex(perceptual_hash)
    return ids, np.frombuffer(hashes, np.uint64).reshape(-1, pictures.WORDS)


def _batches(file: Path, *columns: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file) as table:
        yield from table.iter_batches(columns=list(columns), use_threads=False)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """The rows of a batch as tuples of its columns' values."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)
