"""What passes between a source and its adapter, and between an adapter and admission.

A reader yields `SourceRow`s (fields as the source names them) and `Damaged` places; an adapter makes a `Raw` problem of
each row or says with `Faulty` why it cannot; `converted` turns the latter two into rejects. So every place of a source
that holds a row comes out exactly once, as a raw problem or as a reject with its reason.

Sample: `Raw(source="k12", source_id="256989c1", question="..., then angle B is", answer="30°", images=("2.png",))`
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mathse.sources.rows import language
from mathse.tables.schemas import Path, Reject

LONGEST_DETAIL = 200
"""Characters of a reject's detail: a reject must not carry the megabytes for which it was rejected."""


@dataclass(frozen=True)
class Pixels:
    """A picture that the source holds as an array, row by row.

    Attributes:
        width: In pixels.
        height: In pixels.
        mode: `L` (grey) or `RGB`.
        data: One or three bytes per pixel.
    """

    width: int
    height: int
    mode: str
    data: bytes


ImageRef = str | bytes | Pixels
"""A picture: its path inside the source's folder, its encoded file, or its pixels."""


@dataclass(frozen=True)
class SourceRow:
    """One row of a source.

    Attributes:
        place: File within the source and position in it, such as `train.json:17`.
        fields: As the source names them; nothing is known of their types yet.
        folder: Where the row's file lies, relative to the source's folder; empty if in it.
        key: The row's key where the source is a mapping of rows.
    """

    place: str
    fields: Mapping[str, Any]
    folder: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Damaged:
    """A place of a source from which no row could be read: where, and why."""

    place: str
    reason: str
    detail: str = ""


class Faulty(Exception):
    """A row that cannot become a problem.

    Attributes:
        reason: Short and countable, such as `missing field`.
        detail: What exactly is wrong.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Raw:
    """A problem as its source has it: nothing is checked yet.

    Attributes:
        question: With image placeholders (`<image>`, `<image1>`) where the source has them, without choices.
        answer: Gold answer: a value, or a choice's letter.
        choices: Values of options A, B, C, ..., their labels removed.
        solution: The source's own solution in steps, if any.
        images: In the order in which the question has them.
        subject: Topic; the source's name where it has none.
        level: Difficulty from 1; 0 if the source does not say.
        language: ISO 639-1; by default that of the question's words.
        split: What the source says of it (`train`, `val`, `test`); None if nothing.
        licence: SPDX expression of the row's own licence; None: its source's.
        source_id: Its id within the source, where the adapter knows better than `id_of`.
        source: The adapter's name, which `converted` fills in.
    """

    question: str
    answer: str
    choices: tuple[str, ...] = ()
    solution: str | None = None
    images: tuple[ImageRef, ...] = ()
    subject: str = ""
    level: int = 0
    language: str = ""
    split: str | None = None
    licence: str | None = None
    source_id: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.language:
            object.__setattr__(self, "language", language.of_text(self.question, *self.choices))


@dataclass(frozen=True)
class Recorded:
    """A solution that a teacher wrote once.

    Attributes:
        source: The source of its problem.
        source_id: The problem's id within the source, as in its `Origin`.
        text: The solution.
        path: The path as the run that wrote it has it, where that is known.
    """

    source: str
    source_id: str
    text: str
    path: Path | None = None


def converted(
    source: str, rows: Iterable[SourceRow | Damaged], problem: Callable[[SourceRow], Raw]
) -> Iterator[Raw | Reject]:
    """Make problems of rows; as many come out as went in.

    Ids are unique within the result: a second row of the same id is named `id@place`. Memory holds a hash of eight
    bytes per id.

    Args:
        problem: Makes a raw problem of a row, or raises `Faulty`.
    """
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, Damaged):
            yield rejected(source, _unique(row.place, row.place, seen), row.reason, row.detail)
            continue
        try:
            raw = problem(row)
        except Faulty as fault:
            yield rejected(source, _unique(id_of(row), row.place, seen), fault.reason, fault.detail)
            continue
        stated = language.stated(row.fields.get("language", row.fields.get("lang")))
        source_id = _unique(raw.source_id or id_of(row), row.place, seen)
        yield replace(raw, source=source, source_id=source_id, language=stated or raw.language)


def id_of(row: SourceRow) -> str:
    """The row's own id, its key, or its place: the first that there is and that can serve as an id."""
    for value in (row.fields.get("id"), row.key):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            return str(value)
        if isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_DETAIL and plain(value) == value:
            return value.strip()
    return plain(row.place)


def rejected(source: str, source_id: str, reason: str, detail: str = "") -> Reject:
    """A reject whose texts can be stored whatever they came from."""
    return Reject(source=source, source_id=plain(source_id), reason=reason, detail=plain(detail[:LONGEST_DETAIL]))


def plain(text: str) -> str:
    """The text with what UTF-8 cannot hold (half a surrogate pair) written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _unique(source_id: str, place: str, seen: set[int]) -> str:
    """The id; where it is taken, the id with its place; where that is taken too, with a count."""
    candidate, count = source_id, 0
    while True:
        digest = hashlib.blake2b(candidate.encode("utf-8", "backslashreplace"), digest_size=8).digest()
        mark = int.from_bytes(digest)
        if mark not in seen:
            seen.add(mark)
            return candidate
        count += 1
        candidate = f"{source_id}@{plain(place)}" + (f"#{count}" if count > 1 else "")
