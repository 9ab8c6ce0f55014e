"""The value of an expression's tree: exact where it is rational, a float (or complex) where it is not.

Every operation that could grow without bound (powers, factorials, binomials) is checked before it is done, so that
`9^{9^{9^9}}` is refused at once. Expressions with symbols are compared at fixed points with positive coordinates; two
expressions of school size that agree at all of them to nine digits are the same one, for all that can happen here
(a polynomial that is not zero has few roots: Schwartz and Zippel's lemma).
"""

import cmath
import math
import operator
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

from mathse.answers.expression import Tree, Unreadable, symbols

Number = Fraction | float | complex

LARGEST_BITS = 20_000
LARGEST_FACTORIAL = 1_000
CLOSE = 1e-9
"""Relative difference below which two irrational values are one: far above rounding, far below a mistake."""

_POINTS = 3
"""How often expressions with symbols are compared."""
_CONSTANTS: dict[str, Number] = {"π": math.pi, "e": math.e, "i": 1j, "∞": math.inf}


class TooLarge(Unreadable):
    """A value that nobody needs and that would take long to work out."""


def evaluate(tree: Tree, values: Mapping[str, Number] | None = None) -> Number:
    """The value of a tree under an assignment of its symbols.

    Args:
        tree: Of `expression.parse`, without `±`.
        values: By symbol; constants (`π`, `e`, `i`) need none.

    Raises:
        Unreadable: It has a symbol without a value, or no value there (a division by zero, a logarithm of zero).
        TooLarge: A power or factorial would be too large.
    """
    try:
        return _value(tree, values or {})
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"no value: {error}") from error


def close(first: Number, second: Number) -> bool:
    """Whether two values are one: exactly for rationals, to `CLOSE` where one is not rational."""
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return first == second
    return cmath.isclose(_inexact(first), _inexact(second), rel_tol=CLOSE, abs_tol=1e-12)


def same_expression(first: Tree, second: Tree) -> bool | None:
    """Whether two trees have the same value wherever their symbols are put; None where that cannot be told.

    Raises:
        TooLarge: A power or factorial would be too large.
    """
    names = sorted(symbols(first) | symbols(second))
    if not names:
        return close(evaluate(first), evaluate(second))
    if symbols(first) != symbols(second) and len(names) > len(symbols(first) & symbols(second)) + 6:
        return False
    compared = 0
    # Negative coordinates tell `|x|` from `x`.
    for point in points(names, negative=_has_bars(first) or _has_bars(second)):
        try:
            values = evaluate(first, point), evaluate(second, point)
        except TooLarge:
            raise
        except Unreadable:
            continue
        if not close(*values):
            return False
        compared += 1
    return True if compared else None


def points(names: list[str], negative: bool = False) -> list[dict[str, Number]]:
    """Fixed assignments of positive numbers to names (so that `√(1/n)` is `1/√n`), and one of negative ones if wanted.

    A coordinate lies between 0.5 and 2.5, is the same on every machine, and has no pattern between symbols.
    """
    signs = [1] * _POINTS + ([-1] if negative else [])
    return [
        {name: sign * (0.5 + 2 * zlib.crc32(f"{turn} {name}".encode()) / 2**32) for name in names}
        for turn, sign in enumerate(signs)
    ]


def _has_bars(tree: Tree) -> bool:
    return isinstance(tree, tuple) and (tree[0] == "abs" or any(map(_has_bars, tree[1:])))


def _value(tree: Tree, values: Mapping[str, Number]) -> Number:
    if isinstance(tree, Fraction):
        return tree
    if isinstance(tree, str):
        value = values.get(tree, _CONSTANTS.get(tree))
        if value is None:
            raise Unreadable(f"no value for {tree}")
        return value
    operation = tree[0]
    operands = [_value(operand, values) for operand in tree[1:]]
    if work := _OPERATIONS.get(str(operation)):
        return work(*operands)
    if function := _FUNCTIONS.get(str(operation)):
        result = complex(_finite(function(complex(_inexact(operands[0])))))
        return result.real if abs(result.imag) < 1e-15 else result
    raise Unreadable(f"no value: {operation}")


def _inexact(value: Number) -> complex | float:
    try:
        return float(value) if isinstance(value, Fraction) else value
    except OverflowError as error:
        raise TooLarge("too large a number") from error


def _rational(operation: Callable[[Any, Any], Any]) -> Callable[..., Number]:
    """An operation that stays exact on rationals."""

    def work(first: Number, second: Number) -> Number:
        if isinstance(first, Fraction) and isinstance(second, Fraction):
            exact: Fraction = operation(first, second)
            if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > LARGEST_BITS:
                raise TooLarge("too large a number")
            return exact
        inexact: Number = operation(_inexact(first), _inexact(second))
        return inexact

    return work


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(exponent.numerator) * size > LARGEST_BITS:
                raise TooLarge("too large a power")
            return base**exponent.numerator
        if base >= 0 and (root := _exact_root(base, exponent.denominator)) is not None:
            return _power(root, Fraction(exponent.numerator))
        # School's cube root of -8 is -2, not the principal one, which is complex.
        if base < 0 and exponent.denominator % 2 == 1 and exponent.denominator < 100:
            return -_inexact(_power(-base, exponent)) if exponent.numerator % 2 else _power(-base, exponent)
    return _finite(_inexact(base) ** _inexact(exponent))


def _finite(value: complex | float) -> complex | float:
    if not cmath.isfinite(value):
        raise Unreadable("not finite")
    return value


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The rational root of a rational number that is not negative, if it has one."""
    roots = []
    for part in (value.numerator, value.denominator):
        if degree == 2:
            root = math.isqrt(part)
        elif degree <= 64 and part.bit_length() <= 1_000:
            root = round(part ** (1 / degree))
        else:
            return None
        if root**degree != part:
            return None
        roots.append(root)
    return Fraction(*roots)


def _sqrt(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0 and (root := _exact_root(value, 2)) is not None:
        return root
    inexact = _inexact(value)
    return math.sqrt(inexact) if isinstance(inexact, float) and inexact >= 0 else cmath.sqrt(inexact)


def _root(value: Number, degree: Number) -> Number:
    if isinstance(degree, Fraction) and degree.denominator == 1 and degree > 0:
        return _power(value, 1 / degree)
    return _finite(_inexact(value) ** (1 / _inexact(degree)))


def _small_whole(value: Number) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise Unreadable("not a whole number")
    if value > LARGEST_FACTORIAL:
        raise TooLarge("too large a factorial")
    return value.numerator


def _logarithm(value: Number, base: Number = math.e) -> Number:
    if isinstance(value, Fraction) and isinstance(base, Fraction) and value > 0 and base > 0 and base != 1:
        rough = _log(value) / _log(base)
        if abs(rough - round(rough)) < CLOSE and abs(rough) < LARGEST_FACTORIAL and base ** round(rough) == value:
            return Fraction(round(rough))
        return rough
    result = cmath.log(_inexact(value)) / cmath.log(_inexact(base))
    return result.real if result.imag == 0 else result


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def _whole(operation: Callable[[int, int], int]) -> Callable[..., Number]:
    """An operation on any number of whole numbers."""

    def work(*values: Number) -> Number:
        numbers = [value.numerator for value in values if isinstance(value, Fraction) and value.denominator == 1]
        if len(numbers) != len(values) or not numbers:
            raise Unreadable("not whole numbers")
        return Fraction(reduce(operation, numbers))

    return work


_OPERATIONS: dict[str, Callable[..., Number]] = {
    "+": _rational(operator.add),
    "*": _rational(operator.mul),
    "/": _rational(operator.truediv),
    "-": operator.neg,
    "^": _power,
    "sqrt": _sqrt,
    "root": _root,
    "abs": abs,
    "!": lambda value: Fraction(math.factorial(_small_whole(value))),
    "binom": lambda above, below: Fraction(math.comb(_small_whole(above), _small_whole(below))),
    "deg": lambda value: _inexact(value) * math.pi / 180,
    "ln": _logarithm,
    "log": _logarithm,
    "lg": lambda value: _logarithm(value, Fraction(10)),
    "exp": lambda value: _power(math.e, value),
    "max": max,
    "min": min,
    "gcd": _whole(math.gcd),
    "lcm": _whole(math.lcm),
}
_FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan, "arcsin": cmath.asin, "arccos": cmath.acos,
    "arctan": cmath.atan, "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "cot": lambda z: 1 / cmath.tan(z), "sec": lambda z: 1 / cmath.cos(z), "csc": lambda z: 1 / cmath.sin(z),
}  # fmt: skip
