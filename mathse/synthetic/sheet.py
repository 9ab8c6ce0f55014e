"""A contact sheet: one picture of sample problems, to judge by eye whether figures are clear and answers right.

Each cell shows a problem's picture at twice its size, then family and level, the question, its options, and the gold
answer. Every subject, family and level has its turn before any has a second. The same problems give the same bytes.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from operator import attrgetter
from pathlib import Path

import PIL.Image
from PIL import ImageDraw, ImageOps

from mathse.synthetic import lettering
from mathse.synthetic.pictures import SIDE
from mathse.tables.files import replaced
from mathse.tables.images import decode
from mathse.tables.schemas import Image, Problem

COLUMNS, ROWS = 6, 10
_PICTURE = 2 * SIDE
_GAP = 16
_LINE = 19
_LINE_LETTERS = 31
_LINES = 6
_CELL = (_PICTURE + 2 * _GAP, _PICTURE + _LINES * _LINE + 2 * _GAP)
_INK, _FAINT, _PAPER, _FRAME, _ANSWER = "#202020", "#707070", "white", "#c8c8c8", "#0a6b2d"


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
    down = max(1, -(-len(shown) // columns))
    sheet = PIL.Image.new("RGB", (columns * _CELL[0], down * _CELL[1]), _PAPER)
    for place, problem in enumerate(shown):
        cell = PIL.Image.new("RGB", _CELL, _PAPER)
        pen = ImageDraw.Draw(cell)
        pen.rectangle((0, 0, _CELL[0] - 1, _CELL[1] - 1), outline=_FRAME)
        picture = next((images[i] for i in problem.image_ids if i in images), None)
        if picture is not None:
            pixels = decode(picture.data, picture.width * picture.height)
            cell.paste(ImageOps.contain(pixels, (_PICTURE, _PICTURE), PIL.Image.Resampling.LANCZOS), (_GAP, _GAP))
        for number, (line, colour) in enumerate(_lines(problem)):
            lettering.write(pen, (_GAP, _PICTURE + int(1.5 * _GAP) + number * _LINE), line, colour)
        sheet.paste(cell, (place % columns * _CELL[0], place // columns * _CELL[1]))
    with replaced(file) as fresh:
        sheet.save(fresh, format="PNG", compress_level=9)


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


def _lines(problem: Problem) -> list[tuple[str, str]]:
    """What stands under the picture: lines with their colours."""
    options = "   ".join(f"{chr(ord('A') + place)} {choice}" for place, choice in enumerate(problem.choices))
    texts = (
        (f"{_family(problem)}, level {problem.level}", _FAINT, 1),
        (problem.question, _INK, 3 if not options else 2),
        (options, _INK, 2),
        (f"Answer: {problem.answer}", _ANSWER, 1),
    )
    lines = []
    for text, colour, most in texts:
        if any(map(lettering.is_wide, text)) or max(map(len, text.split()), default=0) > _LINE_LETTERS:
            wrapped = lettering.wrapped(text, _LINE_LETTERS - 2, most)
        else:
            wrapped = textwrap.wrap(text, _LINE_LETTERS, max_lines=most, placeholder=" ...")
        lines += [(line, colour) for line in wrapped]
    return lines
