"""A contact sheet: one picture of sample problems, to judge by eye whether figures are clear and answers right.

Each cell shows a problem's picture at twice its size, then family and level, the question, its options, and the gold
answer. Every subject, family and level has its turn before any has a second. The same problems give the same bytes.
"""

import io
import os
import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path

import PIL.Image
from PIL import ImageDraw, ImageFont, ImageOps

from mathse.schemas import Image, Problem
from mathse.synthetic.paper import SIDE

COLUMNS, ROWS = 6, 10
_PICTURE = 2 * SIDE
_GAP = 16
_TEXT_SIZE, _LINE = 15, 19
_LINE_LETTERS = 31
_LINES = 6
_CELL = (_PICTURE + 2 * _GAP, _PICTURE + _LINES * _LINE + 2 * _GAP)
_INK, _FAINT, _PAPER, _FRAME, _ANSWER = "#202020", "#707070", "white", "#c8c8c8", "#0a6b2d"


def contact_sheet(
    problems: Sequence[Problem], images: Mapping[str, Image], file: Path, columns: int = COLUMNS, rows: int = ROWS
) -> None:
    """Draw sample problems on one PNG.

    Args:
        problems: What to choose from, in any order.
        images: The chosen problems' images by id (`chosen` names them); a problem without its image is shown as text.
        file: The PNG to write; it is replaced as a whole or not at all.
        columns: Cells across.
        rows: Cells down, at most.
    """
    shown = chosen(problems, columns * rows)
    down = max(1, -(-len(shown) // columns))
    sheet = PIL.Image.new("RGB", (columns * _CELL[0], down * _CELL[1]), _PAPER)
    for place, problem in enumerate(shown):
        corner = (place % columns * _CELL[0], place // columns * _CELL[1])
        sheet.paste(_cell(problem, images), corner)
    _save(sheet, file)


def chosen(problems: Sequence[Problem], count: int = COLUMNS * ROWS) -> list[Problem]:
    """The problems a sheet shows: one of each subject, family and level, then a second of each, and so on.

    Args:
        problems: What to choose from, in any order.
        count: How many at most.

    Returns:
        Problems ordered by family and level, so that those that should look alike stand side by side.
    """
    groups: dict[tuple[str, str, int], list[Problem]] = defaultdict(list)
    for problem in sorted(problems, key=lambda problem: problem.problem_id):
        groups[_kind(problem)].append(problem)
    turns = zip_longest(*(groups[kind] for kind in sorted(groups)))
    taken = [problem for problem in chain.from_iterable(turns) if problem is not None][:count]
    return sorted(taken, key=lambda problem: (*_kind(problem), problem.problem_id))


def _kind(problem: Problem) -> tuple[str, str, int]:
    return problem.subject, _family(problem), problem.level


def _family(problem: Problem) -> str:
    """A drawn figure's source id is family-level-seed; other sources have no families."""
    return problem.source_id.rsplit("-", 2)[0] if problem.source == "figures" else problem.source


def _cell(problem: Problem, images: Mapping[str, Image]) -> PIL.Image.Image:
    cell = PIL.Image.new("RGB", _CELL, _PAPER)
    pen = ImageDraw.Draw(cell)
    pen.rectangle((0, 0, _CELL[0] - 1, _CELL[1] - 1), outline=_FRAME)
    picture = next((images[i] for i in problem.image_ids if i in images), None)
    if picture is not None:
        cell.paste(_enlarged(picture), (_GAP, _GAP))
    for number, (line, colour) in enumerate(_lines(problem)):
        pen.text((_GAP, _PICTURE + int(1.5 * _GAP) + number * _LINE), line, fill=colour, font=_font())
    return cell


def _enlarged(picture: Image) -> PIL.Image.Image:
    with PIL.Image.open(io.BytesIO(picture.data)) as opened:
        smooth = PIL.Image.Resampling.LANCZOS
        return ImageOps.contain(opened.convert("RGB"), (_PICTURE, _PICTURE), smooth)


def _lines(problem: Problem) -> list[tuple[str, str]]:
    """What stands under the picture: lines with their colours."""
    options = "   ".join(f"{chr(ord('A') + place)} {choice}" for place, choice in enumerate(problem.choices))
    texts = (
        (f"{_family(problem)}, level {problem.level}", _FAINT, 1),
        (problem.question, _INK, 3 if not options else 2),
        (options, _INK, 2),
        (f"Answer: {problem.answer}", _ANSWER, 1),
    )
    return [(line, colour) for text, colour, most in texts for line in _wrapped(text, most)]


def _wrapped(text: str, most: int) -> list[str]:
    return textwrap.wrap(text, _LINE_LETTERS, max_lines=most, placeholder=" ...")


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_TEXT_SIZE)


def _save(sheet: PIL.Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as stream:
            sheet.save(stream, format="PNG", compress_level=9)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)
