"""Typed access to a row's fields: the value, or `Faulty` with the field's name.

Nothing that a source holds is trusted to have its type: `text(row, "question")` is a clean string or a reject
`wrong type, question: int`.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from mathse.sources.rows.raw import Faulty, ImageRef, SourceRow
from mathse.tables.escapes import ControlCharacter, mended

LONGEST_TEXT = 1_000_000
"""Characters of a field above which no adapter looks into it."""
CONTROL = "control character"
_LARGEST = 10**30


def text(row: SourceRow, *names: str) -> str:
    """The first of these fields that is there, as stripped text; it may be empty.

    Raises:
        Faulty: `missing field`, `wrong type`, `field too long` or `broken text`.
    """
    name, value = _first(row, names)
    return as_text(value, name)


def text_or_none(row: SourceRow, *names: str) -> str | None:
    """As `text`; None where no such field is there or it is blank."""
    if all(row.fields.get(name) is None for name in names):
        return None
    return text(row, *names) or None


def value(row: SourceRow, *names: str) -> str:
    """The first of these fields that is there, a text or a number, as text.

    Raises:
        Faulty: As `text`, or `not a number` for NaN and infinities.
    """
    name, value = _first(row, names)
    return as_value(value, name)


def gold(row: SourceRow, *names: str) -> str:
    """As `value`, of a gold answer; see `as_gold`."""
    name, value = _first(row, names)
    return as_gold(as_value(value, name), name)


def as_gold(text: str, name: str) -> str:
    """A gold answer without any control character but white space.

    Raises:
        Faulty: `control character`, which a line break is too where it may have been the start of a command.
    """
    try:
        text = mended(text, strict=True)
    except ControlCharacter as error:
        raise Faulty(CONTROL, f"{name}: {error}") from None
    if other := next((sign for sign in text if unicodedata.category(sign) == "Cc" and not sign.isspace()), None):
        raise Faulty(CONTROL, f"{name}: {other!r}")
    return text


def values(row: SourceRow, name: str) -> tuple[str, ...]:
    """A list of texts or numbers as texts; empty where the field is missing, null or an empty list.

    Raises:
        Faulty: As `value`.
    """
    items = row.fields.get(name)
    if items is None:
        return ()
    if not isinstance(items, list | tuple):
        raise Faulty("wrong type", f"{name}: {type(items).__name__}")
    return tuple(as_value(item, f"{name}[{place}]") for place, item in enumerate(items))


def whole(row: SourceRow, *names: str) -> int:
    """The first of these fields that is there, as an integer; `"3"` and 3.0 are integers.

    Raises:
        Faulty: `missing field`, `wrong type` or `not a number`.
    """
    name, value = _first(row, names)
    digits = as_value(value, name)
    try:
        return int(digits)
    except ValueError:
        raise Faulty("wrong type", f"{name}: {digits[:40]!r} is not a whole number") from None


def level(row: SourceRow, *names: str) -> int:
    """A difficulty from 1 up; 0 where the source says none that is a whole number."""
    try:
        number = whole(row, *names)
    except Faulty:
        return 0
    return number if 0 < number < 100 else 0


def images(row: SourceRow, *names: str, below: str = "") -> tuple[ImageRef, ...]:
    """As `pictures`, their paths taken from a folder below that of the row's file."""
    return within(row.folder, within(below, pictures(row, *names)))


def pictures(row: SourceRow, *names: str) -> tuple[ImageRef, ...]:
    """The images that the first of these fields names: a path, an encoded file, `{bytes, path}`, or a list of them.

    Empty where none of the fields is there: the question may do without.

    Raises:
        Faulty: `wrong type`.
    """
    name = next((name for name in names if row.fields.get(name) is not None), None)
    if name is None:
        return ()
    items, references = row.fields[name], list[ImageRef]()
    for item in items if isinstance(items, list | tuple) else [items]:
        reference = item.get("bytes") or item.get("path") if isinstance(item, Mapping) else item
        if isinstance(item, str) and not item.strip():
            continue  # which is how some sources write that there is none
        references.append(bytes(reference) if isinstance(reference, bytes | bytearray) else as_text(reference, name))
    return tuple(references)


def within(folder: str, pictures: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
    """The images with their paths taken from `folder`; an absolute path stays what it is, to be rejected as such."""
    return tuple(
        f"{folder}/{ref}" if folder and isinstance(ref, str) and not ref.startswith("/") else ref for ref in pictures
    )


def split_in_name(row: SourceRow) -> str | None:
    """`train`, `val` or `test`, where the name of the row's file has the word."""
    words = re.split(r"[^a-z]+", row.place.rpartition("/")[2].lower())
    return next((split for split in ("train", "val", "test") if split in words), "val" if "dev" in words else None)


def as_text(value: Any, name: str) -> str:
    """A value that has to be text, stripped.

    Raises:
        Faulty: `wrong type`, `field too long`, `broken text` or `control character`.
    """
    if not isinstance(value, str):
        raise Faulty("wrong type", f"{name}: {type(value).__name__}")
    if len(value) > LONGEST_TEXT:
        raise Faulty("field too long", f"{name}: {len(value)} characters")
    try:
        value.encode()
        return mended(value).strip()
    except UnicodeEncodeError as error:
        raise Faulty("broken text", f"{name}: half a surrogate pair at {error.start}") from None
    except ControlCharacter as error:
        raise Faulty(CONTROL, f"{name}: {error}") from None


def as_value(value: Any, name: str) -> str:
    """A value that has to be text or a finite number, as text: 30.0 is `30`.

    Raises:
        Faulty: As `as_text`, or `not a number`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return as_text(value, name)
    if not math.isfinite(value) or abs(value) >= _LARGEST:
        raise Faulty("not a number", name)
    return str(int(value)) if value == int(value) else repr(float(value))


def _first(row: SourceRow, names: Sequence[str]) -> tuple[str, Any]:
    for name in names:
        if row.fields.get(name) is not None:
            return name, row.fields[name]
    raise Faulty("missing field", " or ".join(names))
