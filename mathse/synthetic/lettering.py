"""Text of any script on a picture: each character in the first font at hand that has it.

Pillow's own font comes first, then matplotlib's DejaVu (Greek, Cyrillic, mathematical signs), then what the machine has
(Chinese, say); what none has stays the box that fonts show for it.
"""

import unicodedata
from functools import cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

_NO_CHARACTER = "\U0010ffff"
SIZE = 15
"""Of the letters, in pixels."""


def write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: str) -> None:
    """Write one line."""
    right, top = at
    plain = _plain()
    for font, characters in groupby(text, _font):
        run = "".join(characters)
        if font is plain:
            pen.text((right, top), run, fill=fill, font=font)
        else:  # fonts of other heights stand on its baseline
            pen.text((right, top + ascent()), run, fill=fill, font=font, anchor="ls")
        right += font.getlength(run)


def ascent() -> int:
    """Pixels from the top of a line to where its letters stand."""
    return _plain().getmetrics()[0]


def length(text: str) -> float:
    """Pixels that a line takes."""
    return sum(font.getlength("".join(characters)) for font, characters in groupby(text, _font))


def is_wide(character: str) -> bool:
    """Whether a character takes the place of two Latin ones."""
    return unicodedata.east_asian_width(character) in "WF"


@cache
def _plain() -> FreeTypeFont:
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, FreeTypeFont)  # Pillow's wheels are built with FreeType
    return font


@cache
def _font(character: str) -> FreeTypeFont:
    """The first font that has a character; Pillow's own if none has."""
    if character.isascii() or _has(_plain(), character):
        return _plain()
    fonts = (font for font in map(_opened, _others()) if font is not None and _has(font, character))
    return next(fonts, _plain())


def _has(font: FreeTypeFont, character: str) -> bool:
    """Whether a font draws a character otherwise than one that there is not."""
    return character.isspace() or bytes(font.getmask(character)) != bytes(font.getmask(_NO_CHARACTER))


@cache
def _opened(file: Path) -> FreeTypeFont | None:
    try:
        return ImageFont.truetype(file, SIZE - 1)
    except OSError:
        return None


@cache
def _others() -> tuple[Path, ...]:
    """Other fonts: matplotlib's, then upright ones of Chinese, Japanese and Korean, then the rest, each by name."""
    from matplotlib import font_manager, get_data_path

    files = sorted(Path(file) for file in font_manager.findSystemFonts())
    regular = [file for file in files if "Regular" in file.name and "CJK" in file.name]
    return Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), *regular, *files
