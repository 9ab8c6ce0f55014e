r"""Files of a benchmark's rows, as models and benchmarks leave them: `.json` (a list, or rows by id) or JSON lines.

A line that is no row is data, not the end: it is read as an `Entry` without a row and with the reason.

Sample line: `{"id": "1", "response": "\\boxed{60}"}`
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse.errors import UserError
from mathse.tables import files
from mathse.tables.jsonl import BOM, NotJson, lines, parse

WHOLE = ".json"
"""Ending of a file that is one JSON text; any other is read as JSON lines."""
DEEPEST = 50
"""Levels of lists and objects in a row."""


@dataclass(frozen=True)
class Entry:
    """One row of a file.

    Attributes:
        place: Where it stands, for messages: `line 3`, `row 3` or `key '3'`.
        row: Its fields; empty if it is no row.
        reason: Why it is no row; empty if it is one.
    """

    place: str
    row: dict[str, Any]
    reason: str = ""


def read(file: Path, key: str = "") -> list[Entry]:
    """Read a file of rows.

    Args:
        file: UTF-8, with or without a byte order mark, whatever its line ends.
        key: Field that a row gets from the key it stands under, where a `.json` file holds rows by id.

    Raises:
        UserError: The file cannot be read, is no JSON at all, or holds no rows.
    """
    try:
        with file.open("rb") as opened:
            if file.suffix == WHOLE:
                entries = [_entry(place, row) for place, row in _rows(file, opened.read().removeprefix(BOM), key)]
            else:
                entries = [_entry(f"line {line.number}", line.row, line.reason) for line in lines(opened)]
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); give a file of rows, .json or .jsonl") from error
    if not entries:
        raise UserError(f"{file}: holds no rows; give one JSON object per response, in a .json list or in JSON lines")
    return entries


def _rows(file: Path, content: bytes, key: str) -> Iterator[tuple[str, Any]]:
    """Place and value of each row of a JSON text."""
    if not content.strip():
        return
    try:
        rows = parse(content)
    except NotJson as error:
        raise UserError(
            f"{file}: {error.reason}; if it holds one JSON object per line, let its name end in .jsonl"
        ) from None
    if isinstance(rows, dict):
        for name, row in rows.items():
            yield f"key {name!r}", {key: name, **row} if key and isinstance(row, dict) else row
    elif isinstance(rows, list):
        yield from ((f"row {number}", row) for number, row in enumerate(rows, 1))
    else:
        raise UserError(f"{file}: holds neither a list of rows nor rows by id")


def _entry(place: str, row: Any, reason: str = "") -> Entry:
    if not isinstance(row, dict):
        reason = "row is not an object"
    elif _deeper(row, DEEPEST):
        reason = "nested too deep"
    return Entry(place, {} if reason else row, reason)


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value has more than so many levels; beyond some hundreds Python could read it but not write it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_deeper(part, levels - 1) for part in inner))


def write(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows: a list if the name ends in `.json`, else JSON lines. A kill leaves the old file or the new one.

    Raises:
        UserError: The file cannot be written.
    """
    # What UTF-8 has no bytes for (half a surrogate pair) is written as the JSON escape it came from.
    lines = [json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") for row in rows]
    content = b"[\n" + b",\n".join(lines) + b"\n]\n" if file.suffix == WHOLE else b"\n".join([*lines, b""])
    if not file.parent.is_dir():
        raise UserError(f"{file}: cannot be written (no such folder); name a file in a folder that exists")
    files.write(file, content)
