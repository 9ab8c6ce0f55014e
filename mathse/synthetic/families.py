"""The kinds of problem: for each, a picture, a question in several wordings, and a plan that solves it.

A family is a function of a random generator and a level (1 easiest, 3 hardest) that returns a `Sketch`. Levels raise
the numbers and the number of things to tell apart. Sample:

    family triangle_angle, level 2
    picture   TriangleAngles(corners="PQR", angles=(48, 65))
    question  In triangle PQR, angle P and angle Q are marked. Find angle R.
    plan      Look("angle P"), Look("angle Q"), Combine("+", 0, 1), Combine("-", Given(180), 2)
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import Literal

from mathse.synthetic.pictures import (
    GRID,
    Bars,
    LineChart,
    Picture,
    PointGrid,
    Rectangles,
    StraightLine,
    TriangleAngles,
    TriangleSides,
)
from mathse.synthetic.plans import Best, Combine, Given, Look, Plan, Ratio

LEVELS = (1, 2, 3)
_CORNERS = ("ABC", "PQR", "XYZ")


@dataclass(frozen=True)
class Sketch:
    """A problem before it is drawn: what is seen, what is asked in each wording, how it is solved."""

    subject: str
    picture: Picture
    wordings: tuple[str, ...]
    plan: Plan


def _marked_angles(rng: random.Random, level: int, exterior: bool = False) -> TriangleAngles:
    step = (10, 5, 1)[level - 1]
    corners = rng.choice(_CORNERS)
    first, second = (rng.randrange(30, 80 + 1, step) for _ in range(2))
    return TriangleAngles(corners, (first, second), exterior)


def triangle_angle(rng: random.Random, level: int) -> Sketch:
    """The third angle of a triangle."""
    picture = _marked_angles(rng, level)
    a, b, c = list(picture.corners)
    return Sketch(
        "angles",
        picture,
        (f"Find angle {c} of the triangle.", f"What is the size of angle {c}?", f"How large is angle {c}?"),
        (Look(f"angle {a}"), Look(f"angle {b}"), Combine("+", 0, 1), Combine("-", Given(180), 2)),
    )


def exterior_angle(rng: random.Random, level: int) -> Sketch:
    """The exterior angle of a triangle: the sum of the two remote interior ones."""
    picture = _marked_angles(rng, level, exterior=True)
    a, b, c = list(picture.corners)
    return Sketch(
        "angles",
        picture,
        (f"Find the exterior angle at {c}.", f"How large is the exterior angle at {c}?"),
        (Look(f"angle {a}"), Look(f"angle {b}"), Combine("+", 0, 1)),
    )


def straight_line(rng: random.Random, level: int) -> Sketch:
    """The missing angle on a straight line."""
    step, shown = ((10, 1), (5, 2), (1, 2))[level - 1]
    names = tuple(rng.choice(_CORNERS))[: shown + 1]
    angles = tuple(rng.randrange(20, (150 if shown == 1 else 80) + 1, step) for _ in range(shown))
    last = names[-1]
    looks = tuple(Look(f"angle {name}") for name in names[:-1])
    add = (Combine("+", 0, 1),) if shown == 2 else ()
    return Sketch(
        "angles",
        StraightLine(names, angles),
        (f"Find angle {last} on the straight line.", f"The line is straight. What is angle {last}?"),
        (*looks, *add, Combine("-", Given(180), len(looks) + len(add) - 1)),
    )


def triangle_perimeter(rng: random.Random, level: int) -> Sketch:
    """The perimeter of a triangle."""
    top = (12, 30, 60)[level - 1]
    corners = rng.choice(_CORNERS)
    sides = [rng.randint(top // 3, top) for _ in range(3)]
    while 2 * max(sides) >= sum(sides):
        sides = [rng.randint(top // 3, top) for _ in range(3)]
    ends = [corners[0] + corners[1], corners[1] + corners[2], corners[0] + corners[2]]
    return Sketch(
        "lengths",
        TriangleSides(corners, (sides[0], sides[1], sides[2])),
        ("Find the perimeter of the triangle.", "How long are the three sides together?"),
        (*(Look(f"side {end}") for end in ends), Combine("+", 0, 1), Combine("+", 3, 2)),
    )


def rectangle(rng: random.Random, level: int) -> Sketch:
    """Area or perimeter of a rectangle."""
    top = (9, 12, 15)[level - 1]
    width, height = rng.randint(2, top), rng.randint(2, min(top, 12))
    look = (Look("width A"), Look("height A"))
    area = rng.random() < 0.5
    return Sketch(
        "areas" if area else "lengths",
        Rectangles(("A",), ((width, height),)),
        ("Find the area of rectangle A.", "What is the area of the rectangle?")
        if area
        else ("Find the perimeter of rectangle A.", "What is the perimeter of the rectangle?"),
        (*look, Combine("×", 0, 1)) if area else (*look, Combine("+", 0, 1), Combine("×", 2, Given(2))),
    )


def composite_area(rng: random.Random, level: int) -> Sketch:
    """The area of a figure made of two rectangles."""
    top = (6, 8, 10)[level - 1]
    sides = ((rng.randint(2, top), rng.randint(3, top)), (rng.randint(2, top), rng.randint(2, top)))
    looks = tuple(Look(f"{what} {name}") for name in "AB" for what in ("width", "height"))
    return Sketch(
        "areas",
        Rectangles(("A", "B"), sides),
        ("Find the total area of the figure.", "What is the area of A and B together?"),
        (*looks, Combine("×", 0, 1), Combine("×", 2, 3), Combine("+", 4, 5)),
    )


def _bars(rng: random.Random, level: int, tops: tuple[int, ...] = (20, 50, 90)) -> Bars:
    count, top = (3, 3, 4)[level - 1], tops[level - 1]
    return Bars(tuple("ABCD"[:count]), tuple(rng.sample(range(max(2, top // 6), top + 1), count)))


def _of_two(rng: random.Random, picture: Bars | LineChart, wordings: tuple[str, ...], move: Combine) -> Sketch:
    """What two bars or two days make; the wordings name them as `{a}` and `{b}`."""
    a, b = sorted(rng.sample(picture.names, 2))
    what = "bar" if isinstance(picture, Bars) else "day"
    asked = tuple(wording.format(a=a, b=b) for wording in wordings)
    return Sketch("charts", picture, asked, (Look(f"{what} {a}"), Look(f"{what} {b}"), move))


def bar_sum(rng: random.Random, level: int) -> Sketch:
    """Two bars together."""
    wordings = ("How many are bar {a} and bar {b} together?", "What is the sum of bars {a} and {b}?")
    return _of_two(rng, _bars(rng, level), wordings, Combine("+", 0, 1))


def bar_difference(rng: random.Random, level: int) -> Sketch:
    """How much one bar differs from another."""
    wordings = ("What is the difference of bars {a} and {b}?", "By how many do bar {a} and bar {b} differ?")
    return _of_two(rng, _bars(rng, level), wordings, Combine("-", 0, 1, ordered=True))


def bar_extreme(rng: random.Random, level: int) -> Sketch:
    """The value of the tallest or shortest bar."""
    picture = _bars(rng, level)
    which: Literal["largest", "smallest"] = rng.choice(("largest", "smallest"))
    word = "tallest" if which == "largest" else "shortest"
    looks = tuple(Look(f"bar {name}") for name in picture.names)
    best = Best(which, tuple(range(len(looks))))
    return Sketch(
        "charts",
        picture,
        (f"What is the value of the {word} bar?", f"How many does the {word} bar show?"),
        (*looks, best),
    )


def bar_fraction(rng: random.Random, level: int) -> Sketch:
    """What fraction one bar is of another, in lowest terms."""
    picture = _bars(rng, level, (8, 12, 15))
    by_name = dict(zip(picture.names, picture.values, strict=True))
    a, b = sorted(rng.sample(picture.names, 2), key=by_name.__getitem__)
    return Sketch(
        "fractions",
        picture,
        (f"What fraction of bar {b} is bar {a}?", f"Bar {a} is what fraction of bar {b}?"),
        (Look(f"bar {a}"), Look(f"bar {b}"), Ratio(0, 1)),
    )


def _line(rng: random.Random, level: int) -> LineChart:
    names = tuple("12345"[: 2 + level])
    return LineChart(names, tuple(rng.randint(0, GRID) for _ in names))


def line_change(rng: random.Random, level: int) -> Sketch:
    """How much a line chart changes between two days."""
    wordings = (
        "By how much does the line change from day {a} to day {b}?",
        "By how much do day {a} and day {b} differ?",
    )
    return _of_two(rng, _line(rng, level), wordings, Combine("-", 0, 1, ordered=True))


def line_total(rng: random.Random, level: int) -> Sketch:
    """The total of all days, or of two."""
    picture = _line(rng, level)
    names = picture.names if level > 1 and rng.random() < 0.5 else tuple(sorted(rng.sample(picture.names, 2)))
    adds = tuple(Combine("+", len(names) + i - 1 if i else 0, i + 1) for i in range(len(names) - 1))
    asked = (
        ("What is the total of all days?", "How much do all days make together?")
        if len(names) > 2
        else (f"What is the total of day {names[0]} and day {names[1]}?", f"Add day {names[0]} and day {names[1]}.")
    )
    return Sketch("charts", picture, asked, (*(Look(f"day {name}") for name in names), *adds))


def _points(rng: random.Random) -> PointGrid:
    places = [(x, y) for x in range(GRID + 1) for y in range(GRID + 1)]
    while True:
        (ax, ay), (bx, by) = rng.sample(places, 2)
        if abs(ax - bx) + abs(ay - by) > 2:
            return PointGrid(("P", "Q"), ((ax, ay), (bx, by)))


def grid_distance(rng: random.Random, level: int) -> Sketch:
    """How far apart two points are: along one axis, or along the grid lines."""
    picture = _points(rng)
    if level == 1:
        axis = rng.choice("xy")
        word = "right or left" if axis == "x" else "up or down"
        return Sketch(
            "coordinates",
            picture,
            (f"How far {word} is it from P to Q?", f"By how much do the {axis} coordinates of P and Q differ?"),
            (Look(f"{axis} of P"), Look(f"{axis} of Q"), Combine("-", 0, 1, ordered=True)),
        )
    looks = (Look("x of P"), Look("x of Q"), Combine("-", 0, 1, ordered=True))
    more = (Look("y of P"), Look("y of Q"), Combine("-", 3, 4, ordered=True))
    return Sketch(
        "coordinates",
        picture,
        ("How long is the way from P to Q along the grid lines?", "Find the distance of P and Q along the grid."),
        (*looks, *more, Combine("+", 2, 5)),
    )


def coordinate_sum(rng: random.Random, level: int) -> Sketch:
    """A sum or a product of a point's coordinates."""
    picture = _points(rng)
    name = rng.choice("PQ")
    product = level == 3
    word = "product" if product else "sum"
    return Sketch(
        "coordinates",
        picture,
        (f"What is the {word} of the coordinates of {name}?", f"Find the {word} of x and y of {name}."),
        (Look(f"x of {name}"), Look(f"y of {name}"), Combine("×" if product else "+", 0, 1)),
    )


def slope(rng: random.Random, level: int) -> Sketch:
    """The slope of a rising line through two points, as a fraction below one."""
    run = rng.randint(3, GRID)
    rise = rng.choice([r for r in range(1, run) if level > 1 or gcd(r, run) == 1])
    x, y = rng.randint(0, GRID - run), rng.randint(0, GRID - rise)
    looks_x = (Look("x of P"), Look("x of Q"), Combine("-", 0, 1, ordered=True))
    looks_y = (Look("y of P"), Look("y of Q"), Combine("-", 3, 4, ordered=True))
    return Sketch(
        "coordinates",
        PointGrid(("P", "Q"), ((x, y), (x + run, y + rise))),
        ("What is the slope of the line from P to Q?", "Find the slope from P to Q in lowest terms."),
        (*looks_x, *looks_y, Ratio(5, 2)),
    )


_PLANE = (triangle_angle, exterior_angle, straight_line, triangle_perimeter, rectangle, composite_area)
_CHARTS = (bar_sum, bar_difference, bar_extreme, bar_fraction, line_change, line_total)
_GRIDS = (grid_distance, coordinate_sum, slope)
FAMILIES: Mapping[str, Callable[[random.Random, int], Sketch]] = {
    family.__name__: family for family in (*_PLANE, *_CHARTS, *_GRIDS)
}
