r"""JSON lines: one JSON object per line, read one line at a time from a file of any size.

A line that is no row is data, not the end: it comes out like the others, with its number and the reason.

Sample, of `{"id": "17"}\n{"id": "1`: `Line(1, 0, b'{"id": "17"}\n', {"id": "17"})`, then
`Line(2, 13, b'{"id": "1', {}, "not JSON", "JSONDecodeError: Unterminated string ...")`
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

LONGEST = 16 * 2**20
"""Bytes of one row; what is longer is passed over, not kept."""
BOM = b"\xef\xbb\xbf"
_CHUNK = 2**18


class NotJson(ValueError):
    """Bytes that are no JSON value.

    Attributes:
        reason: Short and countable: `not UTF-8` or `not JSON`.
        detail: What exactly is wrong.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Line:
    """One line of a file.

    Attributes:
        number: From 1, blank lines counted.
        offset: The byte of the file at which it begins.
        data: Its bytes as they are; of a line that is too long, its beginning.
        row: The object on it; empty if it holds none.
        reason: Why it is no row: `row too large`, `not UTF-8`, `not JSON` or `row is not an object`; else empty.
        detail: What exactly is wrong.
    """

    number: int
    offset: int
    data: bytes
    row: dict[str, Any]
    reason: str = ""
    detail: str = ""


def parse(data: bytes) -> Any:
    """The JSON value that bytes are.

    Raises:
        NotJson: They are none.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NotJson("not UTF-8", str(error)[-100:]) from None
    except (ValueError, RecursionError) as error:
        raise NotJson("not JSON", f"{type(error).__name__}: {str(error)[:100]}") from None


def lines(file: BinaryIO, longest: int = LONGEST) -> Iterator[Line]:
    """The lines that are not blank; a byte order mark at the start of the file is passed over.

    Args:
        file: At its start.
        longest: Bytes, the line's end not counted, above which a line is `row too large`.
    """
    number = end = 0
    while data := file.readline(longest + 1):
        number, offset, end = number + 1, end, end + len(data)
        if len(data) > longest and not data.endswith(b"\n"):
            while rest := file.readline(_CHUNK):
                end += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield Line(number, offset, data, {}, "row too large", f"over {longest} bytes")
            continue
        text = data.removeprefix(BOM) if offset == 0 else data
        if not text.strip():
            continue
        try:
            row = parse(text)
        except NotJson as error:
            yield Line(number, offset, data, {}, error.reason, error.detail)
            continue
        if isinstance(row, dict):
            yield Line(number, offset, data, row)
        else:
            yield Line(number, offset, data, {}, "row is not an object", type(row).__name__)
