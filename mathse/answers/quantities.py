"""Whether two numbers with their units are the same: conversion, percent, degrees, rounding.

A unit that is missing fits any; percent is read both ways (`50 %` is `50` and `0.5`), since gold answers are written
both ways. Rounding is allowed where the problem or the gold says so, and for decimals with a calculator's many digits.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from mathse.answers.evaluate import Number, close
from mathse.answers.units import Unit
from mathse.answers.values import Quantity

_MOST_PLACES = 100
_LONG_DECIMAL = 10
"""Significant digits from which a decimal is what a calculator showed of a value, not a rounded answer."""

Pair = tuple[Number, Number]


@dataclass(frozen=True)
class Tolerance:
    """How two values may differ: by half a unit of this decimal place; None: not at all."""

    places: int | None = None


EXACT = Tolerance()


def same_quantity(gold: Quantity, answer: Quantity, tolerance: Tolerance = EXACT) -> bool:
    """Whether two quantities are the same, in units that convert, to the tolerance or the gold's own `≈`."""
    places = tolerance.places
    if places is None and gold.about:
        places = gold.places
    return any(_near(one, other, gold, answer, places) for one, other in _comparable(gold, answer))


def _comparable(gold: Quantity, answer: Quantity) -> list[Pair]:
    """Values of both in one unit; none if their units are of different kinds; two for a percentage."""
    one, other = gold.unit, answer.unit
    percent = [unit is not None and unit.dimension == "percent^1" for unit in (one, other)]
    if one is None or other is None:
        unit, value, plain = (one, gold.value, answer.value) if other is None else (other, answer.value, gold.value)
        plain_pair: list[Pair] = [(gold.value, answer.value)]
        if any(percent):
            # `0.5` is 50 %, and not half a percent; `50` is 50 %.
            is_share = isinstance(plain, Fraction) and 0 < abs(plain) < 1
            return [(value / 100, plain)] if is_share else [*plain_pair, (value / 100, plain)]
        if unit is not None and unit.dimension == "degree^1" and not isinstance(plain, Fraction):
            return [*plain_pair, (value * math.pi / 180, plain)]
        return plain_pair
    if one.dimension == other.dimension:
        return (
            [(gold.value, answer.value)] if one == other else [(gold.value * one.factor, answer.value * other.factor)]
        )
    if {one.dimension, other.dimension} == {"degree^1", "radian^1"}:
        degrees, radians = (gold, answer) if one.dimension == "degree^1" else (answer, gold)
        return [(degrees.value * math.pi / 180, radians.value)]
    return [(gold.value, answer.value)] if _loosely_same(one, other) else []


def _loosely_same(one: Unit, other: Unit) -> bool:
    """Counted things of which one names the other more fully (`sequences`, `arithmetic sequences`), or `units`."""
    if "unit^1" in (one.dimension, other.dimension):
        return True
    if one.known or other.known:
        return False
    return one.dimension.split()[-1] == other.dimension.split()[-1]


def _near(one: object, other: object, gold: Quantity, answer: Quantity, places: int | None) -> bool:
    if close(one, other):  # type: ignore[arg-type]
        return True
    if isinstance(one, complex) or isinstance(other, complex):
        return False
    difference = abs(one - other)  # type: ignore[operator]
    if places is not None and difference <= Fraction(10) ** -min(places, _MOST_PLACES) / 2 * (1 + Fraction(1, 10**9)):
        return True
    return _is_calculated(gold, answer, difference) or _is_calculated(answer, gold, difference)


def _is_calculated(decimal: Quantity, other: Quantity, difference: Fraction | float) -> bool:
    """Whether one is the other's value with all the digits that a calculator shows."""
    if decimal.digits < _LONG_DECIMAL or decimal.places is None or other.places is not None:
        return False
    return difference <= Fraction(1, 10**decimal.places)
