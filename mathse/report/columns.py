"""Tables for a terminal of any width: no number, name or heading is cut, and none is broken where it could be whole.

A table that is wider than the terminal is printed as several, each beginning with the column that names the rows:

    model        training rows   accuracy, % (95 %)        model        characters
    -----------------------------------------------        -----------------------
    base                     0     4.2 (3.1 to 5.7)        base               23.6
    + distilled            351  16.6 (14.3 to 19.1)        + distilled       127.8

A table with texts (`texts`) lets these wrap between words; where that does not do, each row is a list of its columns.
Chinese and Japanese set no spaces: their lines break between any two signs, as far as punctuation allows.
"""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells

from mathse.terminal import UNSPACED

GAP = "  "
NARROWEST = 18
"""Cells of a terminal that a column of texts needs to be read."""
_OPENING, _CLOSING = "（［｛「『【〔《〈〖", "、。，．：；！？）］｝」』】〕》〉〗・ー々…"  # noqa: RUF001
"""Signs that no line ends with, and that none begins with."""
_PART = re.compile(
    rf"\s+|[{_OPENING}]*(?:[{UNSPACED}]|[^\s{_OPENING}{_CLOSING}{UNSPACED}]+)[{_CLOSING}]*|[{_OPENING}{_CLOSING}]+"
)
"""A text's parts: spaces, and what no line breaks within."""
_LABEL = re.compile(r"\s*(?:\S.*?\s{2,})?")

Cells = Sequence[Sequence[str]]


def wrapped(lines: Iterable[str], width: int) -> list[str]:
    """Lines broken between words, the rest below what follows a label (`disk    12 GiB ...`); no path is broken."""
    return [part for line in lines for part in broken(line, width, " " * _hanging(line, width))]


def broken(line: str, width: int, start: str = "", fold: bool = False) -> list[str]:
    """The parts of a line that is wider than the terminal, broken between words.

    Args:
        start: What each part but the first begins with.
        fold: Break a word that is wider than a line, too; otherwise it has a line of its own.
    """
    lines: list[str] = []
    part, cells, has_word = "", 0, False
    for piece in _PART.findall(line.expandtabs()):
        if piece.isspace():
            space = piece if has_word or not lines else ""
            part, cells = part + space, cells + len(space)
            continue
        if has_word and cells + cell_len(piece) > width:
            lines.append(part.rstrip())
            part, cells = start, cell_len(start)
        part, cells, has_word = part + piece, cells + cell_len(piece), True
        if fold and cells > width:
            *full, part = chop_cells(part, width)
            lines += full
            cells = cell_len(part)
    return [*lines, part.rstrip()]


def _hanging(line: str, width: int) -> int:
    """Where the text of a line begins; of a label that leaves no room beside it, four cells."""
    match = _LABEL.match(line)
    begin = cell_len(match[0]) if match else 0
    return begin if begin <= width // 2 else 4


def table(heads: Sequence[str], rows: Cells, width: int, left: int = 1) -> list[str]:
    """A table of names and numbers, its headings broken between words, in as many parts as it takes.

    Args:
        width: Cells of the terminal. A line is longer only where a name and one column are.
        left: How many columns name a row: they start at the left, and every part has them.
    """
    widths = [
        max(cell_len(word) for word in (*_words(heading), "", *(row[place] for row in rows)))
        for place, heading in enumerate(heads)
    ]
    parts: list[list[int]] = []
    for place in range(left, len(heads)):
        wider = [*(parts[-1] if parts else range(left)), place]
        if parts and _total([widths[column] for column in wider]) > width:
            wider = [*range(left), place]
            parts.append(wider)
        parts[-1:] = [wider]
    lines: list[str] = []
    for part in parts or [list(range(left))]:
        chosen = [widths[column] for column in part]
        rights = [column >= left for column in part]
        body = [[[row[column]] for column in part] for row in rows]
        lines += ["", *_grid([heads[column] for column in part], body, chosen, rights)]
    return lines[1:]


def texts(heads: Sequence[str], rows: Cells, width: int, right: Sequence[bool]) -> list[str]:
    """A table whose cells may be long texts: they wrap, or stand below each other where columns would be too narrow.

    Args:
        width: Cells of the terminal.
        right: Whether a column has numbers: these end at the right, and are never broken.
    """
    longest = [
        max(
            (cell_len(line) for cell in (heading, *(row[place] for row in rows)) for line in cell.splitlines()),
            default=0,
        )
        for place, heading in enumerate(heads)
    ]
    least = [
        longest[place] if right[place] else min(longest[place], max(NARROWEST, cell_len(heading), word))
        for place, heading in enumerate(heads)
        for word in [max((cell_len(word) for row in rows for word in _words(row[place])), default=0)]
    ]
    spare = width - _total(least)
    if spare < 0:
        return _records(heads, rows, width)
    widths = list(least)
    shortest_first = sorted(range(len(heads)), key=lambda place: longest[place] - least[place])
    for waiting, place in zip(range(len(heads), 0, -1), shortest_first, strict=True):
        more = min(longest[place] - least[place], spare // waiting)  # what short columns do not need, long ones get
        widths[place] += more
        spare -= more
    body = [[_broken(cell, most) for cell, most in zip(row, widths, strict=True)] for row in rows]
    return _grid(heads, body, widths, right)


def _records(heads: Sequence[str], rows: Cells, width: int) -> list[str]:
    """Each row as a list of its columns."""
    name = max(map(cell_len, heads))
    lines: list[str] = []
    for number, row in enumerate(rows, 1):
        title = f"── row {number} "
        lines.append(title + "─" * max(0, min(width, 80) - len(title)))
        for heading, cell in zip(heads, row, strict=True):
            first, *more = _broken(cell, max(NARROWEST, width - name - len(GAP)))
            lines.append(f"{_padded(heading, name, False)}{GAP}{first}".rstrip())
            lines += [f"{' ' * name}{GAP}{line}" for line in more]
    return lines


def _grid(
    heads: Sequence[str], rows: Sequence[Sequence[list[str]]], widths: Sequence[int], right: Sequence[bool]
) -> list[str]:
    """A heading, a rule, and the rows; blank lines keep apart what has several lines."""

    def printed(cells: Sequence[list[str]]) -> list[str]:
        height = max(map(len, cells), default=0)
        return [
            GAP.join(
                _padded(cell[line] if line < len(cell) else "", width, at_right)
                for cell, width, at_right in zip(cells, widths, right, strict=True)
            ).rstrip()
            for line in range(height)
        ]

    wrapped = [_broken(heading, width) for heading, width in zip(heads, widths, strict=True)]
    tallest = max(map(len, wrapped), default=0)
    lines = printed([[""] * (tallest - len(heading)) + heading for heading in wrapped])
    lines.append("─" * _total(widths))
    above = False
    for row in rows:
        wraps = any(len(cell) > 1 for cell in row)
        lines += [""] * ((wraps or above) and row is not rows[0])
        lines += printed(row)
        above = wraps
    return lines


def _broken(text: str, width: int) -> list[str]:
    """A text's lines, broken between words; a word that is longer than a line is broken where it must be."""
    return [part for line in text.split("\n") for part in broken(line, width, fold=True)]


def _words(text: str) -> list[str]:
    """What of a text no line breaks within."""
    return [part for part in _PART.findall(text) if not part.isspace()]


def _padded(text: str, width: int, at_right: bool) -> str:
    space = " " * max(0, width - cell_len(text))
    return space + text if at_right else text + space


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * max(0, len(widths) - 1)
