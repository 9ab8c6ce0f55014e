"""The mistakes a solver makes: one of each kind that models make (the paper's Figure 4), planted in a plan's execution.

    vision       a value on the picture is misread
    question     another value than the one asked for is read, or the largest is taken for the smallest
    reasoning    the wrong operation, or the wrong option
    knowledge    a wrong constant: the angles of a triangle taken to add to 360
    calculation  a slip in an operation

The step that is spoilt stays readable, and every later step goes on from it, as a person's would.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from math import gcd
from typing import Literal

from mathse.synthetic.figures import LARGEST_NUMBER, Figure
from mathse.synthetic.plans import Unsolvable, execute
from mathse.synthetic.steps import Calc, Extreme, Op, Pick, Read, Reduce, Step, write_solution

_TRIES = 20


class Mistake(StrEnum):
    """What went wrong in a step."""

    VISION = "vision"
    QUESTION = "question"
    REASONING = "reasoning"
    KNOWLEDGE = "knowledge"
    CALCULATION = "calculation"


def wrong_solution(figure: Figure, rng: random.Random) -> str | None:
    """Solve a figure with one mistake in it.

    Args:
        rng: Chooses the step and the kind of mistake.

    Returns:
        The written solution, or None if no mistake could be made that leads to another solution.
    """
    for _ in range(_TRIES):
        kind = rng.choice(list(Mistake))
        places = [place for place, step in enumerate(figure.steps) if _spoils(kind, step, figure)]
        if not places:
            continue
        chosen = rng.choice(places)

        def tamper(place: int, step: Step, chosen: int = chosen, kind: Mistake = kind) -> Step:
            return _SPOILERS[kind](step, figure, rng) if place == chosen else step

        try:
            steps, answer = execute(figure.plan, figure.readings, figure.choices, tamper)
        except Unsolvable:
            continue
        results = [step.result for step in steps if isinstance(step, Calc | Extreme)]
        if answer != figure.answer and max(results, default=0) <= LARGEST_NUMBER:
            return write_solution(steps, answer)
    return None


def _spoils(kind: Mistake, step: Step, figure: Figure) -> bool:
    """Whether a mistake of this kind can be made in a step."""
    match kind, step:
        case (
            (Mistake.VISION, Read())
            | (Mistake.QUESTION, Extreme())
            | (Mistake.REASONING, Calc() | Pick())
            | (Mistake.KNOWLEDGE, Calc(left=180))
            | (Mistake.CALCULATION, Calc() | Extreme() | Reduce())
        ):
            return True
        case Mistake.QUESTION, Read():
            return len(figure.readings) > 1
    return False


def _misread(step: Step, figure: Figure, rng: random.Random) -> Step:
    if not isinstance(step, Read):
        return step
    others = [value for value in figure.readings.values() if value != step.value]
    if others and rng.random() < 0.3:
        return replace(step, value=rng.choice(others))
    shift = rng.choice((-10, -5, -3, -2, -1, 1, 2, 3, 5, 10))
    return replace(step, value=abs(step.value + shift))


def _misunderstand(step: Step, figure: Figure, rng: random.Random) -> Step:
    if isinstance(step, Extreme):
        other: Literal["largest", "smallest"] = "smallest" if step.which == "largest" else "largest"
        flipped = replace(step, which=other)
        return replace(flipped, result=flipped.true_result)
    if not isinstance(step, Read):
        return step
    name, value = rng.choice([(name, value) for name, value in figure.readings.items() if name != step.name])
    return Read(name, value)


def _misreason(step: Step, figure: Figure, rng: random.Random) -> Step:
    if isinstance(step, Pick):
        letters = [chr(ord("A") + place) for place in range(len(figure.choices))]
        return replace(step, letter=rng.choice([letter for letter in letters if letter != step.letter]))
    if not isinstance(step, Calc):
        return step
    swapped: dict[Op, Op] = {"+": "-", "-": "+", "×": "+", "÷": "×"}
    low, high = sorted((step.left, step.right))
    changed = Calc(high, swapped[step.op], low, 0)
    result = changed.true_result
    return step if result is None else replace(changed, result=result)


def _misremember(step: Step, figure: Figure, rng: random.Random) -> Step:
    if not isinstance(step, Calc) or step.right > 90:
        return step
    return Calc(90, "-", step.right, 90 - step.right)


def _miscalculate(step: Step, figure: Figure, rng: random.Random) -> Step:
    if isinstance(step, Extreme):
        others = [value for value in step.values if value != step.result]
        return replace(step, result=rng.choice(others)) if others else step
    if isinstance(step, Reduce):
        top = step.reduced_top + rng.choice((-1, 1, 2))
        bottom = step.reduced_bottom
        return replace(step, reduced_top=top, reduced_bottom=bottom) if top > 0 and gcd(top, bottom) == 1 else step
    if not isinstance(step, Calc):
        return step
    return replace(step, result=abs(step.result + rng.choice((-10, -2, -1, 1, 2, 10))))


_SPOILERS: Mapping[Mistake, Callable[[Step, Figure, random.Random], Step]] = {
    Mistake.VISION: _misread,
    Mistake.QUESTION: _misunderstand,
    Mistake.REASONING: _misreason,
    Mistake.KNOWLEDGE: _misremember,
    Mistake.CALCULATION: _miscalculate,
}
