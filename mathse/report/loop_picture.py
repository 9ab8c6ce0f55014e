"""The loop as one picture with a run's counts on it: a row per step, from who writes paths to the model they train.

It is the sibling of `docs/loop.svg`, drawn from data: `draw(rows)` is SVG for a page whose style sheet has the colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from mathse.terminal import visible

WIDTH = 940
_LEFT = 108
_TOP = 34
_BOX = 62
_PITCH = 108
_COLUMNS = ((_LEFT, 228), (_LEFT + 268, 168), (_LEFT + 476, 158), (_LEFT + 674, 148))
"""Left edge and width of each column's box."""
_CLASSES = ("writer", "orm", "mix", "model")
_HEADS = ("writes paths", "judges or marks them", "SQL picks the rows", "fine-tuned on them")


@dataclass(frozen=True)
class Row:
    """A step of the loop: who writes, who judges, which rows, which model; each a title and what is counted there.

    Attributes:
        label: What people call the step.
        note: What remains after it.
        boxes: Title and count of each of the four; an empty title leaves its box out.
        teacher: Whether the teacher writes the paths; else the model of a row above does.
        source: The row above whose model, or whose judged paths, the writer takes up; None: of none.
        takes: What the writer takes from there; of a model, nothing.
        grows: Whether the mix above is part of this one.
        judge: Who judges: `orm` or `teacher`.
    """

    label: str
    note: str
    boxes: tuple[tuple[str, str], ...]
    teacher: bool
    source: int | None = None
    takes: str = ""
    grows: bool = False
    judge: str = "orm"


def draw(rows: Sequence[Row], title: str) -> str:
    """The picture, as SVG without a style of its own."""
    height = _TOP + _PITCH * len(rows) - (_PITCH - _BOX) + 12
    parts = [
        f'<svg class="loop" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{_text(title)}</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="tip" d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    parts += [_words(left + width / 2, 20, head, "s") for (left, width), head in zip(_COLUMNS, _HEADS, strict=True)]
    for place, row in enumerate(rows):
        parts += _arrows(place, row)
    for place, row in enumerate(rows):
        parts += _boxes(place, row)
    return "\n".join([*parts, "</svg>"])


def _boxes(place: int, row: Row) -> list[str]:
    top = _TOP + _PITCH * place
    parts = [_words(0, top + 28, row.label, "n"), _words(0, top + 47, row.note, "l")]
    for kind, (left, width), (title, count) in zip(_CLASSES, _COLUMNS, row.boxes, strict=True):
        if not title:
            continue
        shade = {"writer": "teacher" if row.teacher else "model", "orm": row.judge}.get(kind, kind)
        parts.append(f'<rect class="{shade}" x="{left}" y="{top}" width="{width}" height="{_BOX}" rx="8"/>')
        centre = left + width / 2
        parts.append(_words(centre, top + (27 if count else 36), title, "t"))
        if count:
            parts.append(_words(centre, top + 46, count, "s"))
    return parts


def _arrows(place: int, row: Row) -> list[str]:
    top = _TOP + _PITCH * place
    middle = top + _BOX / 2
    filled = [column for column, box in zip(_COLUMNS, row.boxes, strict=True) if box[0]]
    paths = [
        f"M{left + width},{middle} H{after - 3}"
        for (left, width), (after, _) in pairwise(filled)
    ]  # fmt: skip
    words = []
    if row.grows:
        centre = _COLUMNS[2][0] + _COLUMNS[2][1] / 2
        paths.append(f"M{centre},{top - _PITCH + _BOX} V{top - 3}")
    if row.source is not None:
        column = _COLUMNS[1] if row.takes else _COLUMNS[3]
        start, end = column[0] + column[1] / 2, _COLUMNS[0][0] + _COLUMNS[0][1] / 2
        bottom = _TOP + _PITCH * row.source + _BOX
        turn = top - 22
        paths.append(f"M{start},{bottom} V{turn} H{end} V{top - 3}")
        words.append(_words(end + 10, turn - 6, row.takes or "writes the next paths", "l"))
    lines = [f'<path class="{kind}" d="{path}"{tip}/>' for path in paths for kind, tip in _STROKES]
    return lines + words


_STROKES = (("halo", ""), ("arrow", ' marker-end="url(#head)"'))


def _words(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(visible(text))
