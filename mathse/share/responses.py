r"""Files of a benchmark's rows, as models and benchmarks leave them: `.json` (a list, or rows by id) or JSON lines.

A line that is no row is data, not the end: it is read as an `Entry` without a row and with the reason.

Sample line: `{"id": "1", "response": "\\boxed{60}"}`
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse.errors import UserError

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
        content = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); give a file of rows, .json or .jsonl") from error
    entries = list(_rows(file, content, key) if file.suffix == WHOLE else _lines(content))
    if not entries:
        raise UserError(f"{file}: holds no rows; give one JSON object a response, in a .json list or in JSON lines")
    return entries


def _lines(content: bytes) -> Iterator[Entry]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            value, reason = _parsed(line)
            yield _entry(f"line {number}", value, reason)


def _rows(file: Path, content: bytes, key: str) -> Iterator[Entry]:
    if not content.strip():
        return
    rows, reason = _parsed(content)
    if reason:
        raise UserError(f"{file}: {reason}; if it holds one JSON object a line, let its name end in .jsonl")
    if isinstance(rows, dict):
        for name, row in rows.items():
            yield _entry(f"key {name!r}", {key: name, **row} if key and isinstance(row, dict) else row)
    elif isinstance(rows, list):
        yield from (_entry(f"row {number}", row) for number, row in enumerate(rows, 1))
    else:
        raise UserError(f"{file}: holds neither a list of rows nor rows by id")


def _parsed(content: bytes) -> tuple[Any, str]:
    """A JSON text's value, and why there is none."""
    try:
        return json.loads(content.decode("utf-8")), ""
    except UnicodeDecodeError:
        return None, "not UTF-8"
    except RecursionError:
        return None, "nested too deep"
    except ValueError:
        return None, "not JSON"


def _entry(place: str, value: Any, reason: str = "") -> Entry:
    if not isinstance(value, dict):
        return Entry(place, {}, reason or "no JSON object")
    return Entry(place, {}, "nested too deep") if _deeper(value, DEEPEST) else Entry(place, value)


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value has more than so many levels; beyond some hundreds Python could read it but not write it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_deeper(one, levels - 1) for one in inner))


def write(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows: a list if the name ends in `.json`, else JSON lines. A kill leaves the old file or the new one.

    Raises:
        UserError: The file cannot be written.
    """
    # What UTF-8 has no bytes for (half a surrogate pair) is written as the JSON escape it came from.
    lines = [json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") for row in rows]
    content = b"[\n" + b",\n".join(lines) + b"\n]\n" if file.suffix == WHOLE else b"\n".join([*lines, b""])
    fresh = file.with_name(f".{file.name}.fresh")
    try:
        fresh.write_bytes(content)
        os.replace(fresh, file)
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror}); name a file in a folder that exists") from error
