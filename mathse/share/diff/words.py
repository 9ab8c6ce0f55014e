"""The difference of two texts, word by word.

Sample: `50 + 60 = 111.` and `50 + 60 = 110.` -> same `50 + 60 = `, gone `111.`, come `110.`
"""

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "gone", "come"]
LONGEST = 4000
"""Words; the search for the difference is quadratic, so longer texts are shown as replaced."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that both have, or one of them."""

    kind: Kind
    text: str


def pieces(old: str, new: str) -> list[Piece]:
    """Cut two texts into what is the same, what is gone and what has come, in reading order.

    Joined, the pieces that are not `come` are the old text, those that are not `gone` the new one.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    if len(before) > LONGEST or len(after) > LONGEST:
        found = [Piece("gone", old), Piece("come", new)]
    else:
        found = []
        for _, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            gone, come = "".join(before[start:end]), "".join(after[first:last])
            found += [Piece("same", gone)] if gone == come else [Piece("gone", gone), Piece("come", come)]
    return [piece for piece in found if piece.text]


def shortened(found: list[Piece], around: int) -> list[Piece]:
    """The same with long stretches that both have cut to `around` characters beside each change."""
    short = []
    for place, piece in enumerate(found):
        text = piece.text
        if piece.kind == "same" and len(text) > 2 * around + 3:
            head = text[:around] if place else ""
            tail = text[-around:] if place < len(found) - 1 else ""
            text = f"{head} … {tail}"
        short.append(Piece(piece.kind, text))
    return short
