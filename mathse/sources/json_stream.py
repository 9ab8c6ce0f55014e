"""The elements of a JSON array or object, one at a time, from a file of any size.

A scanner follows brackets and strings only, so that it can cut an element out without parsing what surrounds it; each
is then parsed by itself. Damage costs the element in which it lies: a raw line break ends a string (JSON has none in
strings), a bracket that closes nothing is passed over. What is missing at the end of a file is one `truncated file`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from mathse.sources.raw import Damaged

LONGEST_ROW = 16 * 2**20
"""Bytes of one element or line; what is longer is passed over, not kept."""
_CHUNK = 2**18
_SIGN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+"|["{}\[\],]')
"""A whole string, or a sign outside of strings; a quote alone opens a string that this chunk does not close."""
_REST = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_BOM = b"\xef\xbb\xbf"


def parse(data: bytes, place: str) -> Any | Damaged:
    """The JSON value in `data`, or what is wrong with it: `not UTF-8` or `not JSON`."""
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Damaged(place, "not UTF-8", str(error)[-100:])
    except (ValueError, RecursionError) as error:
        return Damaged(place, "not JSON", f"{type(error).__name__}: {str(error)[:100]}")


def lines(file: BinaryIO, longest: int = LONGEST_ROW) -> Iterator[bytes | None]:
    """The lines that are not blank, without a byte order mark; None for one above `longest` bytes."""
    first = True
    while line := file.readline(longest + 1):
        whole = line.endswith(b"\n") or len(line) <= longest
        if first:
            line, first = line.removeprefix(_BOM), False
        if not whole:
            while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield None
        elif line.strip():
            yield line


def elements(file: BinaryIO, name: str, longest: int = LONGEST_ROW) -> Iterator[tuple[str, str | None, Any] | Damaged]:
    """The elements of the array or object that a file holds, each with its place and, in an object, its key.

    Args:
        file: Open for reading, at its start.
        name: What to call the file in places.
        longest: Bytes above which an element is passed over as `row too large`.
    """
    opener = _opener(file)
    if opener not in (b"[", b"{"):
        yield Damaged(name, "not JSON", f"starts with {opener!r}, not with a bracket")
        return
    for position, (segment, last) in enumerate(_segments(file, opener, longest)):
        place = f"{name}:{position}"
        if segment is None:
            yield Damaged(place, "row too large", f"over {longest} bytes")
        elif segment.strip():
            yield _element(segment, opener, place, last)
        elif not last:
            yield Damaged(place, "not JSON", "nothing between two commas")
        if last == "cut":
            yield Damaged(f"{name}:end", "truncated file", "the closing bracket is missing")


def _opener(file: BinaryIO) -> bytes:
    """The first byte that is neither white space nor byte order mark; the file is then behind it."""
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)
    while (sign := file.read(1)) and sign.isspace():
        pass
    return sign


def _element(segment: bytes, opener: bytes, place: str, last: str) -> tuple[str, str | None, Any] | Damaged:
    found = parse(segment if opener == b"[" else b"{" + segment + b"}", place)
    if isinstance(found, Damaged):
        # The element that a cut goes through is told by the cut alone, where it lies.
        return Damaged(place, "truncated row", found.detail) if last == "cut" else found
    if opener == b"[":
        return place, None, found
    if not isinstance(found, dict) or len(found) != 1:
        return Damaged(place, "not JSON", "not one key and its value")
    ((key, value),) = found.items()
    return place, key, value


def _segments(file: BinaryIO, opener: bytes, longest: int) -> Iterator[tuple[bytes | None, str]]:
    """What lies between the outermost commas (None: too long), and `end` or `cut` with the last."""
    closer = b"]"[0] if opener == b"[" else b"}"[0]
    scan = _Scan(closer)
    kept, excess = bytearray(), False
    while chunk := file.read(_CHUNK):
        start = 0
        for cut in scan.cuts(chunk):
            kept += chunk[start:cut]
            yield None if excess or len(kept) > longest else bytes(kept), "end" if scan.ended else ""
            if scan.ended:
                return
            kept.clear()
            start, excess = cut + 1, False
        if not excess:
            kept += chunk[start:]
        if len(kept) > longest:
            kept.clear()
            excess = True
    yield None if excess else bytes(kept), "cut"


class _Scan:
    """Where a stream of chunks has its outermost commas and its end."""

    def __init__(self, closer: int) -> None:
        self._closer = closer
        self._in_string = False
        self._escaped = False
        self._depth = 1
        self.ended = False

    def cuts(self, chunk: bytes) -> Iterator[int]:
        """Positions in the next chunk at which an element ends."""
        at = self._leave_string(chunk, 0) if self._in_string else 0
        while at < len(chunk):
            behind = len(chunk)
            for match in _SIGN.finditer(chunk, at):
                start, end = match.span()
                if end > start + 1:
                    continue
                if chunk[start] == 0x22:
                    behind = self._leave_string(chunk, end)
                    break
                if self._cuts_at(chunk[start]):
                    yield start
                    if self.ended:
                        return
            at = behind

    def _leave_string(self, chunk: bytes, at: int) -> int:
        """Where the string ends that is open at `at`, or the chunk if the string goes on."""
        self._in_string = True
        if self._escaped and at < len(chunk):
            self._escaped = False
            at += chunk[at] != 0x0A
        match = _REST.match(chunk, at)
        end = match.end() if match else at
        if chunk[end : end + 1] == b"\\":
            end += 1
            self._escaped = end == len(chunk)
        if end < len(chunk):
            self._in_string = False
        return end + 1

    def _cuts_at(self, sign: int) -> bool:
        if sign in b"{[":
            self._depth += 1
        elif sign in b"}]":
            if self._depth > 1:
                self._depth -= 1
            elif sign == self._closer:
                self.ended = True
                return True
        return sign == 0x2C and self._depth == 1
