"""Whether two answers' values are the same, by kind. True, False, or None: another reader has to decide.

Every rule is symmetric but one: how far a rounded value may be off is the gold's (or the problem's) to say.
"""

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from mathse.answers.equations import same_relation
from mathse.answers.evaluate import Ambiguous, close, evaluate, same_expression
from mathse.answers.expression import Tree, Unreadable, replaced, symbols
from mathse.answers.quantities import same_quantity
from mathse.answers.regions import to_region
from mathse.answers.relations import other_name
from mathse.answers.values import (
    PARAMETER,
    Family,
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
_TIME = re.compile(r"(?:1?\d|2[0-3]):[0-5]\d")
_COUNTS = frozenset("knmlt")
"""What whole numbers are called where nothing says that they are whole."""
_FREE = _COUNTS | {"C", "c", "C_1", "c_1"}
_SEGMENT = re.compile("[a-h]{2}")
"""Two points, as `words` folds them."""
_HALF_DAY = re.compile("[ap]m$")


def equivalent(gold: Value, answer: Value, places: int | None = None) -> bool | None:
    """Whether two values say the same.

    Args:
        places: Decimal places to which the problem asks to round; None: it does not, but the gold's own `≈` may.

    Returns:
        None where this module cannot tell: `formal` words, expressions without a value at all points.
    """
    if isinstance(gold, Family) or isinstance(answer, Family):
        return _families(gold, answer, places)
    if isinstance(gold, Named) or isinstance(answer, Named):
        return _named(gold, answer, places)
    if isinstance(gold, Several) or isinstance(answer, Several):
        return _several(gold, answer, places)
    if isinstance(gold, Region) or isinstance(answer, Region):
        return _regions(gold, answer)
    if isinstance(gold, Words) or isinstance(answer, Words):
        return _words(gold, answer)
    if isinstance(gold, Ratio) or isinstance(answer, Ratio):
        return _ratios(gold, answer)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return isinstance(gold, Relation) and isinstance(answer, Relation) and same_relation(gold, answer)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer, places)
    if isinstance(gold, Quantity) and isinstance(answer, Quantity):
        return same_quantity(gold, answer, places)
    return _formulas(gold, answer)


def _formulas(gold: Value, answer: Value) -> bool | None:
    trees = [value.tree for value in (gold, answer) if isinstance(value, Formula)]
    if len(trees) == 1:
        # An expression in symbols is no number, unless they cancel.
        number = gold if isinstance(gold, Quantity) else answer
        assert isinstance(number, Quantity)
        if not isinstance(number.value, Fraction):
            return False
        trees.append(number.value)
    try:
        same = same_expression(*trees)
    except Unreadable:
        return None
    return _same_but_for_a_name(*trees) if same is False else same


def _same_but_for_a_name(gold: Tree, answer: Tree) -> bool:
    """Whether two expressions differ in the name of a constant of integration: `x^2 + C`, `x^2 + c`.

    Raises:
        Ambiguous: In the name of another constant (`Ce^x`, `Ae^x`), or of a number that is counted (`2n+1`, `2k+1`).
    """
    names, others = symbols(gold), symbols(answer)
    only = [*(names - others), *(others - names)]
    if len(names - others) != 1 or len(others - names) != 1 or not _FREE.intersection(only):
        return False
    if not same_expression(replaced(gold, {only[0]: only[1]}), answer):
        return False
    if {*only} <= {"C", "c"}:
        return True
    if {*only} <= _COUNTS or names & others:
        raise Ambiguous("the same but for a name")
    return False


def _families(gold: Value, answer: Value, places: int | None) -> bool | None:
    """Whether two values for each whole number are the same ones, in whichever order: `kπ + 1`, `nπ + π + 1`.

    Raises:
        Ambiguous: Unless both are linear, or have one form.
    """
    first, second = (_as_family(value) for value in (gold, answer))
    if first is None or second is None:
        return False
    domains = {first.domain, second.domain} - {""}
    if len(domains) < 2 and equivalent(first.value, second.value, places):
        return True
    inner = [value.value if isinstance(value, Named) else value for value in (first.value, second.value)]
    trees = [value.tree for value in inner if isinstance(value, Formula)]
    if len(trees) < 2 or any(symbols(tree) != {PARAMETER} for tree in trees) or len(domains) > 1:
        raise Ambiguous("values for each whole number")
    starts, steps = [], []
    for tree in trees:
        at = [evaluate(tree, {PARAMETER: Fraction(number)}) for number in (0, 1, 2)]
        if not close(at[2] - at[1], at[1] - at[0]):
            raise Ambiguous("values for each whole number")
        starts.append(at[0])
        steps.append(at[1] - at[0])
    if domains == {"N"} or not (close(steps[0], steps[1]) or close(steps[0], -steps[1])):
        return False
    shift = (starts[0] - starts[1]) / steps[0]
    return close(shift, Fraction(round(float(shift))))


def _as_family(value: Value) -> Family | None:
    """A value for each whole number; a formula with a letter that such a number is called by is one too."""
    if isinstance(value, Family):
        return value
    inner = value.value if isinstance(value, Named) else value
    formulas = inner.items if isinstance(inner, Several) else (inner,)
    trees = [formula.tree for formula in formulas if isinstance(formula, Formula)]
    names = {name for tree in trees for name in symbols(tree)} & _COUNTS
    if len(trees) < len(formulas) or len(names) != 1:
        return None
    renamed = tuple(Formula(replaced(tree, dict.fromkeys(names, PARAMETER))) for tree in trees)
    return Family(Several(renamed) if isinstance(inner, Several) else renamed[0], "")


def _named(gold: Value, answer: Value, places: int | None) -> bool | None:
    """A name is not needed; two names that differ are two different things."""
    if not (isinstance(gold, Named) and isinstance(answer, Named)):
        named, other = (gold, answer) if isinstance(gold, Named) else (answer, gold)
        assert isinstance(named, Named)
        if isinstance(other, Relation):
            return same_relation(named.relation, other) if named.relation else False
        pair = (named.value, answer) if named is gold else (gold, named.value)
        return equivalent(*pair, places)
    if other_name(gold.name, answer.name):
        # Symbols on a right side make it an equation rather than a result: `y = 6/x` is `xy = 6`.
        has_symbols = [isinstance(value.value, Formula) for value in (gold, answer)]
        are_letters = gold.name.isalpha() and answer.name.isalpha()
        are_equations = all(has_symbols) or (any(has_symbols) and are_letters)
        return _same_equation(gold, answer) if are_equations else False
    same = equivalent(gold.value, answer.value, places)
    return _same_equation(gold, answer) if same is False and gold.name != answer.name else same


def _same_equation(gold: Named, answer: Named) -> bool | None:
    if gold.relation is None or answer.relation is None:
        return False
    return same_relation(gold.relation, answer.relation)


def _several(gold: Value, answer: Value, places: int | None) -> bool | None:
    if (isinstance(gold, Formula) or isinstance(answer, Formula)) and to_region(gold) and to_region(answer):
        return _regions(gold, answer)  # the letter `R` is all numbers
    if _holds_nothing(gold) != _holds_nothing(answer):
        return False
    first, second = _as_several(gold), _as_several(answer)
    if first is None or second is None or first.number or second.number:
        # A comma may be a decimal first: `1,22` is two numbers, or one.
        numbers = [value.number if isinstance(value, Several) and value.number else value for value in (gold, answer)]
        if numbers[0] is not gold or numbers[1] is not answer:
            as_numbers = equivalent(numbers[0], numbers[1], places)
            if as_numbers or first is None or second is None:
                return as_numbers
    if first is None or second is None:
        return _regions(gold, answer)
    first, second = _as_point(first, second), _as_point(second, first)
    if _intervals_differ(first, second) or _nesting(first) != _nesting(second):
        return False
    first, second = _without_root_names(first), _without_root_names(second)
    items, others = _distinct_items(first, places), _distinct_items(second, places)
    if len(items) != len(others):
        return False
    if _in_order(first, second):
        return _all(equivalent(a, b, places) for a, b in zip(items, others, strict=True))
    return _same_in_any_order(items, others, places)


def _holds_nothing(value: Value) -> bool:
    r"""Whether a value is the set of the empty set, which is not empty."""
    return isinstance(value, Several) and value.items == (Words("no solution"),) and value.brackets == "⟦⟧"


def _nesting(several: Several) -> int:
    r"""How many of a set's items are sets: `\{\{1\}\}` is not `\{1\}`."""
    items = several.items if several.brackets == "⟦⟧" else ()
    return sum(isinstance(item, Several) and item.brackets == "⟦⟧" for item in items)


def _as_several(value: Value) -> Several | None:
    if isinstance(value, Several):
        return value
    if isinstance(value, Region):
        return None
    if isinstance(value, Matrix) and not value.is_determinant and 1 in (len(value.rows), max(map(len, value.rows))):
        return Several(tuple(cell for row in value.rows for cell in row), "()")
    return Several((value,))


def _as_point(several: Several, other: Several) -> Several:
    r"""A set of one point as the point, beside one that stands alone: `\{(1, 2)\}`, `(1, 2)`."""
    point = several.items[0]
    alone = several.brackets == "⟦⟧" and len(several.items) == 1 and other.brackets != "⟦⟧"
    return point if alone and isinstance(point, Several) and len(other.items) > 1 else several


def _intervals_differ(first: Several, second: Several) -> bool:
    """Brackets of two parts are those of intervals or points, and say which ends belong; others only group."""
    if first.brackets == second.brackets:
        return False
    if not first.brackets or not second.brackets:
        return len(first.items) == 2 and first.brackets + second.brackets in ("[]", "[)", "(]")
    return len(first.items) == 2 or "⟦⟧" in (first.brackets, second.brackets)


def _in_order(first: Several, second: Several) -> bool:
    """Whether order counts between two lists."""
    names = [_names(several) for several in (first, second)]
    if first.ordered or second.ordered:
        # `x = 1; x = 2` are solutions of one symbol.
        return not all(len(set(own)) == 1 for own in names)
    if first.brackets in ("", "⟦⟧") and second.brackets in ("", "⟦⟧"):
        # `a = 1, b = 2` names what `1, 2` gives in this order, but not `x_1 = 1, x_2 = 2` or `x = 1, x = 2`.
        own = names[0] or names[1]
        are_different_things = len({name.partition("_")[0] for name in own}) == len(own)
        return bool(names[0]) != bool(names[1]) and are_different_things
    return "⟦⟧" not in (first.brackets, second.brackets)


def _without_root_names(several: Several) -> Several:
    """Without names if they are `x_1`, `x_2`, ...: roots of an equation, which have no order."""
    if several.brackets or len(several.items) < 2 or not all(name.startswith("x_") for name in _names(several) or "?"):
        return several
    return Several(tuple(item.value for item in several.items if isinstance(item, Named)))


def _names(several: Several) -> list[str]:
    """Names of a list's items, if all of them have one."""
    names = [item.name for item in several.items if isinstance(item, Named)]
    return names if len(names) == len(several.items) else []


def _distinct_items(several: Several, places: int | None) -> Sequence[Value]:
    """Items; those of a list without order each once."""
    if several.brackets not in ("", "⟦⟧") or several.ordered or len(several.items) > _MOST_ITEMS:
        return several.items
    distinct: list[Value] = []
    for item in several.items:
        if not any(equivalent(item, other, places) for other in distinct):
            distinct.append(item)
    return distinct


def _same_in_any_order(items: Sequence[Value], others: Sequence[Value], places: int | None) -> bool | None:
    """Whether each of some values has its like among as many others."""
    if len(items) > _MOST_ITEMS:
        return None
    unmatched = list(others)
    undecided = False
    for item in items:
        results = [equivalent(item, other, places) for other in unmatched]
        if True in results:
            unmatched.pop(results.index(True))
        elif None in results:
            undecided = True
        else:
            return False
    return None if undecided else True


def _all(results: Iterable[bool | None]) -> bool | None:
    undecided = False
    for result in results:
        if result is False:
            return False
        undecided |= result is None
    return None if undecided else True


def _regions(gold: Value, answer: Value) -> bool | None:
    first, second = to_region(gold), to_region(answer)
    if first is None or second is None:
        return False if not isinstance(gold, Words) and not isinstance(answer, Words) else _words(gold, answer)
    if first.name and second.name and other_name(first.name, second.name):
        return False
    if len(first.spans) != len(second.spans):
        return False
    return all(
        (a.has_start, a.has_end) == (b.has_start, b.has_end) and close(a.start, b.start) and close(a.end, b.end)
        for a, b in zip(first.spans, second.spans, strict=True)
    )


def _words(gold: Value, answer: Value) -> bool | None:
    if isinstance(gold, Words) and isinstance(answer, Words):
        if gold.text.replace(" ", "") == answer.text.replace(" ", "") != "":
            return True
        if gold.letters and answer.letters:
            # `B` is `B. 45`, but `B. 45` is not `B. 46`.
            has_bare_letters = any(
                len(words.text.replace(" ", "")) <= 2 * len(words.letters) for words in (gold, answer)
            )
            return has_bare_letters and gold.letters == answer.letters
        if _SEGMENT.fullmatch(gold.text) and gold.text == answer.text[::-1]:
            return True
        return None if gold.formal or answer.formal else False
    words, other = (gold, answer) if isinstance(gold, Words) else (answer, gold)
    assert isinstance(words, Words)
    if words.letters and isinstance(other, Formula) and isinstance(other.tree, str):
        return words.letters == {other.tree}
    return None if words.formal else False


def _ratios(gold: Value, answer: Value) -> bool:
    """Whether two ratios or times of day are the same; a ratio of two parts is also its quotient."""
    if not (isinstance(gold, Ratio) and isinstance(answer, Ratio)):
        ratio, number = (gold, answer) if isinstance(gold, Ratio) else (answer, gold)
        assert isinstance(ratio, Ratio)
        if not isinstance(number, Quantity) or len(ratio.parts) != 2 or ratio.parts[1] == 0:
            return False
        # A time of day, which nobody would leave like this as a ratio: `12:30`, but not `7:12`.
        whole_parts = [part.numerator for part in ratio.parts if isinstance(part, Fraction)]
        if _TIME.fullmatch(ratio.text) and math.gcd(*whole_parts) > 1:
            return False
        if number.unit is not None and number.unit.dimension != "percent^1":
            return False
        return same_quantity(Quantity(ratio.parts[0] / ratio.parts[1]), number)
    times = [_HALF_DAY.sub("", ratio.text) for ratio in (gold, answer)]
    if times[0] == times[1]:
        return gold.text == answer.text or gold.text in times or answer.text in times
    if all(_TIME.fullmatch(time) for time in times) or len(gold.parts) != len(answer.parts):
        return False
    if not gold.parts or 0 in gold.parts or 0 in answer.parts:
        return False
    # In proportion: each product of outer parts is the product of the inner ones.
    first, other_first = gold.parts[0], answer.parts[0]
    return all(close(a * other_first, b * first) for a, b in zip(gold.parts, answer.parts, strict=True))


def _matrices(gold: Value, answer: Value, places: int | None) -> bool | None:
    if not isinstance(gold, Matrix) or not isinstance(answer, Matrix):
        return None
    shapes = [[len(row) for row in matrix.rows] for matrix in (gold, answer)]
    if shapes[0] != shapes[1] or gold.is_determinant != answer.is_determinant:
        return False
    cells = ([cell for row in matrix.rows for cell in row] for matrix in (gold, answer))
    return _all(equivalent(a, b, places) for a, b in zip(*cells, strict=True))
