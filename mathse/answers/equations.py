"""Whether two equations or inequalities say the same: one is the other times a constant, or solved for a symbol.

A true identity has no solutions to compare (`(a+b)^2 = a^2+2ab+b^2` holds for every number): it is what its terms say.
"""

from collections.abc import Sequence
from fractions import Fraction

from mathse.answers.evaluate import (
    Ambiguous,
    Number,
    close,
    evaluate,
    far_points,
    has_branches,
    is_complex,
    points,
    value_pairs,
)
from mathse.answers.expression import Tree, Unreadable, resolved, symbols
from mathse.answers.values import Relation

_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}
_MOST_TERMS = 24


def same_relation(gold: Relation, answer: Relation) -> bool | None:
    """Whether one relation is the other times a constant (a negative one turns an inequality round).

    Returns:
        None if neither can be evaluated.

    Raises:
        Ambiguous: Two identities, or two equations of which one follows from the other.
    """
    gold, answer = map(Relation, resolved(gold.tree, answer.tree), (gold.sign, answer.sign))
    names = symbols(gold.tree)
    if names != symbols(answer.tree) or not names:
        return False
    pairs = value_pairs(gold.tree, answer.tree, points(sorted(names)))
    if not pairs:
        return None
    identities = [all(pair[side] == 0 for pair in pairs) for side in (0, 1)]
    if any(identities):
        return all(identities) and _same_terms(gold.tree, answer.tree, sorted(names))
    factor = _constant_ratio(pairs)
    if factor is None:
        return _same_solved(gold, answer)
    if has_branches(gold.tree) or has_branches(answer.tree):
        far = value_pairs(gold.tree, answer.tree, far_points(sorted(names)), real=True)
        if far and not all(close(above, factor * below) for above, below in far):
            raise Ambiguous("the same for some values of its symbols, not for others")
    if is_complex(factor) or factor > 0:
        return gold.sign == answer.sign
    return gold.sign == _FLIPPED.get(answer.sign, answer.sign)


def _constant_ratio(pairs: Sequence[tuple[Number, Number]]) -> Number | None:
    """What the second of each pair has to be multiplied with to give the first; None if that differs."""
    above, below = next(((above, below) for above, below in pairs if below != 0), (Fraction(0), Fraction(1)))
    factor = above / below
    return factor if factor != 0 and all(close(first, factor * second) for first, second in pairs) else None


def _same_terms(first: Tree, second: Tree, names: list[str]) -> bool:
    """Whether two identities have the same terms, on whichever side, perhaps all times a constant."""
    places = points(names)
    terms, others = ([_at(term, places) for term in _terms(tree)] for tree in (first, second))
    if len(terms) == len(others) <= _MOST_TERMS:
        for candidate in others:
            if (factor := _constant_ratio(list(zip(terms[0], candidate, strict=True)))) is None:
                continue
            unmatched = list(others)
            for term in terms:
                match = next(
                    (o for o in unmatched if all(close(a, factor * b) for a, b in zip(term, o, strict=True))), None
                )
                if match is None:
                    break
                unmatched.remove(match)
            if not unmatched:
                return True
    raise Ambiguous("two identities")


def _at(term: Tree, places: Sequence[dict[str, Number]]) -> list[Number]:
    try:
        return [evaluate(term, place) for place in places]
    except Unreadable as error:
        raise Ambiguous("two identities") from error


def _terms(tree: Tree, is_negative: bool = False) -> list[Tree]:
    """What a sum adds up, with its signs."""
    if isinstance(tree, tuple) and tree[0] == "+":
        return [*_terms(tree[1], is_negative), *_terms(tree[2], is_negative)]
    if isinstance(tree, tuple) and tree[0] == "-":
        return _terms(tree[1], not is_negative)
    return [("-", tree)] if is_negative else [tree]


def _same_solved(gold: Relation, answer: Relation) -> bool:
    """Whether two equations that are no multiples are one, solved for different symbols: `V = IR`, `I = V/R`."""
    if gold.sign != "=" or answer.sign != "=":
        return False
    product, other_product = _as_product(gold.tree), _as_product(answer.tree)
    if product and other_product:
        (factor, powers), (other_factor, other_powers) = product, other_product
        for sign in (1, -1):
            if powers == {name: sign * power for name, power in other_powers.items()}:
                return close(factor, other_factor**sign)
        return False
    for relation, other in ((gold, answer), (answer, gold)):
        if (solved := _solved(relation.tree)) is None:
            continue
        name, tree = solved
        values = []
        for point in points(sorted(symbols(relation.tree))):
            try:
                values.append(evaluate(other.tree, {**point, name: evaluate(tree, point)}))
            except Unreadable:
                continue
        if values and all(value == 0 for value in values):
            raise Ambiguous("one equation follows from the other")
    return False


def _solved(tree: Tree) -> tuple[str, Tree] | None:
    """The symbol that one side of an equation is, and the other side, which does not have it."""
    left, right = _sides(tree)
    for side, other in ((left, right), (right, left)):
        if isinstance(side, str) and side in symbols(side) and side not in symbols(other):
            return side, other
    return None


def _sides(tree: Tree) -> tuple[Tree, Tree]:
    assert isinstance(tree, tuple)
    assert isinstance(tree[2], tuple)
    return tree[1], tree[2][1]


def _as_product(tree: Tree) -> tuple[Number, dict[str, Fraction]] | None:
    """An equation between products without a common symbol as a factor and powers whose product is one."""
    left, right = (_monomial(side) for side in _sides(tree))
    if left is None or right is None or not left[1].keys().isdisjoint(right[1]) or right[0] == 0:
        return None
    return left[0] / right[0], left[1] | {name: -power for name, power in right[1].items()}


def _monomial(tree: Tree) -> tuple[Number, dict[str, Fraction]] | None:
    """A product of powers of symbols, and a number before it."""
    if not symbols(tree):
        try:
            return evaluate(tree), {}
        except Unreadable:
            return None
    if isinstance(tree, str):
        return Fraction(1), {tree: Fraction(1)}
    assert isinstance(tree, tuple)
    operation, *operands = tree
    first = _monomial(operands[0])
    if first is None:
        return None
    factor, powers = first
    if operation == "-":
        return -factor, powers
    if operation == "^" and isinstance(operands[1], Fraction) and factor == 1 and operands[1].denominator == 1:
        return factor, {name: power * operands[1] for name, power in powers.items()}
    if operation not in ("*", "/") or (second := _monomial(operands[1])) is None or second[0] == 0:
        return None
    sign = 1 if operation == "*" else -1
    merged = {
        name: powers.get(name, Fraction(0)) + sign * second[1].get(name, Fraction(0)) for name in powers | second[1]
    }
    return factor * second[0] ** sign, {name: power for name, power in merged.items() if power}
