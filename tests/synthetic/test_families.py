import random
from fractions import Fraction

import pytest

from mathse.answers.grade import grade
from mathse.synthetic.families import FAMILIES
from mathse.synthetic.figures import figure
from mathse.synthetic.pictures import TriangleSides, readings
from mathse.synthetic.plans import Look, execute
from mathse.synthetic.review import review
from mathse.tables.schemas import Status
from tests.synthetic.scenes import KINDS

SEEDS = range(30)


def test_there_are_ten_families_or_more() -> None:
    assert len(FAMILIES) >= 10


@pytest.mark.parametrize(("family", "level"), KINDS)
def test_a_plan_looks_at_what_is_drawn_and_asks_in_several_ways(family: str, level: int) -> None:
    for seed in SEEDS:
        sketch = FAMILIES[family](random.Random(seed), level)
        assert {move.name for move in sketch.plan if isinstance(move, Look)} <= set(readings(sketch.picture))
        assert len(set(sketch.wordings)) == len(sketch.wordings) >= 2


@pytest.mark.parametrize(("family", "level"), KINDS)
def test_the_gold_solution_stands_up_to_review_and_to_the_grader(family: str, level: int) -> None:
    for seed in SEEDS:
        made = figure(f"{family}-{level}-{seed}")
        assert review(made, made.solution) is None
        assert grade(made.answer, made.solution, made.choices).status is Status.CORRECT


@pytest.mark.parametrize(("family", "level"), KINDS)
def test_answers_are_whole_numbers_fractions_or_options(family: str, level: int) -> None:
    for seed in SEEDS:
        made = figure(f"{family}-{level}-{seed}")
        if made.choices:
            assert len(set(made.choices)) == len(made.choices) == 4
            value = made.choices["ABCD".index(made.answer)]
        else:
            value = made.answer
        assert value == str(Fraction(value))
        assert 0 <= Fraction(value) < 200
        assert value == execute(made.plan, made.readings)[1]


def test_every_form_of_answer_occurs() -> None:
    made = [figure(f"{family}-{level}-{seed}") for family, level in KINDS for seed in range(5)]
    assert any("/" in one.answer for one in made)
    assert any(one.answer.isdecimal() for one in made)
    assert {one.answer for one in made if one.choices} == set("ABCD")
    assert 0.15 < sum(bool(one.choices) for one in made) / len(made) < 0.35


@pytest.mark.parametrize("family", ["triangle_perimeter", "rectangle", "bar_sum", "bar_difference", "composite_area"])
def test_levels_raise_the_numbers(family: str) -> None:
    means = [
        sum(max(figure(f"{family}-{level}-{seed}").readings.values()) for seed in range(60)) for level in (1, 2, 3)
    ]
    assert means == sorted(means)
    assert means[2] > 1.2 * means[0]


def test_triangles_can_exist() -> None:
    for level in (1, 2, 3):
        for seed in range(100):
            picture = figure(f"triangle_perimeter-{level}-{seed}").picture
            assert isinstance(picture, TriangleSides)
            assert 2 * max(picture.sides) < sum(picture.sides)
