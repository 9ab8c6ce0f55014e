"""The elements of a file's JSON arrays and objects, one at a time, from a file of any size.

A scanner follows brackets and strings only, so that it can cut an element out without parsing what surrounds it; each
is then parsed by itself. Damage costs the element in which it lies: a raw line break ends a string (JSON has none in
strings), a bracket that closes nothing is passed over. What is missing at the end of a file is one `truncated file`.

A file may hold several values, one behind another: the elements of each array come out, and an object among several is
an element itself, unless all its members are objects. What lies between two values and is neither blank nor a comma is
`not JSON`.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from mathse.sources.rows.raw import Damaged
from mathse.tables.jsonl import BOM, LONGEST, NotJson, parse

_CHUNK = 2**18
_SIGN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+"|["{}\[\],]')
"""A whole string, or a sign outside of strings; a quote alone opens a string that this chunk does not close."""
_REST = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_CLOSERS = {ord("["): ord("]"), ord("{"): ord("}")}
_LONGEST_PREFACE = 500
"""Bytes before the first bracket, above which a file is something else, such as a page of HTML."""
_BETWEEN = b" \t\r\n," + BOM
"""What may stand between two values: each of several files put together may begin with a byte order mark."""
_OUTSIDE = 0
"""In place of the bracket that opens what an element lies in."""


class _Segment(NamedTuple):
    """A part of the file.

    Attributes:
        within: The bracket that opens the array or object whose element it is, or `_OUTSIDE`: an object by itself,
            or what lies between two values.
        text: None: too long.
        ending: `end` or `cut` with the last of its array or object; else empty.
    """

    within: int
    text: bytes | None
    ending: str


def elements(file: BinaryIO, name: str, longest: int = LONGEST) -> Iterator[tuple[str, str | None, Any] | Damaged]:
    """The elements of the arrays and objects that a file holds, each with its place and, in an object, its key.

    Args:
        file: Open for reading, at its start.
        name: What to call the file in places.
        longest: Bytes above which an element is passed over as `row too large`.
    """
    begin = len(BOM) if file.read(len(BOM)) == BOM else 0
    file.seek(begin)
    while (opener := file.read(1)) and opener.isspace():
        pass
    head = opener + file.read(_LONGEST_PREFACE)
    if b"\0" in head or not (b"[" in head or b"{" in head):
        wrong = "NUL bytes, as in UTF-16" if b"\0" in head else f"no bracket; it starts with {head[:20]!r}"
        yield Damaged(name, "not JSON", wrong if head else "an empty file")
        return
    file.seek(begin)
    by_key = opener == b"{" and _stands_alone(file, longest)
    file.seek(begin)
    position = -1
    for within, text, ending in _segments(file, longest, by_key):
        if within == _OUTSIDE and text is not None and not text.strip(_BETWEEN):
            continue
        position += 1
        place = f"{name}:{position}"
        if text is None:
            yield Damaged(place, "row too large", f"over {longest} bytes")
        elif text.strip():
            try:
                values = _values(within, text)
                yield from ((f"{name}:{place}", *value) for place, value in enumerate(values, start=position))
                position += len(values) - 1
            except NotJson as error:
                # Where a cut goes through an element, how far it was JSON says nothing: the cut is the reason.
                yield Damaged(place, "truncated row" if ending == "cut" else error.reason, error.detail)
        elif not ending:
            yield Damaged(place, "not JSON", "nothing between two commas")
        if ending == "cut":
            yield Damaged(f"{name}:end", "truncated file", "the closing bracket is missing")


def _values(within: int, text: bytes) -> list[tuple[str | None, Any]]:
    """The value of a segment with its key, if it has one; of an object of objects, all its members.

    Raises:
        NotJson: It is no value, or no key and its value.
    """
    if within == ord("["):
        return [(None, parse(text))]
    if within == _OUTSIDE and not text.startswith(b"{"):
        raise NotJson("not JSON", f"outside of any value: {text.strip()[:40]!r}")
    members = parse(text if within == _OUTSIDE else b"{" + text + b"}")
    if within == _OUTSIDE and not (members and all(isinstance(member, dict) for member in members.values())):
        return [(None, members)]
    if within != _OUTSIDE and len(members) != 1:
        raise NotJson("not JSON", "not one key and its value")
    return list(members.items())


def _stands_alone(file: BinaryIO, longest: int) -> bool:
    """Whether the object that a file begins with is all it holds, or too long to be one element."""
    size = 0
    for within, text, _ in _segments(file, longest, by_key=True):
        if within == ord("[") or (within == _OUTSIDE and (text is None or text.strip(_BETWEEN))):
            return False
        size += longest if text is None else len(text)
        if size > longest:
            return True
    return True


def _segments(file: BinaryIO, longest: int, by_key: bool) -> Iterator[_Segment]:
    """All parts of a file; `by_key`: the elements of the object that it begins with come one by one."""
    scan = _Scan(by_key)
    segment, too_long = bytearray(), False
    while chunk := file.read(_CHUNK):
        start = 0
        for within, cut, ahead, ending in scan.cuts(chunk):
            segment += chunk[start:cut]
            yield _Segment(within, None if too_long or len(segment) > longest else bytes(segment), ending)
            segment.clear()
            start, too_long = ahead, False
        if not too_long:
            segment += chunk[start:]
        if len(segment) > longest:
            segment.clear()
            too_long = True
    yield _Segment(scan.within, None if too_long else bytes(segment), "cut" if scan.is_open else "")


class _Scan:
    """Where a stream of chunks has its outermost commas, and its arrays and objects their ends."""

    def __init__(self, by_key: bool) -> None:
        self.within = _OUTSIDE
        self._by_key = by_key
        self._in_string = False
        self._escaped = False
        self._depth = 0

    @property
    def is_open(self) -> bool:
        """Whether a closing bracket is missing."""
        return self._depth > 0

    def cuts(self, chunk: bytes) -> Iterator[tuple[int, int, int, str]]:
        """Each segment that ends in the next chunk: what it lies in, its end, where the next begins, its ending."""
        at = self._leave_string(chunk, 0) if self._in_string else 0
        while at < len(chunk):
            behind = len(chunk)
            for match in _SIGN.finditer(chunk, at):
                start, end = match.span()
                if end > start + 1:
                    continue
                if chunk[start] == ord('"'):
                    behind = self._leave_string(chunk, end)
                    break
                if (cut := self._cut(chunk[start], start, end)) is not None:
                    yield cut
            at = behind

    def _cut(self, sign: int, start: int, end: int) -> tuple[int, int, int, str] | None:
        """The segment that a bracket or comma ends, if it ends one."""
        within = self.within
        if within == _OUTSIDE and self._depth == 0:
            if sign not in _CLOSERS:
                return None
            enters = sign == ord("[") or self._by_key
            self._depth, self._by_key = 1, False
            self.within = sign if enters else _OUTSIDE
            return within, start, end if enters else start, ""
        if within != _OUTSIDE and self._depth == 1 and sign in (ord(","), _CLOSERS[within]):
            if sign == ord(","):
                return within, start, end, ""
            self.within, self._depth = _OUTSIDE, 0
            return within, start, end, "end"
        if sign in _CLOSERS:
            self._depth += 1
        elif sign != ord(","):
            self._depth = max(int(within != _OUTSIDE), self._depth - 1)
        return (within, end, end, "") if self._depth == 0 else None

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
