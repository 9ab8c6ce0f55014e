from dataclasses import replace

import pytest

from mathse.synthetic.plans import Best, Combine, Given, Look, Plan, Ratio, Unsolvable, execute
from mathse.synthetic.steps import Calc, Extreme, Pick, Read, Reduce, Step

ANGLES: Plan = (Look("angle A"), Look("angle B"), Combine("+", 0, 1), Combine("-", Given(180), 2))
SEEN = {"angle A": 50, "angle B": 60}


def test_a_plan_makes_a_step_a_move() -> None:
    steps, answer = execute(ANGLES, SEEN)
    assert steps == [Read("angle A", 50), Read("angle B", 60), Calc(50, "+", 60, 110), Calc(180, "-", 110, 70)]
    assert answer == "70"


def test_a_mistake_runs_through_the_rest() -> None:
    def misread(place: int, step: Step) -> Step:
        return replace(step, value=55) if place == 0 and isinstance(step, Read) else step

    steps, answer = execute(ANGLES, SEEN, tamper=misread)
    assert steps[2:] == [Calc(55, "+", 60, 115), Calc(180, "-", 115, 65)]
    assert answer == "65"


def test_the_option_that_holds_the_value_is_picked() -> None:
    steps, answer = execute(ANGLES, SEEN, ("60", "70", "80"))
    assert steps[-1] == Pick("70", "B")
    assert answer == "B"


def test_a_wrong_pick_is_the_answer() -> None:
    def miss(place: int, step: Step) -> Step:
        return replace(step, letter="C") if isinstance(step, Pick) else step

    assert execute(ANGLES, SEEN, ("60", "70", "80"), miss)[1] == "C"


def test_a_difference_may_take_the_larger_first() -> None:
    plan: Plan = (Look("day 1"), Look("day 2"), Combine("-", 0, 1, ordered=True))
    assert execute(plan, {"day 1": 3, "day 2": 8})[0][-1] == Calc(8, "-", 3, 5)


@pytest.mark.parametrize(("which", "best"), [("largest", 9), ("smallest", 2)])
def test_the_best_of_some_values(which: str, best: int) -> None:
    move = Best("largest" if which == "largest" else "smallest", (0, 1, 2))
    steps, answer = execute((Look("a"), Look("b"), Look("c"), move), {"a": 4, "b": 9, "c": 2})
    assert steps[-1] == Extreme(move.which, (4, 9, 2), best)
    assert answer == str(best)


def test_a_ratio_is_in_lowest_terms() -> None:
    steps, answer = execute((Look("a"), Look("b"), Ratio(0, 1)), {"a": 6, "b": 8})
    assert steps[-1] == Reduce(6, 8, 3, 4)
    assert answer == "3/4"


@pytest.mark.parametrize(
    ("plan", "choices"),
    [
        ((Look("a"), Combine("-", 0, Given(7))), ()),
        ((Look("a"), Combine("÷", 0, Given(4))), ()),
        ((Look("zero"), Look("a"), Ratio(0, 1)), ()),
        ((Look("zero"), Look("a"), Ratio(1, 0)), ()),
        ((Look("a"), Look("b"), Ratio(0, 1), Combine("+", 2, 0)), ()),
        ((Look("a"),), ("5", "7")),
    ],
    ids=["negative", "no whole quotient", "zero over", "over zero", "a fraction is no operand", "no option"],
)
def test_what_leads_nowhere_is_unsolvable(plan: Plan, choices: tuple[str, ...]) -> None:
    with pytest.raises(Unsolvable):
        execute(plan, {"a": 6, "b": 8, "zero": 0}, choices)
