r"""Values as text that is safe to show, and the difference of two texts, word by word.

What a model wrote may hold control characters, markup or script; none of it reaches a terminal or a page as such.

Sample: an escape sign and `[31m<b>` -> in a terminal `\x1b[31m<b>`, in Markdown `&#92;x1b&#91;31m&#60;b&#62;`.
`50 + 60 = 111.` and `50 + 60 = 110.` -> same `50 + 60 = `, old `111`, new `110`, same `.`
"""

import json
import re
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from mathse.terminal import UNSPACED, visible

LONGEST, LONGEST_CELL = 240, 80
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~@#$]|:(?=\S)|(?<=\w)\.(?=[^\W\d])")
"""What Markdown, HTML or GitHub reads within a line: markup, mentions, addresses; as numbered entities only letters."""

Kind = Literal["same", "old", "new"]
LONGEST_COMPARED = 4000
"""Words; the search for the difference is quadratic, so longer texts are shown as replaced."""
AROUND = 40
"""Characters of common text that are shown beside a change."""
_WORD = re.compile(rf"\s+|[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")


def plain(value: Any) -> str:
    """A cell in one line; nothing for a missing value."""
    match value:
        case None:
            return ""
        case str():
            text = value
        case bytes():
            text = f"<{len(value)} bytes>"
        case bool():
            text = str(value).lower()
        case list() | dict() | tuple():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return _line(text)


def _line(text: str) -> str:
    return visible(text).replace("\t", r"\x09").replace("\n", "⏎ ")


def cell(value: Any) -> str:
    """A cell of a table of counts: as `plain`, whole numbers with commas, no longer than a cell may be."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else cut(plain(value), LONGEST_CELL)


def cut(text: str, longest: int = LONGEST) -> str:
    """A text with its middle left out where it is too long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def entities(text: str) -> str:
    """A text in which Markdown and HTML find nothing to read."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", _line(text))


def last_message(value: Any) -> str:
    """A text in one line; of a conversation what was said last."""
    if isinstance(value, list) and value and isinstance(value[-1], dict) and "content" in value[-1]:
        value = value[-1]["content"]
    return plain(value)


class Piece(NamedTuple):
    """A stretch of text that both have, or one of them."""

    kind: Kind
    text: str


def difference(old: Any, new: Any) -> list[Piece]:
    """The difference of two values, long stretches left out."""
    if isinstance(old, str | list) and isinstance(new, str | list):
        parts = pieces(last_message(old), last_message(new))
    else:
        before, after = ("null" if value is None else last_message(value) for value in (old, new))
        parts = [Piece("old", before), Piece("new", after)]
    return [Piece(piece.kind, cut(piece.text)) for piece in shortened(parts, AROUND)]


def pieces(old: str, new: str) -> list[Piece]:
    """Cut two texts into what both have and what one of them has, in reading order.

    Joined, the pieces that are not `new` are the old text, those that are not `old` the new one.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    if len(before) > LONGEST_COMPARED or len(after) > LONGEST_COMPARED:
        parts = [Piece("old", old), Piece("new", new)]
    else:
        parts = []
        for _, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            gone, come = "".join(before[start:end]), "".join(after[first:last])
            parts += [Piece("same", gone)] if gone == come else [Piece("old", gone), Piece("new", come)]
    return [piece for piece in parts if piece.text]


def shortened(pieces: list[Piece], around: int) -> list[Piece]:
    """The same with long stretches that both have cut to `around` characters beside each change."""
    short = []
    for place, piece in enumerate(pieces):
        text = piece.text
        if piece.kind == "same" and len(text) > 2 * around + 3:
            head = text[:around] if place else ""
            tail = text[-around:] if place < len(pieces) - 1 else ""
            text = f"{head} … {tail}"
        short.append(Piece(piece.kind, text))
    return short
