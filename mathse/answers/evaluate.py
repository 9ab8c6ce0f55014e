r"""The value of an expression's tree: exact where it is rational, to two hundred digits where it is not.

Every operation that could grow without bound (powers, factorials, binomials) is checked before it is done, so that
`9^{9^{9^9}}` is refused at once. What cancels down to its last digits is zero (`\sin \pi`), so that two values are
one only if their digits are, however small they are: `e^{-31}` is not `e^{-30}`.

Expressions with symbols are compared at fixed points; two expressions of school size that agree at all of them to so
many digits are the same one, for all that can happen here (a polynomial that is not zero has few roots: Schwartz and
Zippel's lemma). Those with branches (roots, bars, logarithms) may agree on one side of a branch alone (`\sqrt{x^2}` is
`x` for a length, and not for any number): that is for no rule to decide.
"""

import math
import operator
import zlib
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from mpmath.ctx_mp import MPContext
from mpmath.libmp import from_rational

from mathse.answers.expression import Tree, Unreadable, resolved, symbols

Irrational = Any
"""A number of `mpmath`, which has no types: `mpf` on the line, `mpc` off it."""
Real = Fraction | float | Irrational
"""A float is infinite."""
Number = Fraction | float | Irrational

_MP: Any = MPContext()
_MP.dps = 200
_convert_number = _MP.mpf.mpf_convert_rhs


def _convert(cls: Any, number: Any) -> Any:
    """What mpmath's numbers make of another that they are compared with: a Fraction too, in this module's context."""
    if isinstance(number, Fraction):
        return from_rational(number.numerator, number.denominator, _MP.prec)
    return _convert_number(number)


_MP.mpf.mpf_convert_rhs = classmethod(_convert)

LARGEST_BITS = 20_000
LARGEST_FACTORIAL = 1_000
_LARGEST_EXPONENT = 10**6
"""Of two, in a value that is not rational."""
_LARGEST_ARGUMENT = 10**6
"""Of a function such as the sine."""
_NOISE = _MP.mpf(10) ** -180
"""What is left of a sum or a function, relative to what went into it, when it has cancelled."""
CLOSE = _MP.mpf(10) ** -160
"""Relative difference below which two irrational values are one: far above rounding, far below any mistake."""
PI = _MP.mpf(_MP.pi)

_MOST_SIGNS = 3
"""Symbols whose signs are tried in every pattern; others follow these."""

_CONSTANTS: dict[str, Number] = {"π": PI, "e": _MP.mpf(_MP.e), "i": _MP.mpc(0, 1), "∞": math.inf}
_BRANCHING = frozenset("abs sqrt root max min gcd lcm ln log lg arcsin arccos arctan".split())


class TooLarge(Unreadable):
    """A value that nobody needs and that would take long to work out."""


class Ambiguous(Exception):
    """Two values are the same in one reading and not in another, and no rule says which one is meant."""


def evaluate(tree: Tree, values: Mapping[str, Number] | None = None, real: bool = False) -> Number:
    """The value of a tree under an assignment of its symbols.

    Args:
        tree: Of `expression.parse`, without `±`.
        values: By symbol; constants (`π`, `e`, `i`) need none.
        real: No step may leave the real numbers.

    Raises:
        Unreadable: It has a symbol without a value, or no value there (a division by zero, a logarithm of zero).
        TooLarge: A power or factorial would be too large.
    """
    try:
        return _value(tree, values or {}, real)
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"no value: {error}") from error


def is_complex(value: Number) -> bool:
    """Whether a number has no place on the line."""
    return isinstance(value, _MP.mpc)


def close(first: Number, second: Number) -> bool:
    """Whether two values are one: exactly for rationals, to `CLOSE` where one is not rational."""
    if first == second or (isinstance(first, Fraction) and isinstance(second, Fraction)):
        return bool(first == second)
    return _differ_by_noise(_inexact(first), _inexact(second), CLOSE)


def _differ_by_noise(first: Any, second: Any, noise: Any) -> bool:
    size = max(abs(first), abs(second))
    return bool(size != math.inf and abs(first - second) <= noise * size)


def same_expression(first: Tree, second: Tree) -> bool | None:
    """Whether two trees have the same value wherever their symbols are put; None where that cannot be told.

    Raises:
        TooLarge: A power or factorial would be too large.
        Ambiguous: They have the same value for small positive numbers, and not for others.
    """
    first, second = resolved(first, second)
    names = sorted(symbols(first) | symbols(second))
    if not names:
        return close(evaluate(first), evaluate(second))
    if symbols(first) != symbols(second) and len(names) > len(symbols(first) & symbols(second)) + 6:
        return False
    pairs = value_pairs(first, second, points(names))
    if not all(close(*pair) for pair in pairs):
        return False
    far = far_points(names) if has_branches(first) or has_branches(second) else []
    if not all(close(*pair) for pair in value_pairs(first, second, far, real=True)):
        raise Ambiguous("the same for some values of its symbols, not for others")
    return True if pairs else None


def value_pairs(
    first: Tree, second: Tree, places: Sequence[Mapping[str, Number]], real: bool = False
) -> list[tuple[Number, Number]]:
    """The values of two trees at those places where both have one.

    Args:
        real: Leave out places where a step leaves the real numbers, or is too large.

    Raises:
        TooLarge: A power or factorial would be too large.
    """
    pairs = []
    for place in places:
        try:
            pairs.append((evaluate(first, place, real), evaluate(second, place, real)))
        except TooLarge:
            if not real:
                raise
        except Unreadable:
            continue
    return pairs


def points(names: list[str]) -> list[dict[str, Number]]:
    """Fixed assignments of positive numbers to names, so that `√(1/n)` is `1/√n`.

    A coordinate lies between 0.5 and 2.5, is the same on every machine, and has no pattern between symbols.
    """
    return [{name: _coordinate(turn, name) for name in names} for turn in range(3)]


def far_points(names: list[str]) -> list[dict[str, Number]]:
    """Fixed assignments of numbers of any size, with every pattern of signs of the first symbols."""
    return [
        {
            name: (-1 if signs >> place % _MOST_SIGNS & 1 else 1) * size * _coordinate(f"far {signs} {size}", name)
            for place, name in enumerate(names)
        }
        for signs in range(2 ** min(len(names), _MOST_SIGNS))
        for size in (1, 8, 30)
    ]


@lru_cache(maxsize=1024)
def _coordinate(turn: int | str, name: str) -> Number:
    return _MP.mpf(0.5 + 2 * zlib.crc32(f"{turn} {name}".encode()) / 2**32)


def has_branches(tree: Tree) -> bool:
    """Whether a tree may have one form for some values of its symbols and another for others."""
    if not isinstance(tree, tuple):
        return False
    operation, *operands = tree
    if operation in _BRANCHING and symbols(tree):
        return True
    if operation == "^" and not (isinstance(operands[1], Fraction) and operands[1].denominator == 1):
        return bool(symbols(operands[0]))
    return any(map(has_branches, operands))


def _value(tree: Tree, values: Mapping[str, Number], real: bool) -> Number:
    if isinstance(tree, Fraction):
        return tree
    if isinstance(tree, str):
        result = values.get(tree, _CONSTANTS.get(tree))
        if result is None:
            raise Unreadable(f"no value for {tree}")
    else:
        operands = [_value(operand, values, real) for operand in tree[1:]]
        work = _OPERATIONS.get(str(tree[0]))
        if work is None:
            raise Unreadable(f"no value: {tree[0]}")
        result = work(*operands)
    if real and is_complex(result):
        raise Unreadable("not real")
    return result


def _inexact(value: Number) -> Any:
    if isinstance(value, Fraction):
        numerator = _MP.mpf(value.numerator)
        return numerator if value.denominator == 1 else numerator / value.denominator
    return _MP.mpf(value) if isinstance(value, float) else value


def _rational(operation: Callable[[Any, Any], Any]) -> Callable[..., Number]:
    """An operation that stays exact on rationals."""

    def work(first: Number, second: Number) -> Number:
        if isinstance(first, Fraction) and isinstance(second, Fraction):
            exact: Fraction = operation(first, second)
            if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > LARGEST_BITS:
                raise TooLarge("too large a number")
            return exact
        return operation(_inexact(first), _inexact(second))

    return work


def _sum(first: Any, second: Any) -> Any:
    """A sum, which is zero if its summands cancel but for rounding."""
    total = first + second
    return Fraction(0) if not isinstance(total, Fraction) and _differ_by_noise(first, -second, _NOISE) else total


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
    base, exponent = _finite(_inexact(base)), _finite(_inexact(exponent))
    if base != 0 and abs(exponent) * (abs(_MP.mag(base)) + 1) > _LARGEST_EXPONENT:
        raise TooLarge("too large a power")
    if isinstance(exponent, _MP.mpf) and _MP.isint(exponent):
        exponent = int(exponent)
    return _finite(base**exponent)


def _finite(value: Any) -> Any:
    if not _MP.isfinite(value):
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
    return _MP.sqrt(_inexact(value))


def _root(value: Number, degree: Number) -> Number:
    if isinstance(degree, Fraction) and degree.denominator == 1 and degree > 0:
        if isinstance(value, _MP.mpf) and value < 0 and degree % 2 == 1:
            return -_power(-value, 1 / degree)
        return _power(value, 1 / degree)
    return _power(value, 1 / _inexact(degree))


def _small_whole(value: Number) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise Unreadable("not a whole number")
    if value > LARGEST_FACTORIAL:
        raise TooLarge("too large a factorial")
    return value.numerator


def _logarithm(value: Number, base: Number | None = None) -> Number:
    if base is None:
        return _function(_MP.log)(value)
    result = _divided(_function(_MP.log)(value), _function(_MP.log)(base))
    if isinstance(value, Fraction) and isinstance(base, Fraction) and not is_complex(result):
        whole = round(result)  # `\log_2 8` is 3, and no number near 3
        if abs(whole) < LARGEST_FACTORIAL and abs(result - whole) < CLOSE and base**whole == value:
            return Fraction(whole)
    return result


def _whole(operation: Callable[[int, int], int]) -> Callable[..., Number]:
    """An operation on any number of whole numbers."""

    def work(*values: Number) -> Number:
        numbers = [value.numerator for value in values if isinstance(value, Fraction) and value.denominator == 1]
        if len(numbers) != len(values) or not numbers:
            raise Unreadable("not whole numbers")
        return Fraction(reduce(operation, numbers))

    return work


def _function(function: Callable[[Any], Any]) -> Callable[[Number], Number]:
    """A function whose value is zero if nothing but rounding keeps it from it."""

    def work(value: Number) -> Number:
        argument = _finite(_inexact(value))
        if abs(argument) > _LARGEST_ARGUMENT and function is not _MP.log:
            raise TooLarge("too large an argument")
        result = _finite(function(argument))
        return Fraction(0) if abs(result) < _NOISE else result

    return work


_sine, _cosine = _function(_MP.sin), _function(_MP.cos)
_divided = _rational(operator.truediv)
_OPERATIONS: dict[str, Callable[..., Number]] = {
    "+": _rational(_sum),
    "*": _rational(operator.mul),
    "segment": _rational(operator.mul),
    "/": _divided,
    "-": operator.neg,
    "^": _power,
    "sqrt": _sqrt,
    "root": _root,
    "abs": abs,
    "!": lambda value: Fraction(math.factorial(_small_whole(value))),
    "binom": lambda above, below: Fraction(math.comb(_small_whole(above), _small_whole(below))),
    "deg": lambda value: _inexact(value) * PI / 180,
    "ln": _logarithm,
    "log": _logarithm,
    "lg": lambda value: _logarithm(value, Fraction(10)),
    "exp": lambda value: _power(_CONSTANTS["e"], value),
    "max": max,
    "min": min,
    "gcd": _whole(math.gcd),
    "lcm": _whole(math.lcm),
    "sin": _sine,
    "cos": _cosine,
    "tan": lambda value: _divided(_sine(value), _cosine(value)),
    "cot": lambda value: _divided(_cosine(value), _sine(value)),
    "sec": lambda value: _divided(Fraction(1), _cosine(value)),
    "csc": lambda value: _divided(Fraction(1), _sine(value)),
    "arcsin": _function(_MP.asin),
    "arccos": _function(_MP.acos),
    "arctan": _function(_MP.atan),
    "sinh": _function(_MP.sinh),
    "cosh": _function(_MP.cosh),
    "tanh": _function(_MP.tanh),
}
