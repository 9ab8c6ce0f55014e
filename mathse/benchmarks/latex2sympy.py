r"""The value that MATH-Vision's official script finds in an answer by way of latex2sympy2, without its `eval`.

Its `is_equal` turns an answer into Python source through the package latex2sympy2 and executes that. What matters of
the package's grammar is read here directly, and worked out with Python's own numbers while it is read. Verdicts depend
on what a reader of mathematics would call mistakes, so `mathse.answers.expression` does not serve here (with it, 53 of
18,240 published verdicts came out otherwise):

- `6\frac{1}{2}` is 6 times a half, `5 6` is 30, `2:3` and `21:30` are quotients, angles are radians;
- a product without a sign binds more closely than `/`: `2/3\pi` is 2 / (3 pi);
- reading stops at a sign that cannot continue the expression: `20.since` is 20, `1)` is 1;
- arguments need braces: `\frac{\pi}7` and `\sqrt3` have no value; nor has anything with a letter or a unit.

Sample: `value(r"\frac{1}{2}\sqrt{3}")`  ->  `0.866...`; `value("5cm")`  ->  `None`
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction

Number = int | float

LONGEST = 10_000
"""Tokens. A longer expression is a runaway generation; it has no value."""
DEEPEST = 50
LARGEST_BITS = 50_000
LARGEST_FACTORIAL = 1_000

_REWRITTEN = (
    (r"\dfrac", r"\frac"), (r"\tfrac", r"\frac"), (r"\displaystyle", " "), (r"\quad", " "), ("~", " "), (r"\,", " "),
    ("$", " "), (r"\bigl(", "("), (r"\bigr)", ")"), (r"\left", ""), (r"\right)", ")"), (r"\right]", "]"),
    (r"\right\}", r"\}"),
)  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?P<percent>\\%)?"
    r"|(?P<stop>[.)\]}_&']|\\\\|\\\}|\\(?:rightarrow|to|choose)(?![a-z])"
    r"|arc?(?:sinh|cosh|tanh)|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diag|norm|rank|tr(?:ace)?|rref|[hv]stack"
    r"|nullspace|svd|eig|[pbv]?matrix)"
    r"|(?P<command>\\[a-z]+)|(?P<sign>[-+*/^!:(\[{=]|\\\{)|(?P<letter>[a-z]))"
)
_EQUALS = re.compile(r"\s*=")
_CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}"}
_TIMES, _OVER = {"*", r"\cdot", r"\times"}, {"/", ":", r"\div"}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    r"\sin": math.sin, r"\cos": math.cos, r"\tan": math.tan, r"\arcsin": math.asin, r"\arccos": math.acos,
    r"\arctan": math.atan, r"\sinh": math.sinh, r"\cosh": math.cosh, r"\tanh": math.tanh, r"\exp": math.exp,
    r"\log": lambda value: math.log(value, 10),
}  # fmt: skip


def value(text: str) -> Number | None:
    """The value of an answer in lower case; None where the official script would find none.

    Args:
        text: LaTeX or plain. A whole number is an `int`, anything divided or irrational a `float`.
    """
    for written, meant in _REWRITTEN:
        text = text.replace(written, meant)
    try:
        return _Reader(text).relation()
    except (ValueError, ArithmeticError):
        return None


class _Reader:
    """Reads and calculates from left to right; raises ValueError where there is no value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._tokens = 0
        self._depth = 0
        self._advance()

    def _advance(self) -> None:
        """Look at the next token: its kind and text; kind `end` at the end, None where no token begins."""
        self._tokens += 1
        if self._tokens > LONGEST:
            raise ValueError("too long")
        match = _TOKEN.match(self._text, self._place)
        if match:
            self._kind, self._place = match.lastgroup, match.end()
            self._token = match[0].strip()
        else:
            self._kind = None if self._text[self._place :].strip() else "end"
            self._token = ""

    def _take(self, expected: str | None = None) -> str:
        token = self._token
        if expected is not None and token != expected:
            raise ValueError(f"expected {expected}, found {token or 'no sign'}")
        self._advance()
        return token

    def relation(self) -> Number:
        """An expression, perhaps after `x =`; what follows it must be a sign at which reading may stop."""
        while self._kind == "letter" and _EQUALS.match(self._text, self._place):
            self._take()
            self._take("=")
        total = self._sum()
        if self._kind not in ("stop", "end"):
            raise ValueError(f"unexpected {self._token}")
        return total

    def _sum(self) -> Number:
        total = self._product()
        while self._token in ("+", "-"):
            total = _checked(total + (self._product() if self._take() == "+" else -self._product()))
        return total

    def _product(self) -> Number:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("nested too deep")
        result = self._signed()
        while self._token in _TIMES | _OVER:
            times = self._take() in _TIMES
            right = self._signed()
            result = _checked(result * right if times else result / right)
        self._depth -= 1
        return result

    def _signed(self) -> Number:
        negative = False
        while self._token in ("+", "-"):
            negative ^= self._take() == "-"
        result = self._factor()
        while self._kind in ("number", "percent", "letter", "command") or self._token in _CLOSING:
            if self._token in _TIMES | _OVER:
                break
            result = _checked(result * self._factor())
        return -result if negative else result

    def _factor(self) -> Number:
        """A power, and factorials after it: `2^3!` is the factorial of 8."""
        result = self._atom()
        while self._token == "^":
            self._take()
            result = _power(result, self._exponent())
        while self._token == "!":
            self._take()
            if not isinstance(result, int) or not 0 <= result <= LARGEST_FACTORIAL:
                raise ValueError("no factorial")
            result = math.factorial(result)
        return result

    def _exponent(self) -> Number:
        return self._group() if self._token == "{" else self._plain()

    def _atom(self) -> Number:
        if self._token in _CLOSING:
            return self._group()
        if self._token in _FUNCTIONS:
            function, exponent = _FUNCTIONS[self._take()], None
            if self._token == "^":  # a power of the function's value: `\sin^2 x`
                self._take()
                exponent = self._exponent()
            result = function(self._group() if self._token == "(" else self._product())
            return result if exponent is None else _power(result, exponent)
        if self._token not in ("e", r"\frac", r"\binom", r"\sqrt"):
            return self._plain()
        command = self._take()
        if command == "e":
            # It has a value with an exponent only: alone it is printed as `E`, a name that the script does not know.
            self._take("^")
            return math.exp(self._exponent())
        if command == r"\frac":
            return _checked(self._group("{") / self._group("{"))
        if command == r"\binom":
            above, below = self._group("{"), self._group("{")
            if not isinstance(above, int) or not isinstance(below, int) or not 0 <= below <= above <= LARGEST_FACTORIAL:
                raise ValueError("no binomial")
            return math.comb(above, below)
        if self._token == "[":
            degree = self._group()
            return _power(self._group("{"), 1 / degree)
        return math.sqrt(self._group("{"))

    def _plain(self) -> Number:
        """A number, a percentage or pi."""
        if self._kind == "number":
            return _literal(Fraction(self._take().replace(",", "")))
        if self._kind == "percent":
            return _literal(Fraction(self._take().removesuffix(r"\%").replace(",", "")) / 100)
        self._take(r"\pi")
        return math.pi

    def _group(self, opening: str | None = None) -> Number:
        closing = _CLOSING[self._take(opening)]
        inner = self._sum()
        self._take(closing)
        return inner


def _literal(number: Fraction) -> Number:
    return number.numerator if number.denominator == 1 else number.numerator / number.denominator


def _checked(number: Number) -> Number:
    if isinstance(number, int) and number.bit_length() > LARGEST_BITS:
        raise ValueError("too large a number")
    return number


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > LARGEST_BITS:
        raise ValueError("too large a power")
    power: Number | complex = base**exponent
    if isinstance(power, complex):
        raise ValueError("not a real number")
    return power
