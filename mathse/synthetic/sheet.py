"""A contact sheet: one picture of sample problems, to judge by eye whether figures are clear and answers right.

Each cell shows a problem's picture at twice its size, then family and level, the question, its options, and the gold
answer, with their mathematics drawn; a row is as tall as its longest text. Every subject, family and level has its turn
before any has a second. The same problems give the same bytes.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, zip_longest
from operator import attrgetter
from pathlib import Path

import PIL.Image
from PIL import ImageDraw, ImageOps

from mathse.synthetic import lettering
from mathse.synthetic.formulas import Drawn, drawn, pieces
from mathse.synthetic.pictures import SIDE
from mathse.tables.files import replaced
from mathse.tables.images import decode
from mathse.tables.schemas import Image, Problem

COLUMNS, ROWS = 6, 10
MOST_LINES = 14
"""Of a question; what goes on ends with ` ...`. Options and answer have half of them."""
_PICTURE = 2 * SIDE
_GAP = 16
_LINE = 19
_WIDTH = _PICTURE + 2 * _GAP
_INK, _FAINT, _PAPER, _FRAME, _ANSWER = "#202020", "#707070", "white", "#c8c8c8", "#0a6b2d"
_TIE = "\u00a0"
"""A space at which no line is broken."""
_PARTS = re.compile(rf"(?P<words>(?:\S|{_TIE})+)|\s+")


@dataclass(frozen=True)
class Word:
    """What is not broken between lines.

    Attributes:
        text: As written.
        formula: As drawn; None of plain text.
        space: Whether there is one before it.
    """

    text: str
    formula: Drawn | None
    space: bool

    @property
    def width(self) -> float:
        """In pixels."""
        return self.formula.ink.width + 2 if self.formula else lettering.length(self.text)


@dataclass(frozen=True)
class Line:
    """Words side by side, in a colour."""

    words: tuple[Word, ...]
    colour: str

    @property
    def above(self) -> int:
        """Pixels from its top to where its letters stand."""
        formulas = [word.formula for word in self.words if word.formula]
        return max([lettering.ascent(), *(formula.ink.height - formula.depth + 2 for formula in formulas)])

    @property
    def height(self) -> int:
        """Pixels to the next line."""
        below = max((word.formula.depth for word in self.words if word.formula), default=0)
        return max(_LINE, self.above + below + 3)


def contact_sheet(
    problems: Iterable[Problem], images: Mapping[str, Image], file: Path, columns: int = COLUMNS, rows: int = ROWS
) -> None:
    """Draw sample problems on one PNG.

    Args:
        problems: What to choose from, in any order.
        images: The chosen problems' images by id (`chosen` names them); a problem without its image is shown as text.
        file: The PNG to write; it is replaced as a whole or not at all.
    """
    shown = chosen(problems, columns * rows)
    texts = [_lines(problem) for problem in shown]
    heights = [
        _PICTURE + 3 * _GAP + max(sum(line.height for line in lines) for lines in texts[first : first + columns])
        for first in range(0, len(shown), columns)
    ]
    sheet = PIL.Image.new("RGB", (columns * _WIDTH, max(1, sum(heights))), _PAPER)
    for place, (problem, lines) in enumerate(zip(shown, texts, strict=True)):
        down, across = divmod(place, columns)
        picture = next((images[i] for i in problem.image_ids if i in images), None)
        cell = _cell(picture, lines, heights[down])
        sheet.paste(cell, (across * _WIDTH, sum(heights[:down])))
    with replaced(file) as fresh:
        sheet.save(fresh, format="PNG", compress_level=9)


def _cell(picture: Image | None, lines: Sequence[Line], height: int) -> PIL.Image.Image:
    cell = PIL.Image.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(cell)
    pen.rectangle((0, 0, _WIDTH - 1, height - 1), outline=_FRAME)
    if picture is not None:
        pixels = decode(picture.data, picture.width * picture.height)
        cell.paste(ImageOps.contain(pixels, (_PICTURE, _PICTURE), PIL.Image.Resampling.LANCZOS), (_GAP, _GAP))
    top = _PICTURE + int(1.5 * _GAP)
    for line in lines:
        right: float = _GAP
        for number, word in enumerate(line.words):
            right += lettering.length(" ") * (word.space and number > 0)
            if word.formula is None:
                lettering.write(pen, (right, top + line.above - lettering.ascent()), word.text, line.colour)
            else:
                ink, depth = word.formula.ink, word.formula.depth
                at = (round(right) + 1, top + line.above - ink.height + depth)
                cell.paste(PIL.Image.new("RGB", ink.size, line.colour), at, ink)
            right += word.width
        top += line.height
    return cell


def chosen(problems: Iterable[Problem], count: int = COLUMNS * ROWS) -> list[Problem]:
    """The problems a sheet shows: one of each subject, family and level, then a second of each, and so on.

    Args:
        problems: What to choose from, in any order.

    Returns:
        Problems ordered by family and level, so that those that should look alike stand side by side.
    """
    groups: dict[tuple[str, str, int], list[Problem]] = defaultdict(list)
    for problem in problems:
        group = groups[_kind(problem)]
        group.append(problem)
        if len(group) > 2 * count:  # of many, no more than can be shown stay in memory
            group[:] = sorted(group, key=attrgetter("problem_id"))[:count]
    turns = zip_longest(*(sorted(groups[kind], key=attrgetter("problem_id")) for kind in sorted(groups)))
    taken = [problem for problem in chain.from_iterable(turns) if problem is not None][:count]
    return sorted(taken, key=lambda problem: (*_kind(problem), problem.problem_id))


def _kind(problem: Problem) -> tuple[str, str, int]:
    return problem.subject, _family(problem), problem.level


def _family(problem: Problem) -> str:
    """A drawn figure's source id is family-level-seed; other sources have no families."""
    return problem.source_id.rsplit("-", 2)[0] if problem.source == "figures" else problem.source


def _lines(problem: Problem) -> list[Line]:
    """What stands under the picture."""
    options = [f"{chr(ord('A') + place)}{_TIE}{choice}{2 * _TIE}" for place, choice in enumerate(problem.choices)]
    texts = (
        (f"{_family(problem)}, level {problem.level}", _FAINT, 2),
        (problem.question, _INK, MOST_LINES),
        (" ".join(options), _INK, MOST_LINES // 2),
        (f"Answer: {problem.answer}", _ANSWER, MOST_LINES // 2),
    )
    return [line for text, colour, most in texts for line in _flowing(text, colour, most)]


def _flowing(text: str, colour: str, most: int) -> Iterator[Line]:
    """The lines of a text, broken between words, and within those that are longer than a line."""
    lines: list[list[Word]] = []
    room = 0.0
    for word in chain.from_iterable(map(_parts, _words(text))):
        width = word.width + lettering.length(" ") * word.space
        # A full stop behind a formula, or a Chinese comma, stands in the margin rather than alone on a line.
        margin = _GAP - 2 if not word.space and unicodedata.category(word.text[-1:] or " ")[0] == "P" else 0
        if not lines or width > room + margin:
            lines.append([])
            room, width = _PICTURE, word.width
        lines[-1].append(word)
        room -= width
    if len(lines) > most:
        last, mark = lines[most - 1], Word("...", None, True)
        while len(last) > 1 and sum(word.width + lettering.length(" ") for word in (*last, mark)) > _PICTURE:
            last.pop()
        last.append(mark)
    return (Line(tuple(words), colour) for words in lines[:most])


def _words(text: str) -> Iterator[Word]:
    """Words and drawn formulas; of scripts without spaces, each character."""
    space = False
    for piece in pieces(text):
        if piece.tex is not None and (formula := drawn(piece.tex, lettering.SIZE)) is not None:
            yield Word(piece.text, formula, space)
            space = False
            continue
        for part in _PARTS.finditer(piece.text):
            space = space or part["words"] is None
            for unbroken in ("".join(run) for _, run in groupby(part["words"] or "", key=_run)):
                yield Word(unbroken.replace(_TIE, " "), None, space)
                space = False


def _run(letter: str) -> str:
    """What is alike of letters that stay together: wide ones are broken anywhere."""
    return letter if lettering.is_wide(letter) else ""


def _parts(word: Word) -> Iterator[Word]:
    """A word that is longer than a line in parts, a formula made smaller."""
    if word.width <= _PICTURE:
        yield word
    elif word.formula is not None:
        ink = ImageOps.contain(word.formula.ink, (_PICTURE - 2, word.formula.ink.height), PIL.Image.Resampling.LANCZOS)
        depth = round(word.formula.depth * ink.height / word.formula.ink.height)
        yield replace(word, formula=Drawn(ink, depth))
    else:
        start = 0
        for end in range(1, len(word.text) + 1):
            if end == len(word.text) or lettering.length(word.text[start : end + 1]) > _PICTURE:
                yield Word(word.text[start:end], None, word.space and start == 0)
                start = end
