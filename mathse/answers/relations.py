"""Equations, inequalities, names and regions: what an answer with a relation sign says.

`x = 5` names a value, `2x + z = 1` is an equation, `-2 ≤ x < 7`, `x ∈ [-2, 7)` and `[-2, 7)` are one region.
"""

import re
from collections.abc import Callable
from fractions import Fraction

from mathse.answers.evaluate import Number, evaluate
from mathse.answers.expression import Tree, parse, symbols
from mathse.answers.split import cut_at, split_outside
from mathse.answers.tokens import Unreadable
from mathse.answers.values import INFINITY, Named, Quantity, Region, Relation, Several, Span, Value, Words

Reader = Callable[[str, int], Value]

_ORDER = "<>≤≥≠"
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "≠": "≠"}
_NAME = re.compile(
    r"(?:\\[a-zA-Z]+|[∠△⊙Δ]|[^\W\d_][^\W\d_ ]*|[(){}\[\],:'/| ]|\\frac|_\{[^{}]*\}|_\w|(?<=[a-zA-Z])\(-?[\w.,]*\))+"
)
_EXACT_MARK = "≈"


def read_relation(text: str, depth: int, read: Reader) -> Value | None:
    """What a text with a relation sign or a union says; None if it has none outside of brackets.

    Args:
        text: Canonical text.
        depth: Brackets opened so far.
        read: Reads a part.
    """
    if not any(sign in text for sign in "=<>≤≥≠∈∪≈→"):
        return None
    text = text.replace("→", "=") if "=" not in text else text
    if _EXACT_MARK in text:
        return _rounded(text, depth, read)
    if "∈" in text:
        name, _, rest = text.partition("∈")
        return _said_of(name, read(rest, depth + 1))
    if any(sign in text for sign in _ORDER):
        return _inequality(text)
    if "=" in text:
        return _equation(text, depth, read)
    return _union(text, depth, read)


def is_name(text: str) -> bool:
    """Whether a left side only names what the right side is: `x`, `AB`, `f(2)`, `(p, q)`, `A:B`, `Area of ABC`."""
    return bool(text) and len(text) <= 60 and _NAME.fullmatch(text) is not None


def to_region(value: Value) -> Region | None:
    """A value as a set of real numbers, if it can be one."""
    if isinstance(value, Region):
        return value
    if isinstance(value, Named):
        inner = to_region(value.value)
        return Region(inner.spans, value.name) if inner else None
    if not isinstance(value, Several) or not value.brackets:
        return None
    ends = [item.value for item in value.items if isinstance(item, Quantity)]
    if len(ends) != len(value.items) or any(isinstance(end, complex) for end in ends):
        return None
    if value.brackets == "⟦⟧":
        return Region(tuple(sorted(Span(float(e), float(e), True, True) for e in ends)))  # type: ignore[arg-type]
    if len(ends) != 2:
        return None
    start, end = float(ends[0]), float(ends[1])  # type: ignore[arg-type]
    return Region((Span(start, end, value.brackets[0] == "[", value.brackets[1] == "]"),)) if start <= end else None


def _rounded(text: str, depth: int, read: Reader) -> Value | None:
    """`exact ≈ rounded` is the exact value; `name ≈ rounded` a rounded one."""
    first, _, rest = text.partition(_EXACT_MARK)
    first = first.strip().rstrip("=").strip()
    if first and not is_name(first):
        return read(first, depth + 1)
    value = read("≈" + rest.split(_EXACT_MARK)[-1], depth + 1) if first else None
    return Named(_compact(first), value) if value is not None else None


def _said_of(name: str, value: Value) -> Value:
    region = to_region(value)
    return Region(region.spans, _compact(name)) if region else Named(_compact(name), value)


def _equation(text: str, depth: int, read: Reader) -> Value | None:
    parts = [part.strip() for part in split_outside(text, "=")]
    if len(parts) < 2 or not parts[-1]:
        return None
    first, last = parts[0], parts[-1]
    if not first or is_name(first):
        value = read(last, depth + 1)
        return Named(_compact(first), value, _relation(first, "=", last)) if first else value
    relation = _relation(first, "=", last)
    if relation is None:
        return None
    return relation if symbols(relation.tree) else read(last, depth + 1)


def _relation(left: str, sign: str, right: str) -> Relation | None:
    try:
        return Relation(("+", parse(left), ("-", parse(right))), sign)
    except Unreadable:
        return None


def _compact(name: str) -> str:
    return name.replace(" ", "").replace("{", "").replace("}", "")


def _inequality(text: str) -> Value | None:
    parts = cut_at(text, _ORDER)
    if len(parts) not in (3, 5) or not all(parts):
        return None
    try:
        sides = [parse(part) for part in parts[::2]]
    except Unreadable:
        return _named_inequality(parts)
    if len(sides) == 3:
        return _between(sides, parts)
    names = symbols(sides[0]) | symbols(sides[1])
    difference: Tree = ("+", sides[0], ("-", sides[1]))
    if len(names) == 1 and (region := _solved(difference, parts[1], next(iter(names)))):
        return region
    region = _named_inequality(parts)
    return region if region else Relation(difference, parts[1])


def _between(sides: list[Tree], parts: list[str]) -> Value | None:
    """`low < name ≤ high` and the like; of `|name|`, the two mirrored intervals."""
    low_sign, high_sign = parts[1], parts[3]
    if {low_sign, high_sign} <= {">", "≥"}:
        sides, low_sign, high_sign = sides[::-1], _FLIPPED[high_sign], _FLIPPED[low_sign]
    if not {low_sign, high_sign} <= {"<", "≤"}:
        return None
    low, high = _real(sides[0]), _real(sides[2])
    if low is None or high is None:
        return None
    span = Span(low, high, low_sign == "≤", high_sign == "≤")
    middle = sides[1]
    if isinstance(middle, tuple) and middle[0] == "abs" and low >= 0:
        mirrored = Span(-high, -low, span.has_end, span.has_start)
        return Region((mirrored, span), _compact(parts[2]).strip("|"))
    return Region((span,), _compact(parts[2]))


def _named_inequality(parts: list[str]) -> Region | None:
    """An inequality between one name of any kind (`f(x)`, `AB`) and a number."""
    if len(parts) != 3:
        return None
    for name, sign, other in ((parts[0], parts[1], parts[2]), (parts[2], _FLIPPED[parts[1]], parts[0])):
        try:
            bound = _real(parse(other))
        except Unreadable:
            continue
        if bound is not None and is_name(name):
            return _half_line(bound, sign, _compact(name))
    return None


def _solved(difference: Tree, sign: str, name: str) -> Region | None:
    """The region of a linear inequality in one symbol; None if it is not linear."""
    try:
        at = [evaluate(difference, {name: Fraction(place)}) for place in (0, 1, 2)]
    except Unreadable:
        return None
    if any(isinstance(value, complex) for value in at):
        return None
    constant, slope = at[0], at[1] - at[0]
    if slope == 0 or abs(at[2] - at[1] - slope) > 1e-9:  # type: ignore[operator]
        return None
    bound = _as_float(-constant / slope)
    return _half_line(bound, sign if slope > 0 else _FLIPPED[sign], name)  # type: ignore[operator]


def _half_line(bound: float, sign: str, name: str) -> Region:
    below, above = Span(-INFINITY, bound, False, sign == "≤"), Span(bound, INFINITY, sign == "≥", False)
    return Region((below, above) if sign == "≠" else (below,) if sign in "<≤" else (above,), name)


def _real(tree: Tree) -> float | None:
    if symbols(tree):
        return None
    value = evaluate(tree)
    return None if isinstance(value, complex) else _as_float(value)


def _as_float(value: Number) -> float:
    return float(value)  # type: ignore[arg-type]


def _union(text: str, depth: int, read: Reader) -> Value | None:
    parts = split_outside(text, "∪")
    regions = [to_region(read(part, depth + 1)) for part in parts]
    if len(parts) < 2 or not all(regions):
        return Words(text) if len(parts) > 1 else None
    return Region(tuple(sorted(span for region in regions if region for span in region.spans)))
