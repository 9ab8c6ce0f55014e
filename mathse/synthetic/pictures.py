"""What is drawn. A picture is plain data; `draw` turns it into an image, `readings` says what a person can read off it.

Everything is drawn on a square canvas of `SIDE` pixels, small enough for a tiny vision tower (16 image tokens) and
large enough for a person. Numbers stand on the grid of patches and shift by a pixel at most, so that a tiny vision
tower sees a digit in the same way wherever it stands. Lines jitter a little more.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

SIDE = 112
"""Pixels per side: 8 x 8 patches, merged 2 x 2 into 16 image tokens."""
PATCH = 14
GRID = 6
"""Grids go from 0 to this; a step is one patch, so that a tiny vision tower sees each point in the same way."""
_INK, _GRID, _FILLS = "black", "#c0c0c0", ("#9ec5e8", "#f4c38a", "#a8d8a0", "#d8b4e2")
_TINT = 36
"""Levels of 255 by which the paper darkens from edge to edge."""
_SLOTS = 4
"""Bars that fit side by side."""

Point = tuple[float, float]


@dataclass(frozen=True)
class TriangleAngles:
    """A triangle with two marked angles and a question mark at the third (or outside it, if `exterior`)."""

    corners: str
    angles: tuple[int, int]
    exterior: bool = False


@dataclass(frozen=True)
class StraightLine:
    """A straight line with one or two rays from a point on it; the last angle is unknown."""

    names: tuple[str, ...]
    angles: tuple[int, ...]


@dataclass(frozen=True)
class TriangleSides:
    """A triangle with its three sides labelled."""

    corners: str
    sides: tuple[int, int, int]


@dataclass(frozen=True)
class Rectangles:
    """One or two rectangles side by side, with their widths and heights."""

    names: tuple[str, ...]
    sides: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Bars:
    """A bar chart with the value in each bar."""

    names: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class LineChart:
    """Values from 0 to `GRID`, joined by lines and read off a grid."""

    names: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class PointGrid:
    """Named points on a grid from 0 to `GRID` each way."""

    names: tuple[str, ...]
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Table:
    """Numbers in rows of three, without lines."""

    rows: tuple[tuple[int, ...], ...]


Picture = Table | TriangleAngles | StraightLine | TriangleSides | Rectangles | Bars | LineChart | PointGrid


def readings(picture: Picture) -> dict[str, int]:
    """Everything a person can read off the picture: value by name, in reading order."""
    match picture:
        case Table(rows):
            return {f"row {r} column {c}": at for r, row in enumerate(rows, 1) for c, at in enumerate(row, 1)}
        case TriangleAngles(corners, angles):
            return {f"angle {corner}": angle for corner, angle in zip(corners, angles, strict=False)}
        case StraightLine(names, angles):
            return {f"angle {name}": angle for name, angle in zip(names, angles, strict=False)}
        case TriangleSides(corners, sides):
            ends = [corners[0] + corners[1], corners[1] + corners[2], corners[0] + corners[2]]
            return {f"side {end}": side for end, side in zip(ends, sides, strict=True)}
        case Rectangles(names, sides):
            pairs = zip(names, sides, strict=True)
            return {f"{what} {name}": size for name, wh in pairs for what, size in zip(("width", "height"), wh)}  # noqa: B905
        case Bars(names, values):
            return {f"bar {name}": value for name, value in zip(names, values, strict=True)}
        case LineChart(names, values):
            return {f"day {name}": value for name, value in zip(names, values, strict=True)}
        case PointGrid(names, points):
            pairs = zip(names, points, strict=True)
            return {f"{axis} of {name}": at for name, xy in pairs for axis, at in zip("xy", xy, strict=True)}


def draw(picture: Picture, rng: random.Random) -> Image.Image:
    """Draw a picture as an RGB image of `SIDE` by `SIDE` pixels."""
    image = _paper().copy()
    pen = Pen(ImageDraw.Draw(image), rng)
    match picture:
        case Table():
            _draw_table(pen, picture)
        case TriangleAngles():
            _draw_triangle_angles(pen, picture)
        case StraightLine():
            _draw_straight_line(pen, picture)
        case TriangleSides():
            _draw_triangle_sides(pen, picture)
        case Rectangles():
            _draw_rectangles(pen, picture)
        case Bars():
            _draw_bars(pen, picture)
        case LineChart():
            _draw_line_chart(pen, picture)
        case PointGrid():
            _draw_point_grid(pen, picture)
    return image


@cache
def _paper() -> Image.Image:
    """Paper whose faint tint says where on it a patch lies.

    Meant as a cue for absolute position, since the Qwen2-VL vision tower knows relative ones only. One short trial
    showed no gain from it (docs/LOG.md).
    """
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE)).point(lambda level: 255 - level * _TINT // 255)
    flat = Image.new("L", (SIDE, SIDE), 255)
    return Image.merge("RGB", (ramp.transpose(Image.Transpose.ROTATE_90), flat, ramp))


_font = cache(ImageFont.load_default)


@dataclass
class Pen:
    """Draws with a little jitter."""

    on: ImageDraw.ImageDraw
    rng: random.Random

    def near(self, x: float, y: float, by: int = 1) -> Point:
        """A point at most `by` pixels away."""
        return x + self.rng.randint(-by, by), y + self.rng.randint(-by, by)

    def text(self, at: Point, text: object, size: int = 12, jitter: int = 0) -> None:
        """Write centred at `at`, or at most `jitter` pixels away."""
        self.on.text(self.near(*at, by=jitter), str(text), fill=_INK, font=_font(size), anchor="mm")

    def value(self, at: Point, value: object) -> None:
        """Write a number near `at`, its middle where two patches meet, so that each of two digits has its own."""
        self.text((round(at[0] / PATCH) * PATCH, (round(at[1] / PATCH - 0.5) + 0.5) * PATCH), value, jitter=1)


def _triangle(pen: Pen, right: float = 98) -> list[Point]:
    """Draw a triangle; its corners before jitter, for the labels."""
    apex = pen.rng.choice((0.33, 0.5, 0.67))
    corners: list[Point] = [(14, 90), (14 + apex * (right - 14), 16), (right, 90)]
    drawn = [pen.near(*corner) for corner in corners]
    pen.on.line([*drawn, drawn[0]], fill=_INK, width=1)
    return corners


def _toward(start: Point, end: Point, pixels: float) -> Point:
    length = math.dist(start, end) or 1.0
    return (start[0] + (end[0] - start[0]) * pixels / length, start[1] + (end[1] - start[1]) * pixels / length)


def _centre(corners: Sequence[Point]) -> Point:
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)


def _draw_triangle_angles(pen: Pen, picture: TriangleAngles) -> None:
    corners = _triangle(pen, right=80 if picture.exterior else 98)
    middle = _centre(corners)
    for place, (corner, name) in enumerate(zip(corners, picture.corners, strict=True)):
        pen.text(_toward(corner, middle, -9), name)
        unknown = "" if picture.exterior else "?"
        label = picture.angles[place] if place < len(picture.angles) else unknown
        pen.value(_toward(corner, middle, 30), label)
    if picture.exterior:
        pen.on.line([corners[2], (SIDE - 2, corners[2][1])], fill=_INK)
        pen.text((corners[2][0] + 16, corners[2][1] - 9), "?")


def _draw_straight_line(pen: Pen, picture: StraightLine) -> None:
    origin: Point = (56, 88)
    pen.on.line([(4, origin[1]), (108, origin[1])], fill=_INK)
    shown = len(picture.angles)
    turns = [0.0, 75.0, 180.0] if shown == 1 else [0.0, 60.0, 120.0, 180.0]
    for turn in turns[1:-1]:
        pen.on.line([origin, pen.near(*_polar(origin, turn, 70), by=3)], fill=_INK)
    for place, (start, end) in enumerate(pairwise(turns)):
        label = picture.angles[place] if place < shown else "?"
        pen.value(_polar(origin, (start + end) / 2, 33), label)
        pen.text(_polar(origin, (start + end) / 2, 52), picture.names[place])


def _polar(origin: Point, degrees: float, radius: float) -> Point:
    angle = math.radians(180 - degrees)
    return origin[0] + radius * math.cos(angle), origin[1] - radius * math.sin(angle)


def _draw_triangle_sides(pen: Pen, picture: TriangleSides) -> None:
    corners = _triangle(pen)
    middle = _centre(corners)
    for corner, name in zip(corners, picture.corners, strict=True):
        pen.text(_toward(corner, middle, -9), name)
    for (start, end), side in zip([(0, 1), (1, 2), (0, 2)], picture.sides, strict=True):
        halfway = _centre([corners[start], corners[end]])
        pen.value(_toward(halfway, middle, -13), side)


def _draw_table(pen: Pen, picture: Table) -> None:
    left, top = pen.rng.choice((14, 28, 42)), pen.rng.randint(0, 8 - 2 * len(picture.rows)) * PATCH + PATCH
    for down, row in enumerate(picture.rows):
        for across, number in enumerate(row):
            pen.value((left + 2 * PATCH * across, top + 2 * PATCH * down + 1), number)


def _draw_rectangles(pen: Pen, picture: Rectangles) -> None:
    boxes = [(30, 26, 100, 84)] if len(picture.sides) == 1 else [(22, 18, 60, 88), (60, 44, 92, 88)]
    for place, ((left, top, right, bottom), (width, height), name) in enumerate(
        zip(boxes, picture.sides, picture.names, strict=True)
    ):
        x, y = pen.near(0, 0, by=1)
        box = [(left + x, top + y), (right + x, bottom)]
        pen.on.rectangle(box, outline=_INK, fill=_FILLS[place])
        pen.text(((left + right) / 2, (top + bottom) / 2), name)
        pen.value(((left + right) / 2, bottom + 11), width)
        pen.value((left - 11 if place == 0 else right + 11, (top + bottom) / 2), height)


def _draw_bars(pen: Pen, picture: Bars) -> None:
    base, tallest = 90.0, max(picture.values)
    first = pen.rng.randint(0, _SLOTS - len(picture.values))
    pen.on.line([(2, base), (SIDE - 2, base)], fill=_INK)
    for place, (name, value) in enumerate(zip(picture.names, picture.values, strict=True)):
        middle = SIDE / _SLOTS * (first + place + 0.5)
        top = base - 16 - 66 * value / tallest
        pen.on.rectangle([(middle - 10, top), (middle + 10, base)], outline=_INK, fill=_FILLS[place % len(_FILLS)])
        pen.value((middle, base - 8), value)
        pen.text((middle, base + 11), name)


def _axes(pen: Pen) -> None:
    """A grid from 0 to `GRID` each way, its lines through the middles of patches, with every second height written."""
    left, bottom = _on_grid(0, 0)
    right, top = _on_grid(GRID, GRID)
    for line in range(GRID + 1):
        x, y = _on_grid(line, line)
        pen.on.line([(left, y), (right, y)], fill=_GRID)
        pen.on.line([(x, bottom), (x, top)], fill=_GRID)
        if line % 2 == 0:
            pen.text((left - 12, y), line, size=10)
    pen.on.line([(left, top), (left, bottom), (right, bottom)], fill=_INK)


def _on_grid(x: float, y: float) -> Point:
    return PATCH * (x + 1.5), SIDE - PATCH * (y + 1.5)


def _draw_line_chart(pen: Pen, picture: LineChart) -> None:
    _axes(pen)
    spots = [pen.near(*_on_grid(place + 1, value)) for place, value in enumerate(picture.values)]
    pen.on.line(spots, fill="#1f5fa8", width=2)
    for place, ((x, y), name) in enumerate(zip(spots, picture.names, strict=True)):
        pen.on.ellipse([x - 3, y - 3, x + 3, y + 3], fill="#1f5fa8")
        pen.text((_on_grid(place + 1, 0)[0], SIDE - 9), name)


def _draw_point_grid(pen: Pen, picture: PointGrid) -> None:
    _axes(pen)
    for line in range(2, GRID + 1, 2):
        pen.text((_on_grid(line, 0)[0], SIDE - 9), line, size=10)
    for place, ((x, y), name) in enumerate(zip(picture.points, picture.names, strict=True)):
        spot = pen.near(*_on_grid(x, y))
        colour = ("#c02020", "#1f5fa8")[place % 2]
        pen.on.ellipse([spot[0] - 3, spot[1] - 3, spot[0] + 3, spot[1] + 3], fill=colour)
        pen.text((spot[0] + (8 if x < GRID else -8), spot[1] - 7 if y < GRID else spot[1] + 8), name)
