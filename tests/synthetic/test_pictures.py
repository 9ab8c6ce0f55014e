import random
from typing import Any

import pytest

from mathse.synthetic.families import FAMILIES
from mathse.synthetic.figures import figure
from mathse.synthetic.pictures import (
    SIDE,
    Bars,
    LineChart,
    Picture,
    PointGrid,
    Rectangles,
    StraightLine,
    Table,
    TriangleAngles,
    TriangleSides,
    draw,
    readings,
)
from tests.synthetic.scenes import KINDS

PICTURES: dict[str, tuple[Picture, dict[str, int]]] = {
    "angles": (TriangleAngles("ABC", (50, 60)), {"angle A": 50, "angle B": 60}),
    "exterior": (TriangleAngles("PQR", (40, 70), exterior=True), {"angle P": 40, "angle Q": 70}),
    "one ray": (StraightLine(("A", "B"), (50,)), {"angle A": 50}),
    "two rays": (StraightLine(("X", "Y", "Z"), (50, 60)), {"angle X": 50, "angle Y": 60}),
    "sides": (TriangleSides("ABC", (3, 4, 5)), {"side AB": 3, "side BC": 4, "side AC": 5}),
    "rectangle": (Rectangles(("A",), ((3, 4),)), {"width A": 3, "height A": 4}),
    "rectangles": (
        Rectangles(("A", "B"), ((3, 4), (5, 6))),
        {"width A": 3, "height A": 4, "width B": 5, "height B": 6},
    ),
    "bars": (Bars(("A", "B", "C"), (7, 3, 9)), {"bar A": 7, "bar B": 3, "bar C": 9}),
    "line": (LineChart(("1", "2", "3"), (0, 6, 4)), {"day 1": 0, "day 2": 6, "day 3": 4}),
    "table": (
        Table(((12, 7), (45, 160))),
        {"row 1 column 1": 12, "row 1 column 2": 7, "row 2 column 1": 45, "row 2 column 2": 160},
    ),
    "points": (PointGrid(("P", "Q"), ((0, 6), (6, 0))), {"x of P": 0, "y of P": 6, "x of Q": 6, "y of Q": 0}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_what_can_be_read(name: str) -> None:
    picture, seen = PICTURES[name]
    assert readings(picture) == seen
    assert list(readings(picture)) == list(seen)


@pytest.mark.parametrize("name", PICTURES)
def test_drawings_are_square_rgb_and_not_blank(name: str) -> None:
    image = draw(PICTURES[name][0], random.Random(1))
    assert (image.size, image.mode) == ((SIDE, SIDE), "RGB")
    assert len(image.getcolors(SIDE * SIDE) or []) > 2


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_seed_draws_the_same(name: str) -> None:
    first, second = (draw(PICTURES[name][0], random.Random(4)).tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", [name for name in PICTURES if name not in {"line", "points"}])
def test_another_seed_draws_another(name: str) -> None:
    assert len({draw(PICTURES[name][0], random.Random(seed)).tobytes() for seed in range(8)}) > 1


@pytest.mark.parametrize("name", PICTURES)
def test_every_reading_changes_the_drawing(name: str) -> None:
    picture, seen = PICTURES[name]
    plain = draw(picture, random.Random(2)).tobytes()
    for field in ("angles", "sides", "values", "points"):
        for changed in _changed(getattr(picture, field, ())):
            other = type(picture)(**{**vars(picture), field: changed})
            assert readings(other) != seen
            assert draw(other, random.Random(2)).tobytes() != plain


def _changed(values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The same values with one number of them another, once for each number."""
    made: list[tuple[Any, ...]] = []
    for place, value in enumerate(values):
        others = [(value[0] ^ 1, value[1]), (value[0], value[1] ^ 1)] if isinstance(value, tuple) else [value ^ 1]
        made += [(*values[:place], other, *values[place + 1 :]) for other in others]
    return made


def test_a_drawing_stays_on_the_canvas() -> None:
    """Dark ink on the outermost pixels would be a label or an outline cut off."""
    inner = (1, 1, SIDE - 1, SIDE - 1)
    for family, level in KINDS:
        for seed in range(6):
            drawn = figure(f"{family}-{level}-{seed}")
            image = drawn.image().convert("L")
            image.paste(255, inner)
            assert not any(image.histogram()[:128]), drawn.source_id


def test_at_least_three_kinds_of_picture() -> None:
    assert len({type(figure(f"{family}-1-0").picture) for family in FAMILIES}) >= 3
