"""The elements of a JSON array or object, one at a time, from a file of any size.

A scanner follows brackets and strings only, so that it can cut an element out without parsing what surrounds it; each
is then parsed by itself. Damage costs the element in which it lies: a raw line break ends a string (JSON has none in
strings), a bracket that closes nothing is passed over. What is missing at the end of a file is one `truncated file`.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from mathse.sources.rows.raw import Damaged
from mathse.tables.jsonl import BOM, LONGEST, NotJson, parse

_CHUNK = 2**18
_SIGN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+"|["{}\[\],]')
"""A whole string, or a sign outside of strings; a quote alone opens a string that this chunk does not close."""
_REST = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')


def elements(file: BinaryIO, name: str, longest: int = LONGEST) -> Iterator[tuple[str, str | None, Any] | Damaged]:
    """The elements of the array or object that a file holds, each with its place and, in an object, its key.

    Args:
        file: Open for reading, at its start.
        name: What to call the file in places.
        longest: Bytes above which an element is passed over as `row too large`.
    """
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    while (opener := file.read(1)) and opener.isspace():
        pass
    if opener not in (b"[", b"{"):
        yield Damaged(name, "not JSON", f"starts with {opener!r}, not with a bracket")
        return
    for position, (segment, ending) in enumerate(_segments(file, opener, longest)):
        place = f"{name}:{position}"
        if segment is None:
            yield Damaged(place, "row too large", f"over {longest} bytes")
        elif segment.strip():
            try:
                key, value = (None, parse(segment)) if opener == b"[" else _member(segment)
                yield place, key, value
            except NotJson as error:
                # Where a cut goes through an element, how far it was JSON says nothing: the cut is the reason.
                yield Damaged(place, "truncated row" if ending == "cut" else error.reason, error.detail)
        elif not ending:
            yield Damaged(place, "not JSON", "nothing between two commas")
        if ending == "cut":
            yield Damaged(f"{name}:end", "truncated file", "the closing bracket is missing")


def _member(segment: bytes) -> tuple[str, Any]:
    """Key and value of an object's member."""
    members = parse(b"{" + segment + b"}")
    if len(members) != 1:
        raise NotJson("not JSON", "not one key and its value")
    ((key, value),) = members.items()
    return key, value


def _segments(file: BinaryIO, opener: bytes, longest: int) -> Iterator[tuple[bytes | None, str]]:
    """What lies between the outermost commas (None: too long), and `end` or `cut` with the last."""
    scan = _Scan(b"]"[0] if opener == b"[" else b"}"[0])
    segment, too_long = bytearray(), False
    while chunk := file.read(_CHUNK):
        start = 0
        for cut in scan.cuts(chunk):
            segment += chunk[start:cut]
            yield None if too_long or len(segment) > longest else bytes(segment), "end" if scan.ended else ""
            if scan.ended:
                return
            segment.clear()
            start, too_long = cut + 1, False
        if not too_long:
            segment += chunk[start:]
        if len(segment) > longest:
            segment.clear()
            too_long = True
    yield None if too_long else bytes(segment), "cut"


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
                sign = chunk[start]
                if end > start + 1:
                    continue
                if sign in b'"':
                    behind = self._leave_string(chunk, end)
                    break
                self.ended = self._depth == 1 and sign == self._closer
                if self.ended or (self._depth == 1 and sign in b","):
                    yield start
                if self.ended:
                    return
                if sign in b"{[":
                    self._depth += 1
                elif sign in b"}]":
                    self._depth = max(1, self._depth - 1)
            at = behind

    def _leave_string(self, chunk: bytes, at: int) -> int:
        """Where the string ends that is open at `at`, or the chunk if the string goes on."""
        self._in_string = True
        if self._escaped and at < len(chunk):
            self._escaped = False
            at += chunk[at : at + 1] != b"\n"
        match = _REST.match(chunk, at)
        end = match.end() if match else at
        if chunk[end : end + 1] == b"\\":
            end += 1
            self._escaped = end == len(chunk)
        if end < len(chunk):
            self._in_string = False
        return end + 1
