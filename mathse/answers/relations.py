"""Equations, inequalities, names and regions: what an answer with a relation sign says.

`x = 5` names a value, `2x + z = 1` is an equation, `-2 ≤ x < 7`, `x ∈ [-2, 7)` and `[-2, 7)` are one region.
"""

import cmath
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce

from mathse.answers.evaluate import Number, Real, evaluate
from mathse.answers.expression import Tree, Unreadable, parse, symbols
from mathse.answers.figures import statement
from mathse.answers.notation import cut_at, split_outside
from mathse.answers.regions import half_line, intersection, real, solution, to_region, union
from mathse.answers.values import Named, Quantity, Region, Relation, Span, Value, Words

Reader = Callable[[str, int], Value]

_ORDER = "<>≤≥≠"
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "≠": "≠"}
_NAME = re.compile(  # possessive throughout: what it has read is never read in another way
    r"(?:\\[a-zA-Z]++|(?<=[a-zA-Z])\(-?[\w.,]*+\)|[∠△⊙Δ]\d*+|[^\W\d_]\d*+|[(){}\[\],:'/| ]|_\{[^{}]*+\}|_\w)++"
)
_POINT = re.compile(r"[A-Z](?:_\d+|')*")
_POINTS = re.compile(rf"(?:{_POINT.pattern}){{2,4}}")
_SILENT = re.compile(rf"m?∠(?={_POINT.pattern}$)|_(?=[∠△])")
"""Signs without which a name is the same: `∠A` is `A`, `S_△ABC` is `S△ABC`."""
_PRODUCT = re.compile("[a-z]{1,2}|[abc]{3}|[xyz]{3}")
"""A symbol, or a product of symbols that is no word."""
_FUNCTION = re.compile(r"\\?(?P<name>sin|cos|tan|cot|sec|csc)\(?(?P<of>[^()]+)\)?")
_OF_A_FIGURE = re.compile(rf"(?P<name>[A-Z](?=[_(△∠])|[a-zA-Z]*[a-z])[_(]*△?(?P<of>∠?{_POINTS.pattern})\)?")
"""What is measured of a figure: `S_ABC`, `S△ABC`."""
_INDEX = re.compile(r"(?<=[a-zA-Z])(?=\d)")
_OF_A_SYMBOL = re.compile(r"[a-zA-Z]\([a-xz]\)")
_FIGURES = re.compile(r"[A-Z][A-Z_'\d]|[∠△⊙∥⊥≅≌∼∽‖⫽]|//|平行|垂直|全等|相似|parallel|perpendicular|congruent|similar")


def read_relation(text: str, depth: int, read: Reader) -> Value | None:
    """What a text with a relation sign or a union says; None if it has none outside of brackets.

    Args:
        depth: Brackets opened so far.
        read: Reads a part.
    """
    if not any(sign in text for sign in "=<>≤≥≠∈∪≈→"):
        return None
    if "→" in text and "=" not in text and any(sign.isdigit() for sign in text.rpartition("→")[2]):
        text = text.replace("→", "=")  # a step to the value
    if "≈" in text:
        return _approximation(text, depth, read)
    if "∈" in text:
        name, _, rest = text.partition("∈")
        value = read(rest, depth + 1)
        region = to_region(value)
        return Region(region.spans, _compact(name)) if region else Named(_compact(name), value)
    if any(sign in text for sign in _ORDER):
        return _inequality(text)
    return _equation(text, depth, read) if "=" in text else _union(text, depth, read)


def read_statement(text: str) -> Words | None:
    """What figures are to each other (`AB ∥ CD`), in the one spelling that `figures.statement` has for it."""
    relation = statement(text) if _FIGURES.search(text) else None
    return Words(relation) if relation else None


def is_name(text: str) -> bool:
    """Whether a left side only names what the right side is: `x1`, `AB`, `f(2)`, `(p, q)`, `A:B`, `Area of ABC`."""
    return bool(text) and len(text) <= 60 and _NAME.fullmatch(text) is not None


def other_name(first: str, second: str) -> bool:
    """Whether two names are of different things: `x` and `y`, `f(2)` and `f(3)`, `AB` and `CD`, angles `ABC` and `ACB`.

    A name in words and one in letters may mean the same thing, and `y` is the value of a function of a symbol.
    """
    names = (first, second)
    if first == second or ("y" in names and any(map(_OF_A_SYMBOL.fullmatch, names))):
        return False
    first, second = names = (_SILENT.sub("", first), _SILENT.sub("", second))
    if "/" in first + second or not (is_name(first) and is_name(second)):
        return True
    parts, others = first.split(":"), second.split(":")
    if len(parts) == len(others) > 1:  # a ratio has an order
        return any(map(other_name, parts, others))
    if all(map(_PRODUCT.fullmatch, names)):
        return sorted(first) != sorted(second)
    if (function := _FUNCTION.fullmatch(first)) and (other := _FUNCTION.fullmatch(second)):
        return function["name"] != other["name"] or other_name(function["of"], other["of"])
    if (measure := _OF_A_FIGURE.fullmatch(first)) and (other := _OF_A_FIGURE.fullmatch(second)):
        return measure["name"] != other["name"] or other_name(measure["of"], other["of"])
    if (other_figure := _other_figure(first, second)) is not None:
        return other_figure
    if first.strip("|") == second.strip("|"):
        return first != second  # `|x|` is not `x`
    # `f(2)` is not `f(3)`, but `f(x)` may be `f(t)`, and `P` is `P(A)`. What begins with a bracket has no
    # argument.
    heads, arguments = [], []
    for name in names:
        head, _, argument = name.partition("(")
        heads.append(head or name)
        arguments.append(argument.rstrip(")") if head else "")
    are_letters = all(len(head.partition("_")[0].strip("\\∠△'")) <= 1 or head.startswith("\\") for head in heads)
    are_symbols = all(map(str.isalpha, arguments)) and not all(map(str.isupper, arguments))
    return are_letters and (
        heads[0] != heads[1] or (all(arguments) and arguments[0] != arguments[1] and not are_symbols)
    )


def _other_figure(first: str, second: str) -> bool | None:
    """Whether names of segments, angles and polygons are of two; None if they are no names of figures."""
    points = [name.strip("m∠△|") for name in (first, second)]
    spelled = [_POINT.findall(name) for name in points]
    has_angle = "∠" in first + second
    if all(_POINTS.fullmatch(name) for name in points):
        # `AB` is `BA`; an angle is where its middle point is.
        middles = [name[1] for name in spelled if len(name) == 3 and has_angle]
        return sorted(spelled[0]) != sorted(spelled[1]) or len(set(middles)) > 1
    if has_angle and all(spelled) and any(map(_POINT.fullmatch, points)):
        # `∠ABC` is `∠B`.
        return len({name[1] if len(name) == 3 else name[0] for name in spelled}) > 1
    return None


def _approximation(text: str, depth: int, read: Reader) -> Value | None:
    """`exact ≈ rounded` is the exact value; `name ≈ rounded` a rounded one."""
    first, _, rest = text.partition("≈")
    first = first.strip().rstrip("=").strip()
    if first and not is_name(first):
        return read(first, depth + 1)
    value = read("≈" + rest.split("≈")[-1], depth + 1) if first else None
    return Named(_compact(first), value) if value is not None else None


def _equation(text: str, depth: int, read: Reader) -> Value | None:
    parts = [part.strip() for part in split_outside(text, "=")]
    if len(parts) < 2 or not parts[-1]:
        return None
    first, last = parts[0], parts[-1]
    if not first:
        return read(last, depth + 1)
    try:
        left, right = parse(first), parse(last)
    except Unreadable:
        if is_name(first):
            return Named(_compact(first), read(last, depth + 1))
        value = read(last, depth + 1)  # a calculation may end with a unit
        return value if isinstance(value, Quantity) and _holds(first, value.value) else None
    relation = Relation(_difference(left, right), "=")
    if is_name(first):
        return Named(_compact(first), read(last, depth + 1), relation)
    if symbols(relation.tree):
        return relation
    # Between constants, the last one is the answer if the equation holds, or one is the other rounded.
    try:
        return read(last, depth + 1) if _holds(first, evaluate(right)) else Words(text)
    except Unreadable:
        return Words(text)


def _holds(calculation: str, value: Number) -> bool:
    """Whether a calculation without symbols has about this value."""
    try:
        return cmath.isclose(complex(evaluate(parse(calculation))), complex(value), rel_tol=0.02, abs_tol=1e-9)
    except (Unreadable, OverflowError):
        return False


def _difference(left: Tree, right: Tree) -> Tree:
    return ("+", left, ("-", right))


def _compact(name: str) -> str:
    """A name without spaces and braces; `x1` is `x_1`."""
    return _INDEX.sub("_", name.replace(" ", "").replace("{", "").replace("}", ""))


def _inequality(text: str) -> Value | None:
    parts = cut_at(text, _ORDER)
    if len(parts) == 3 and not parts[0]:
        parts[0] = "x"  # `> 3` says it of whatever was asked for
        region = _inequality("".join(parts))
        return Region(region.spans) if isinstance(region, Region) else None
    if len(parts) not in (3, 5) or not all(parts):
        return None
    try:
        sides = [parse(part) for part in parts[::2]]
        if len(sides) == 3:
            return _double_inequality(sides, parts)
        (left, right), sign = sides, parts[1]
        # Linear in one symbol, or how far the symbol is from something.
        for tree, other, turned in ((left, right, sign), (right, left, _FLIPPED[sign])):
            if (bound := _real(other)) is not None and (region := solution(tree, half_line(bound, turned))):
                return region
        difference = _difference(left, right)
        region = solution(difference, half_line(Fraction(0), sign)) or _named_inequality(parts)
        return region or Relation(difference, sign)
    except Unreadable:
        return _named_inequality(parts)


def _double_inequality(sides: list[Tree], parts: list[str]) -> Value | None:
    """`low < middle ≤ high` and the like, solved for the symbol in the middle."""
    low_sign, high_sign = parts[1], parts[3]
    if {low_sign, high_sign} <= {">", "≥"}:
        sides, low_sign, high_sign = sides[::-1], _FLIPPED[high_sign], _FLIPPED[low_sign]
    if not {low_sign, high_sign} <= {"<", "≤"}:
        return None
    low, high = _real(sides[0]), _real(sides[2])
    if low is None or high is None:
        rising = parts if low_sign == parts[1] else [_FLIPPED.get(part, part) for part in reversed(parts)]
        return Words("".join(map(_compact, rising)))
    spans = (Span(low, high, low_sign == "≤", high_sign == "≤"),)
    return solution(sides[1], spans) or Region(spans, _compact(parts[2]))


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
            return Region(half_line(bound, sign), _compact(name))
    return None


def _real(tree: Tree) -> Real | None:
    return None if symbols(tree) else real(evaluate(tree))


def _union(text: str, depth: int, read: Reader) -> Value | None:
    parts = split_outside(text, "∪")
    if len(parts) < 2:
        return None
    regions = [region for part in parts if (region := to_region(read(part, depth + 1)))]
    if len(regions) < len(parts):
        return Words(text)
    return Region(union(span for region in regions for span in region.spans))


def one_region(values: Sequence[Value], all_hold: bool | None) -> Region | None:
    """Regions of one thing, in a list, as one region: `x < 1 or x > 3`, `x > 1 and x < 3`, `x > 1, x < 3`.

    Args:
        values: At least one.
        all_hold: True behind `and`; False behind `or`, where one of them holds; None behind commas, where all hold if
            they can.

    Returns:
        None if they are not all regions of the same thing, or if all have to hold and cannot.
    """
    regions = [region for value in values if (region := to_region(value))]
    names = {region.name for region in regions if region.name}
    if len(regions) < len(values) or len(names) > 1 or not any(isinstance(value, Region) for value in values):
        return None
    name = next(iter(names), "")
    if all_hold is not False and (shared := reduce(intersection, (region.spans for region in regions))):
        return Region(shared, name)
    return None if all_hold else Region(union(span for region in regions for span in region.spans), name)
