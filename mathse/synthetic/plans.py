"""How a problem is solved: a small program over readings, executed with or without a mistake.

A plan is a tuple of moves. Each move makes one step and one value; later moves refer to earlier values by position, so
a mistake runs through the rest of the solution just as it does when a person makes it.

    Look("angle A"), Look("angle B"), Combine("+", 0, 1), Combine("-", Given(180), 2)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Literal

from mathse.synthetic.steps import Calc, Extreme, Op, Pick, Read, Reduce, Step, outcome


@dataclass(frozen=True)
class Given:
    """A value that comes from knowledge or from the question, not from the picture."""

    value: int


Ref = int | Given
"""A move's position in the plan, or a given value."""


@dataclass(frozen=True)
class Look:
    """Read a value off the picture."""

    name: str


@dataclass(frozen=True)
class Combine:
    """Calculate with two values; the larger comes first if `ordered` (for a difference)."""

    op: Op
    left: Ref
    right: Ref
    ordered: bool = False


@dataclass(frozen=True)
class Best:
    """Take the largest or smallest of some values."""

    which: Literal["largest", "smallest"]
    of: tuple[int, ...]


@dataclass(frozen=True)
class Ratio:
    """Write one value over another in lowest terms."""

    top: int
    bottom: int


Move = Look | Combine | Best | Ratio
Plan = tuple[Move, ...]
Value = int | Fraction | str
Tamper = Callable[[int, Step], Step]
"""Changes the step at a position before its value is used: how mistakes are made."""


class Unsolvable(ValueError):
    """The plan does not lead to an answer with these readings (a mistake may lead there)."""


def execute(
    plan: Plan, readings: Mapping[str, int], choices: Sequence[str] = (), tamper: Tamper | None = None
) -> tuple[list[Step], str]:
    """Carry a plan out.

    Args:
        readings: What the picture shows, by name.
        choices: The options' values; the last step then picks the option.
        tamper: Changes steps as they are made.

    Returns:
        The steps and the answer (a value, or an option's letter).

    Raises:
        Unsolvable: A step has no integer result, or no option holds the value.
    """
    steps: list[Step] = []
    values: list[Value] = []
    for position, move in enumerate(plan):
        step = _step(move, values, readings)
        step = tamper(position, step) if tamper else step
        steps.append(step)
        values.append(outcome(step))
    answer = str(values[-1])
    if choices:
        if answer not in choices:
            raise Unsolvable(f"no option is {answer}")
        step = Pick(answer, chr(ord("A") + list(choices).index(answer)))
        steps.append(tamper(len(plan), step) if tamper else step)
        answer = str(outcome(steps[-1]))
    return steps, answer


def _step(move: Move, values: Sequence[Value], readings: Mapping[str, int]) -> Step:
    match move:
        case Look(name):
            return Read(name, readings[name])
        case Combine(op, left, right, ordered):
            a, b = _whole(left, values), _whole(right, values)
            a, b = (max(a, b), min(a, b)) if ordered else (a, b)
            result = Calc(a, op, b, 0).true_result
            if result is None or result < 0:
                raise Unsolvable(f"{a} {op} {b} is not a whole number")
            return Calc(a, op, b, result)
        case Best(which, of):
            of_values = tuple(_whole(ref, values) for ref in of)
            return Extreme(which, of_values, max(of_values) if which == "largest" else min(of_values))
        case Ratio(top, bottom):
            a, b = _whole(top, values), _whole(bottom, values)
            if a == 0 or b == 0:
                raise Unsolvable(f"{a} over {b} is no proper fraction")
            shared = gcd(a, b)
            return Reduce(a, b, a // shared, b // shared)


def _whole(ref: Ref, values: Sequence[Value]) -> int:
    value = ref.value if isinstance(ref, Given) else values[ref]
    if not isinstance(value, int):
        raise Unsolvable(f"{value} is not a whole number")
    return value
