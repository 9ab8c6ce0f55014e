"""The language of solutions: what one step can say, how it is written and how it is read back.

    Step 1: angle A is 50. Step 2: angle B is 60. Step 3: 50 + 60 = 110. Step 4: 180 - 110 = 70.
    The answer to this problem is 70.

`parse(str(step)) == step` for every step; text that no step would write is parsed as None.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Literal

from mathse.tables.schemas import MARKER

Op = Literal["+", "-", "×", "÷"]


@dataclass(frozen=True)
class Read:
    """A value read off the picture."""

    name: str
    value: int

    def __str__(self) -> str:
        return f"{self.name} is {self.value}"


@dataclass(frozen=True)
class Calc:
    """One operation on two known values."""

    left: int
    op: Op
    right: int
    result: int

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right} = {self.result}"

    @property
    def true_result(self) -> int | None:
        """What the operation gives; None where it gives no integer."""
        match self.op:
            case "+":
                return self.left + self.right
            case "-":
                return self.left - self.right
            case "×":
                return self.left * self.right
            case "÷":
                exact = self.right != 0 and self.left % self.right == 0
                return self.left // self.right if exact else None


@dataclass(frozen=True)
class Extreme:
    """The largest or smallest of some values."""

    which: Literal["largest", "smallest"]
    values: tuple[int, ...]
    result: int

    def __str__(self) -> str:
        return f"the {self.which} of {', '.join(map(str, self.values))} is {self.result}"

    @property
    def true_result(self) -> int:
        """The value it should name."""
        return max(self.values) if self.which == "largest" else min(self.values)


@dataclass(frozen=True)
class Reduce:
    """A fraction in lowest terms."""

    top: int
    bottom: int
    reduced_top: int
    reduced_bottom: int

    def __str__(self) -> str:
        return f"{self.top} over {self.bottom} is {self.reduced_top}/{self.reduced_bottom}"

    @property
    def holds(self) -> bool:
        """Whether both fractions are equal and the second is in lowest terms."""
        if self.bottom == 0 or self.reduced_bottom == 0 or gcd(self.reduced_top, self.reduced_bottom) != 1:
            return False
        return Fraction(self.top, self.bottom) == Fraction(self.reduced_top, self.reduced_bottom)


@dataclass(frozen=True)
class Pick:
    """The option that holds the value found."""

    value: str
    letter: str

    def __str__(self) -> str:
        return f"{self.value} is option {self.letter}"


Step = Read | Calc | Extreme | Reduce | Pick


def outcome(step: Step) -> int | Fraction | str:
    """What a step arrives at: a value, or an option's letter."""
    match step:
        case Read(_, value):
            return value
        case Calc(_, _, _, result) | Extreme(_, _, result):
            return result
        case Reduce(_, _, top, bottom):
            return Fraction(top, bottom)
        case Pick(_, letter):
            return letter


_PICK = re.compile(r"(\d+(?:/\d+)?) is option ([A-H])")
_REDUCE = re.compile(r"(\d+) over (\d+) is (\d+)/(\d+)")
_EXTREME = re.compile(r"the (largest|smallest) of (\d+(?:, \d+)*) is (\d+)")
_CALC = re.compile(r"(\d+) ([+\-×÷]) (\d+) = (-?\d+)")
_READ = re.compile(r"([A-Za-z]+(?: [A-Za-z0-9]+)*) is (\d+)")
_DIGITS = 9
"""Longer numbers are no step of ours; reading them would only cost time."""


def parse(text: str) -> Step | None:
    """Read one step back, without its `Step n:` and full stop; None if no step is written like that."""
    if re.search(rf"\d{{{_DIGITS + 1},}}", text):
        return None
    if m := _PICK.fullmatch(text):
        return Pick(m[1], m[2])
    if m := _REDUCE.fullmatch(text):
        return Reduce(int(m[1]), int(m[2]), int(m[3]), int(m[4]))
    if m := _EXTREME.fullmatch(text):
        values = tuple(int(v) for v in m[2].split(", "))
        return Extreme("largest" if m[1] == "largest" else "smallest", values, int(m[3]))
    if m := _CALC.fullmatch(text):
        ops: dict[str, Op] = {"+": "+", "-": "-", "×": "×", "÷": "÷"}
        return Calc(int(m[1]), ops[m[2]], int(m[3]), int(m[4]))
    if m := _READ.fullmatch(text):
        return Read(m[1], int(m[2]))
    return None


def write_solution(steps: Sequence[Step], answer: str) -> str:
    """Write steps and answer as one solution, closing with the marker sentence."""
    lines = [f"Step {number}: {step}." for number, step in enumerate(steps, start=1)]
    return " ".join([*lines, f"{MARKER} {answer}."])


def read_solution(text: str) -> list[tuple[str, str]]:
    """Split a solution into its steps: pairs of label (`Step 2`) and body (`50 + 60 = 110`), in order."""
    body = text.split(MARKER)[0]
    parts = re.split(r"(Step \d{1,3}):", body)
    return [
        (label, text.strip().removesuffix(".").strip()) for label, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
