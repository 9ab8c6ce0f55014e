"""Whether two ratios, or times of day, are the same; a ratio of two parts is also its quotient."""

import math
import re
from fractions import Fraction

from mathse.answers.evaluate import close
from mathse.answers.quantities import same_quantity
from mathse.answers.values import Quantity, Ratio, Value

_TIME = re.compile(r"(?:1?\d|2[0-3]):[0-5]\d")
_HALF_DAY = re.compile("[ap]m$")


def same_ratio(one: Value, other: Value) -> bool:
    """Whether two values, at least one of them a ratio, are the same."""
    if isinstance(one, Ratio) and isinstance(other, Ratio):
        return _same_ratios(one, other)
    ratio, number = (one, other) if isinstance(one, Ratio) else (other, one)
    if not isinstance(ratio, Ratio) or not isinstance(number, Quantity):
        return False
    if len(ratio.parts) != 2 or ratio.parts[1] == 0 or _is_time(ratio):
        return False
    if number.unit is not None and number.unit.dimension != "percent^1":
        return False
    return same_quantity(Quantity(ratio.parts[0] / ratio.parts[1]), number)


def _same_ratios(one: Ratio, other: Ratio) -> bool:
    times = [_HALF_DAY.sub("", ratio.text) for ratio in (one, other)]
    if times[0] == times[1]:
        return one.text == other.text or one.text in times or other.text in times
    if all(_TIME.fullmatch(time) for time in times):
        return False
    zero = not one.parts or not other.parts or 0 in one.parts or 0 in other.parts
    if zero or len(one.parts) != len(other.parts):
        return False
    return all(close(a * other.parts[0], b * one.parts[0]) for a, b in zip(one.parts, other.parts, strict=True))


def _is_time(ratio: Ratio) -> bool:
    """Whether a ratio looks like a time of day and would not be left like this: `12:30`, but not `7:12`."""
    parts = [part.numerator for part in ratio.parts if isinstance(part, Fraction)]
    return _TIME.fullmatch(ratio.text) is not None and math.gcd(*parts) > 1
