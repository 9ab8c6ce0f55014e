"""Paper and pen: the square canvas every picture is drawn on, and how a line, a word and a number are put there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

SIDE = 112
"""Pixels a side: 8 x 8 patches, merged 2 x 2 into 16 image tokens."""
PATCH = 14
INK = "black"
_TINT = 36
"""Levels of 255 by which the paper darkens from edge to edge."""
_FONT_SIZE = 12
_JITTER = 1

Point = tuple[float, float]


def blank() -> Image.Image:
    """A new sheet of paper, `SIDE` by `SIDE` pixels, RGB."""
    return _tinted().copy()


@cache
def _tinted() -> Image.Image:
    """Paper whose faint tint says where on it a patch lies.

    Meant as a cue for absolute position, since the Qwen2-VL vision tower knows relative ones only. One short trial
    showed no gain from it (docs/LOG.md).
    """
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE)).point(lambda level: 255 - level * _TINT // 255)
    flat = Image.new("L", (SIDE, SIDE), 255)
    return Image.merge("RGB", (ramp.transpose(Image.Transpose.ROTATE_90), flat, ramp))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@dataclass
class Pen:
    """Draws with a little jitter."""

    on: ImageDraw.ImageDraw
    rng: random.Random

    def near(self, x: float, y: float, by: int = _JITTER) -> Point:
        """A point at most `by` pixels away."""
        return x + self.rng.randint(-by, by), y + self.rng.randint(-by, by)

    def text(self, at: Point, text: object, size: int = _FONT_SIZE, jitter: int = 1) -> None:
        """Write centred at about `at`."""
        self.on.text(self.near(*at, by=jitter), str(text), fill=INK, font=_font(size), anchor="mm")

    def value(self, at: Point, value: object) -> None:
        """Write a number near `at`, its middle where two patches meet, so that each of two digits has its own."""
        self.text((round(at[0] / PATCH) * PATCH, (round(at[1] / PATCH - 0.5) + 0.5) * PATCH), value)

    def outline(self, corners: Sequence[Point]) -> None:
        """Draw a closed outline."""
        self.on.line([*corners, corners[0]], fill=INK, width=1)
