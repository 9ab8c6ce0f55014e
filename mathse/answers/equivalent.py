"""Whether two answers' values are the same, by kind. True, False, or None: another reader has to decide.

Every rule is symmetric but one: how far a rounded value may be off is the gold's (or the problem's) to say.
"""

from collections.abc import Sequence
from fractions import Fraction

from mathse.answers.evaluate import close, evaluate, points, same_expression
from mathse.answers.expression import Tree, Unreadable, symbols
from mathse.answers.quantities import EXACT, Tolerance, same_quantity
from mathse.answers.ratios import same_ratio
from mathse.answers.regions import to_region
from mathse.answers.relations import other_name
from mathse.answers.values import (
    Formula,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Region,
    Relation,
    Several,
    Value,
    Words,
)

_MOST_ITEMS = 64


def equivalent(gold: Value, answer: Value, tolerance: Tolerance = EXACT) -> bool | None:
    """Whether two values say the same.

    Args:
        gold: The right one.
        answer: The one to grade.
        tolerance: Of numbers, as the problem states it; the gold's own `≈` adds to it.

    Returns:
        None where this module cannot tell: `formal` words, expressions without a value at all points.
    """
    if isinstance(gold, Named) or isinstance(answer, Named):
        return _named(gold, answer, tolerance)
    if isinstance(gold, Several) or isinstance(answer, Several):
        return _several(gold, answer, tolerance)
    if isinstance(gold, Region) or isinstance(answer, Region):
        return _regions(gold, answer)
    if isinstance(gold, Words) or isinstance(answer, Words):
        return _words(gold, answer)
    if isinstance(gold, Ratio) or isinstance(answer, Ratio):
        return same_ratio(gold, answer)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _relations(gold, answer)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer, tolerance)
    if isinstance(gold, Quantity) and isinstance(answer, Quantity):
        return same_quantity(gold, answer, tolerance)
    return _formulas(gold, answer)


def _formulas(gold: Value, answer: Value) -> bool | None:
    trees = [value.tree for value in (gold, answer) if isinstance(value, Formula)]
    if len(trees) == 2:
        try:
            return same_expression(*trees)
        except Unreadable:
            return None
    # An expression in symbols is no number, unless they cancel.
    number = gold if isinstance(gold, Quantity) else answer
    assert isinstance(number, Quantity)
    if isinstance(number.value, Fraction):
        try:
            return same_expression(trees[0], number.value)
        except Unreadable:
            return None
    return False


def _named(gold: Value, answer: Value, tolerance: Tolerance) -> bool | None:
    """A name is not needed; two names that differ are two different things."""
    if not (isinstance(gold, Named) and isinstance(answer, Named)):
        named, other = (gold, answer) if isinstance(gold, Named) else (answer, gold)
        assert isinstance(named, Named)
        if isinstance(other, Relation):
            return _relations(named.relation, other) if named.relation else False
        inner = (named.value, answer) if named is gold else (gold, named.value)
        return equivalent(*inner, tolerance)
    if other_name(gold.name, answer.name):
        if gold.relation and answer.relation and _free(gold) and _free(answer):
            return _relations(gold.relation, answer.relation)
        return False
    same = equivalent(gold.value, answer.value, tolerance)
    if same is False and gold.relation and answer.relation and gold.name != answer.name:
        return _relations(gold.relation, answer.relation)
    return same


def _free(value: Named) -> bool:
    """Whether the right side has symbols, so that it is an equation rather than a result."""
    return isinstance(value.value, Formula)


def _several(gold: Value, answer: Value, tolerance: Tolerance) -> bool | None:
    if isinstance(gold, Formula) or isinstance(answer, Formula):
        sets = [to_region(value) for value in (gold, answer)]
        if None not in sets:
            return _regions(gold, answer)  # `R` is all numbers
    one, other = _as_several(gold), _as_several(answer)
    if one is None or other is None or one.number or other.number:
        numbers = [value.number if isinstance(value, Several) and value.number else value for value in (gold, answer)]
        if numbers[0] is not gold or numbers[1] is not answer:
            as_numbers = equivalent(numbers[0], numbers[1], tolerance)
            if as_numbers or one is None or other is None:
                return as_numbers
    if one is None or other is None:
        return _regions(gold, answer)
    if _intervals_differ(one, other):
        return False
    one, other = _roots(one), _roots(other)
    items, others = _distinct(one, tolerance), _distinct(other, tolerance)
    if len(items) != len(others):
        return False
    if _in_order(one, other):
        return _all(equivalent(a, b, tolerance) for a, b in zip(items, others, strict=True))
    return _matched(items, others, tolerance)


def _as_several(value: Value) -> Several | None:
    if isinstance(value, Several):
        return value
    if isinstance(value, Region):
        return None
    if isinstance(value, Matrix) and not value.is_determinant and 1 in (len(value.rows), max(map(len, value.rows))):
        return Several(tuple(cell for row in value.rows for cell in row), "()")
    return Several((value,))


def _intervals_differ(one: Several, other: Several) -> bool:
    """Brackets of two parts are those of intervals or points, and say which ends belong; others only group."""
    if one.brackets == other.brackets:
        return False
    if not one.brackets or not other.brackets:
        return len(one.items) == 2 and one.brackets + other.brackets in ("[]", "[)", "(]")
    return len(one.items) == 2 or "⟦⟧" in (one.brackets, other.brackets)


def _in_order(one: Several, other: Several) -> bool:
    if one.ordered or other.ordered:
        return not all(len(set(_names(several))) == 1 for several in (one, other))
    if one.brackets in ("", "⟦⟧") and other.brackets in ("", "⟦⟧"):
        names = [_names(several) for several in (one, other)]
        return bool(names[0]) != bool(names[1]) and _distinct_names(names[0] or names[1])
    return "⟦⟧" not in (one.brackets, other.brackets)


def _roots(several: Several) -> Several:
    """Without names if they are `x_1`, `x_2`, ...: roots of an equation, which have no order."""
    if several.brackets or len(several.items) < 2 or not all(name.startswith("x_") for name in _names(several) or "?"):
        return several
    return Several(tuple(item.value for item in several.items if isinstance(item, Named)))


def _names(several: Several) -> list[str]:
    names = [item.name for item in several.items if isinstance(item, Named)]
    return names if len(names) == len(several.items) else []


def _distinct_names(names: list[str]) -> bool:
    """Whether names stand for different things, and not for several solutions (`x_1`, `x_2`; `x`, `x`)."""
    return len({name.partition("_")[0] for name in names}) == len(names)


def _distinct(several: Several, tolerance: Tolerance) -> Sequence[Value]:
    """Items, of a list without order each once."""
    if several.brackets not in ("", "⟦⟧") or several.ordered or len(several.items) > _MOST_ITEMS:
        return several.items
    found: list[Value] = []
    for item in several.items:
        if not any(equivalent(item, other, tolerance) for other in found):
            found.append(item)
    return found


def _all(results: object) -> bool | None:
    undecided = False
    for result in results:  # type: ignore[attr-defined]
        if result is False:
            return False
        undecided |= result is None
    return None if undecided else True


def _matched(items: Sequence[Value], others: Sequence[Value], tolerance: Tolerance) -> bool | None:
    """Whether each of some values has its like among others."""
    if len(items) > _MOST_ITEMS:
        return None
    left = list(others)
    undecided = False
    for item in items:
        results = [equivalent(item, other, tolerance) for other in left]
        if True in results:
            left.pop(results.index(True))
        elif None in results:
            undecided = True
        else:
            return False
    return None if undecided else True


def _regions(gold: Value, answer: Value) -> bool | None:
    one, other = to_region(gold), to_region(answer)
    if one is None or other is None:
        return False if not isinstance(gold, Words) and not isinstance(answer, Words) else _words(gold, answer)
    if one.name and other.name and other_name(one.name, other.name):
        return False
    if len(one.spans) != len(other.spans):
        return False
    return all(
        (a.has_start, a.has_end) == (b.has_start, b.has_end) and close(a.start, b.start) and close(a.end, b.end)
        for a, b in zip(one.spans, other.spans, strict=True)
    )


def _words(gold: Value, answer: Value) -> bool | None:
    if isinstance(gold, Words) and isinstance(answer, Words):
        if gold.text.replace(" ", "") == answer.text.replace(" ", "") != "":
            return True
        if gold.letters and answer.letters:
            bare = any(len(words.text.replace(" ", "")) <= 2 * len(words.letters) for words in (gold, answer))
            return gold.letters == answer.letters if bare else False
        return None if gold.formal or answer.formal else False
    words, other = (gold, answer) if isinstance(gold, Words) else (answer, gold)
    assert isinstance(words, Words)
    if words.letters and isinstance(other, Formula) and isinstance(other.tree, str):
        return words.letters == {other.tree}
    if words.formal:
        return None
    return False


def _relations(gold: Value, answer: Value) -> bool | None:
    """Whether one relation is the other times a constant (a negative one turns an inequality round)."""
    if not isinstance(gold, Relation) or not isinstance(answer, Relation):
        return False
    factor = _proportion(gold.tree, answer.tree)
    if factor is None or factor == 0:
        return None if factor is None else False
    flipped = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}
    sign = answer.sign if factor > 0 else flipped.get(answer.sign, answer.sign)
    return gold.sign == sign


def _proportion(one: Tree, other: Tree) -> float | None:
    """What one tree is divided by the other, if that is one constant; 0.0 if it is not, None if it cannot be told."""
    names = sorted(symbols(one) | symbols(other))
    if symbols(one) != symbols(other) or not names:
        return 0.0
    quotients = []
    for point in points(names):
        try:
            above, below = evaluate(one, point), evaluate(other, point)
        except Unreadable:
            continue
        if isinstance(above, complex) or isinstance(below, complex) or below == 0:
            continue
        quotients.append(float(above) / float(below))
    if not quotients:
        return None
    first = quotients[0]
    return first if all(close(first, quotient) for quotient in quotients) else 0.0


def _matrices(gold: Value, answer: Value, tolerance: Tolerance) -> bool | None:
    if not isinstance(gold, Matrix) or not isinstance(answer, Matrix):
        return None
    if [len(row) for row in gold.rows] != [len(row) for row in answer.rows]:
        return False
    if gold.is_determinant != answer.is_determinant:
        return False
    cells = ([cell for row in matrix.rows for cell in row] for matrix in (gold, answer))
    return _all(equivalent(a, b, tolerance) for a, b in zip(*cells, strict=True))
