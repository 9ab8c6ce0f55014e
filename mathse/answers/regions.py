"""Sets of real numbers: intervals, their unions and intersections, and where a linear expression lies in one."""

import math
from collections.abc import Iterable
from fractions import Fraction

from mathse.answers.evaluate import Number, Real, close, evaluate, is_complex
from mathse.answers.expression import Tree, Unreadable, symbols
from mathse.answers.values import INFINITY, Formula, Named, Quantity, Region, Several, Span, Value

Spans = tuple[Span, ...]

_PLACES = (Fraction(0), Fraction(1), Fraction(2), Fraction(-7), Fraction(1, 3), Fraction(29))
"""Where an expression has to lie on the line through its values at the first two."""


def to_region(value: Value) -> Region | None:
    """A value as a set of real numbers, if it can be one."""
    if isinstance(value, Region):
        return value
    if isinstance(value, Formula) and value.tree in ("R", "ℝ"):
        return Region((Span(-INFINITY, INFINITY, False, False),))
    if isinstance(value, Named):
        inner = to_region(value.value)
        return Region(inner.spans, value.name) if inner else None
    if not isinstance(value, Several) or not value.brackets:
        return None
    ends = [end for item in value.items if isinstance(item, Quantity) and (end := real(item.value)) is not None]
    if len(ends) != len(value.items):
        return None
    if value.brackets == "⟦⟧":
        return Region(union(Span(end, end, True, True) for end in ends))
    if len(ends) != 2 or ends[0] > ends[1]:
        return None
    return Region((Span(ends[0], ends[1], value.brackets[0] == "[", value.brackets[1] == "]"),))


def real(value: Number) -> Real | None:
    """A number that has a place on the line."""
    return None if is_complex(value) else value


def half_line(bound: Real, sign: str) -> Spans:
    """Numbers that are `sign` (one of `< ≤ > ≥ ≠`) a bound."""
    below, above = Span(-INFINITY, bound, False, sign == "≤"), Span(bound, INFINITY, sign == "≥", False)
    return (below, above) if sign == "≠" else (below,) if sign in "<≤" else (above,)


def union(spans: Iterable[Span]) -> Spans:
    """Spans in rising order, of which none overlap or touch."""
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        if last and (span.start < last.end or (span.start == last.end and (span.has_start or last.has_end))):
            end, has_end = max((last.end, last.has_end), (span.end, span.has_end))
            has_start = last.has_start or (span.has_start and span.start == last.start)
            merged[-1] = Span(last.start, end, has_start, has_end)
        else:
            merged.append(span)
    return tuple(merged)


def intersection(first: Spans, second: Spans) -> Spans:
    """What two sets share; empty if nothing."""
    shared = []
    for a in first:
        for b in second:
            start, lacks_start = max((a.start, not a.has_start), (b.start, not b.has_start))
            end, has_end = min((a.end, a.has_end), (b.end, b.has_end))
            if start < end or (start == end and not lacks_start and has_end):
                shared.append(Span(start, end, not lacks_start, has_end))
    return union(shared)


def whole_numbers(spans: Spans, most: int) -> list[int] | None:
    """The whole numbers in a set, in rising order; None if they are more than so many."""
    if not spans or spans[0].start == -INFINITY or spans[-1].end == INFINITY:
        return None
    first, last = math.ceil(spans[0].start), math.floor(spans[-1].end)
    if last - first >= most:
        return None
    inside = [intersection(spans, (Span(Fraction(n), Fraction(n), True, True),)) for n in range(first, last + 1)]
    return [first + place for place, shared in enumerate(inside) if shared]


def solution(tree: Tree, spans: Spans) -> Region | None:
    """Where an expression in one symbol has its value in `spans`.

    None unless it is linear (`2x + 1`), or a linear one's distance from 0 (`|2x + 1|`).
    """
    names = symbols(tree)
    if len(names) != 1:
        return None
    (name,) = names
    if isinstance(tree, tuple) and tree[0] == "abs":
        # What is between the bars lies in the positive spans, or in their mirror images.
        positive = intersection(spans, (Span(Fraction(0), INFINITY, True, False),))
        tree, spans = tree[1], union((*positive, *(_preimage(span, Fraction(-1), Fraction(0)) for span in positive)))
    if (line := _line(tree, name)) is None:
        return None
    slope, constant = line
    return Region(union(_preimage(span, slope, constant) for span in spans), name)


def _line(tree: Tree, name: str) -> tuple[Real, Real] | None:
    """Slope and constant of an expression in one symbol that is linear, and not constant."""
    try:
        values = [real(evaluate(tree, {name: place})) for place in _PLACES]
    except Unreadable:
        return None
    constant, at_one = values[:2]
    if constant is None or at_one is None or at_one == constant:
        return None
    slope: Real = at_one - constant
    for place, value in zip(_PLACES, values, strict=True):
        if value is None or not close(value, slope * place + constant):
            return None
    return slope, constant


def _preimage(span: Span, slope: Real, constant: Real) -> Span:
    """Where `slope * x + constant` lies in a span."""
    start, end = (span.start - constant) / slope, (span.end - constant) / slope
    if slope > 0:
        return Span(start, end, span.has_start, span.has_end)
    return Span(end, start, span.has_end, span.has_start)
