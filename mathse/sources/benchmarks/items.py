"""The benchmarks stage: every row of a benchmark, as an item with its images or as a reject with its reason.

In: `params.benchmarks`. Out: `BenchmarkItem`, `Image` and `Reject` rows; each row of a benchmark comes out once, as an
item or as a reject. What the official rule could not score is rejected here, not when a model has answered it; a gold
answer that only our own grader cannot read stays, as it is not our benchmark.

Sample reject: `mathvision_testmini, 17, missing image, images/17.jpg: FileNotFoundError`
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mathse.answers.official.rows import BadRow
from mathse.params import BenchmarkSource
from mathse.sources import questions
from mathse.sources.admit import Limits, gold_of, picture
from mathse.sources.benchmarks import BENCHMARKS
from mathse.sources.benchmarks.form import Form, RawItem, Subset
from mathse.sources.licences import licence
from mathse.sources.raw import Damaged, Faulty, Raw, Row, converted, rejected
from mathse.sources.reading import SourceError, files, root, rows
from mathse.tables.image_stores import BENCHMARK_PIXELS
from mathse.tables.schemas import BenchmarkItem, Image, Reject

LIMITS = Limits(image_pixels=BENCHMARK_PIXELS)
_NO_ANSWER = {"response": "", "extraction": "", "prediction": ""}


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
    form = BENCHMARKS[source.name]
    subset = form.subsets[source.subset]
    found = _once(islice(_chosen(_rows(source, subset), subset), source.limit), form, source.title)
    folder = root(source.path).resolve() if source.path else Path("/nonexistent")
    for raw in found:
        if isinstance(raw, Reject):
            yield raw
            continue
        try:
            yield _loaded(raw, source, form, folder)
        except Faulty as fault:
            yield rejected(source.title, raw.source_id, fault.reason, fault.detail)


def _rows(source: BenchmarkSource, subset: Subset) -> Iterator[Row | Damaged]:
    if source.path is not None:
        if next(files(source.path, subset.wanted), None) is None:
            names = " or ".join(f"{name}.json" for name in subset.files or (subset.split,))
            raise SourceError(f"{source.path}: holds no {names} (nor .jsonl or .parquet); name the file that does")
        yield from rows(source.path, subset.wanted)
    elif source.repository is not None and source.revision is not None:
        from mathse.sources import hub

        yield from hub.rows(source.repository, source.revision, subset.split, subset.config)


def _chosen(rows: Iterable[Row | Damaged], subset: Subset) -> Iterator[Row | Damaged]:
    """The rows of the subset, and those that do not say whether they are."""
    for row in rows:
        try:
            if isinstance(row, Damaged) or subset.belongs(row):
                yield row
        except Faulty as fault:
            yield Damaged(row.place, fault.reason, fault.detail)


def _once(rows: Iterable[Row | Damaged], form: Form, title: str) -> Iterator[RawItem | Reject]:
    """Items by their own ids; a second one of an id is rejected, as the official scripts know items by it."""
    seen: set[str] = set()

    def item(row: Row) -> Raw:
        raw = form.item(row)
        if raw.source_id in seen:
            raise Faulty("id occurs twice", raw.source_id[:40])
        seen.add(raw.source_id)
        return raw

    for raw in converted(title, rows, item):
        if isinstance(raw, RawItem | Reject):
            yield raw


def _loaded(raw: RawItem, source: BenchmarkSource, form: Form, folder: Path) -> Loaded:
    if len(raw.question) > LIMITS.question:
        raise Faulty("question too long", f"{len(raw.question)} characters, at most {LIMITS.question}")
    if len(raw.images) > LIMITS.images:
        raise Faulty("too many images", f"{len(raw.images)}, at most {LIMITS.images}")
    question = questions.without_placeholders(raw.question)
    if not question:
        raise Faulty("empty question")
    if not raw.answer.strip():
        raise Faulty("empty answer")
    _require_scorable(raw, form)
    images = tuple(picture(ref, folder, LIMITS) for ref in raw.images)
    item = BenchmarkItem(
        benchmark=source.title,
        item_id=raw.source_id,
        question=question,
        choices=raw.choices,
        answer=_gold(raw),
        image_ids=tuple(image.image_id for image in images),
        subject=raw.subject or source.name,
        level=raw.level,
        language=raw.language,
        licence=licence(source.name).spdx,
        official=_as_json(raw),
    )
    return Loaded(item, images)


def _require_scorable(raw: RawItem, form: Form) -> None:
    """The official rule gives a verdict on the item, whatever is answered."""
    if form.rule is None:
        return
    try:
        form.rule.verdict({**raw.official, **_NO_ANSWER})
    except BadRow as error:
        raise Faulty("not scorable by the official rule", str(error)) from None


def _gold(raw: RawItem) -> str:
    """The gold answer as our grader takes it: a letter where there are options and it is one of them."""
    try:
        return gold_of(raw) if raw.choices else raw.answer.strip()
    except Faulty:
        return raw.answer.strip()


def _as_json(raw: RawItem) -> str:
    try:
        text = json.dumps(raw.official, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:  # a date of a Parquet file, NaN, half a surrogate pair
        raise Faulty("wrong type", f"official fields: {error}") from None
    return text
