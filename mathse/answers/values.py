"""What an answer can be: the kinds of value that `mathse.answers.read` makes of a text."""

from dataclasses import dataclass

from mathse.answers.evaluate import Number, Real
from mathse.answers.expression import Tree
from mathse.answers.units import Unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A constant with its unit, if it has one.

    Attributes:
        value: Exact where it is rational.
        unit: None: none was written, which fits any.
        about: Whether the text says that the value is rounded (`≈`, `about`).
        places: Decimal places written; None if it was not written as an integer or a decimal.
        digits: Significant digits written, of a decimal; else 0.
    """

    value: Number
    unit: Unit | None = None
    about: bool = False
    places: int | None = None
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression with symbols."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Several:
    """Several values: a tuple, an interval, a set, a list, the parts of a fill-in answer.

    Attributes:
        items: At least one.
        brackets: As written: `()`, `[]`, `[)`, `(]`, `⟦⟧` (a set), or empty.
        ordered: Whether the order counts against other lists of the same kind.
        number: What it is if its comma is a decimal one (`1,22`).
    """

    items: tuple["Value", ...]
    brackets: str = ""
    ordered: bool = False
    number: Quantity | None = None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An interval of the real line; ends may be infinite."""

    start: Real
    end: Real
    has_start: bool
    has_end: bool


@dataclass(frozen=True, slots=True)
class Region:
    """A set of real numbers as intervals in rising order, perhaps with the name of what lies in it (`x` in `x < 3`)."""

    spans: tuple[Span, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """An equation or inequality between expressions with symbols: `tree sign 0`.

    Attributes:
        tree: Left side minus right side.
        sign: `=`, `≠`, `<`, `≤`, `>` or `≥`.
    """

    tree: Tree
    sign: str


@dataclass(frozen=True, slots=True)
class Named:
    """A value with its name: `x = 5`, `AB = 4`, `f(2) = 3`, `(p, q) = (3, 2)`.

    Attributes:
        name: As written, without spaces.
        value: What stands behind the last equals sign.
        relation: The same as an equation, where both sides are expressions.
    """

    name: str
    value: "Value"
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """`3:4`, or a time of day."""

    parts: tuple[Number, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of values; between bars, their determinant."""

    rows: tuple[tuple["Value", ...], ...]
    is_determinant: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A value for each whole number: `x = kπ, k ∈ Z`.

    Attributes:
        value: With the whole number as the symbol `PARAMETER`, whatever it was called.
        domain: `Z` or `N`; empty where nothing says so.
    """

    value: "Value"
    domain: str


@dataclass(frozen=True, slots=True)
class Words:
    r"""Text that is no mathematics that we read.

    Attributes:
        text: Folded: lower case, single spaces, no punctuation at its ends.
        letters: The option letters that it names or begins with.
        formal: Whether it looks like mathematics beyond this reader (`\sum`, `\int`), which another may read.
    """

    text: str
    letters: frozenset[str] = frozenset()
    formal: bool = False


Value = Quantity | Formula | Several | Region | Relation | Named | Ratio | Matrix | Family | Words

PARAMETER = "κ"
INFINITY = float("inf")
