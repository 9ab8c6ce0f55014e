"""The benchmarks stage: every row of a benchmark, as an item with its images or as a reject with its reason.

In: `params.benchmarks`. Out: `BenchmarkItem`, `Image` and `Reject` rows; each row of a benchmark comes out once, as an
item or as a reject. What the official rule could not score is rejected here, not when a model has answered it; a gold
answer that only our own grader cannot read stays, as it is not our benchmark.

Sample reject: `mathvision_testmini, 17, missing image, images/17.jpg: FileNotFoundError`
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mathse.benchmarks.benchmark import Benchmark, RawItem, benchmark
from mathse.benchmarks.official import BadRow
from mathse.benchmarks.rule import Rule
from mathse.params import BenchmarkSource
from mathse.progress import progress
from mathse.sources.admit import Limits, gold_of, picture
from mathse.sources.licences import licence
from mathse.sources.reading import SourceError, files, root, rows
from mathse.sources.rows import questions
from mathse.sources.rows.raw import Damaged, Faulty, SourceRow, converted, rejected
from mathse.tables.images import BENCHMARK_PIXELS
from mathse.tables.schemas import BenchmarkItem, Image, Reject

LIMITS = Limits(image_pixels=BENCHMARK_PIXELS)


@dataclass(frozen=True)
class Loaded:
    """An item and its images in order."""

    item: BenchmarkItem
    images: tuple[Image, ...]


def load(source: BenchmarkSource) -> Iterator[Loaded | Reject]:
    """Read one benchmark; as many come out as it has rows.

    Raises:
        SourceError: There is no such file or folder, or it holds no file of the benchmark.
    """
    declared = benchmark(source.name)
    folder = root(source.path).resolve() if source.path else Path("/nonexistent")
    ids: set[str] = set()

    def item(row: SourceRow) -> RawItem:
        raw = declared.item(row)
        # The official scripts know items by their ids.
        if raw.source_id in ids:
            raise Faulty("id occurs twice", raw.source_id[:40])
        ids.add(raw.source_id)
        return raw

    for raw in converted(source.title, islice(_rows(source, declared), source.limit), item):
        if isinstance(raw, Reject):
            yield raw
            continue
        assert isinstance(raw, RawItem)
        try:
            yield _loaded(raw, source, declared.rule, folder)
        except Faulty as fault:
            yield rejected(source.title, raw.source_id, fault.reason, fault.detail)


def _rows(source: BenchmarkSource, declared: Benchmark) -> Iterator[SourceRow | Damaged]:
    """The rows of the subset, and those that do not say whether they are."""
    subset = declared.subsets[source.subset]
    if source.path is not None:
        if next(files(source.path, subset.is_in), None) is None:
            names = " or ".join(f"{stem}.json" for stem in subset.stems)
            raise SourceError(f"{source.path}: holds no {names} (nor .jsonl or .parquet); name the file that does")
        candidates = rows(source.path, subset.is_in)
    else:
        from mathse.sources import hub  # heavy, and of no use to a local copy

        assert source.repository is not None and source.revision is not None  # params have one place or the other
        candidates = hub.rows(source.repository, source.revision, subset.split, subset.config)
    for row in candidates:
        try:
            if isinstance(row, Damaged) or not subset.divisions or declared.division(row) in subset.divisions:
                yield row
        except Faulty as fault:
            yield Damaged(row.place, fault.reason, fault.detail)


def _loaded(raw: RawItem, source: BenchmarkSource, rule: Rule | None, folder: Path) -> Loaded:
    if len(raw.question) > LIMITS.question:
        raise Faulty("question too long", f"{len(raw.question)} characters, at most {LIMITS.question}")
    if len(raw.images) > LIMITS.images:
        raise Faulty("too many images", f"{len(raw.images)}, at most {LIMITS.images}")
    question = questions.without_placeholders(raw.question)
    if not question:
        raise Faulty("empty question")
    if not raw.answer.strip():
        raise Faulty("empty answer")
    if rule is not None:
        try:
            rule.verdict({**raw.official, rule.reads: ""})
        except BadRow as error:
            raise Faulty("not scorable by the official rule", str(error)) from None
    images = tuple(picture(ref, folder, LIMITS) for ref in raw.images)
    try:
        # As our grader takes it: a letter where there are options and it is one of them.
        answer = gold_of(raw) if raw.choices else raw.answer.strip()
    except Faulty:
        answer = raw.answer.strip()
    try:
        official = json.dumps(raw.official, ensure_ascii=False, allow_nan=False)
        official.encode()
    except (TypeError, ValueError) as error:  # a date of a Parquet file, NaN, half a surrogate pair
        raise Faulty("wrong type", f"official fields: {error}") from None
    item = BenchmarkItem(
        benchmark=source.title,
        item_id=raw.source_id,
        question=question,
        choices=raw.choices,
        answer=answer,
        image_ids=tuple(image.image_id for image in images),
        subject=raw.subject or source.name,
        level=raw.level,
        language=raw.language,
        licence=licence(source.name).spdx,
        official=official,
    )
    return Loaded(item, images)


class Gathered:
    """The rows of all benchmarks as three tables' rows: images as they are read, then `items` and `rejects`.

    Memory holds the items' text, a few kilobytes each, but no image.
    """

    def __init__(self, sources: Sequence[BenchmarkSource]) -> None:
        """Read nothing yet."""
        self._sources = sources
        self.items: list[BenchmarkItem] = []
        self.rejects: list[Reject] = []

    def images(self) -> Iterator[Image]:
        """The images of the items, each once; comes first, and is taken once, as the other rows are noted on the way.

        Raises:
            SourceError: A benchmark's location cannot be used.
        """
        known: set[str] = set()
        for source in self._sources:
            size = source.expected  # progress is shown where it is known how much there is
            with progress(source.title, size) if size else nullcontext(lambda items: None) as advance:
                for loaded in load(source):
                    advance(1)
                    if isinstance(loaded, Reject):
                        self.rejects.append(loaded)
                        continue
                    self.items.append(loaded.item)
                    for image in loaded.images:
                        if image.image_id not in known:
                            known.add(image.image_id)
                            yield image

    def incomplete(self) -> str:
        """What lacks items, or has too many, against the published benchmark: `; chartqa has 3 of 2500 items`."""
        counts = Counter(item.benchmark for item in self.items)
        return "".join(
            f"; {source.title} has {counts[source.title]} of {source.expected} items"
            for source in self._sources
            if source.expected and counts[source.title] != source.expected
        )
