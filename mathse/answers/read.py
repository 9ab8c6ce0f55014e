r"""Read an answer: from its text to a typed value (`mathse.answers.values`). Nothing here raises on any text.

What is tried, in this order: one number; several values (split at `;`, at `and` and `or`, at commas outside of
brackets); something named or related (`=`, `<`, `∈`); unions; brackets; ratios; a number with its unit; an expression;
words. The cuts are made outside of brackets only, and depth and length are bounded.

Sample: `x=2 or x=3`  ->  `Several((Named("x", Quantity(2)), Named("x", Quantity(3))))`
"""

import re
from dataclasses import replace
from fractions import Fraction

from mathse.answers.evaluate import evaluate
from mathse.answers.expression import Tree, Unreadable, parse, symbols
from mathse.answers.notation import DOLLAR, SET_CLOSE, SET_OPEN, canonical, closing_place, split_outside
from mathse.answers.quantities import plain_number, read_compound, read_quantity
from mathse.answers.regions import intersection, to_region, whole_numbers
from mathse.answers.relations import one_region, read_relation, read_statement
from mathse.answers.units import is_unit_word, read_unit
from mathse.answers.values import (
    INFINITY,
    PARAMETER,
    Family,
    Formula,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Region,
    Several,
    Span,
    Value,
    Words,
)
from mathse.answers.words import any_words, folded_words, read_words

LONGEST = 1_000
DEEPEST = 12

_DECIMAL_COMMA = re.compile(r"([€£¥]?[+-]?\d+),(\d{1,2})(\s*[^\d,;]*)")
_ONE_GROUPED = re.compile(r"[^,()\[\]]*(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)[^,]*")
_LABEL = re.compile(r"[^\W\d_][^\W\d_ ]*(?: [^\W\d_]+)*\s*:\s*(?=[^:]*$)")
_ABOUT = re.compile(
    r"^(?:about|approximately|approx\.?|around|roughly|nearly|≈|大约|约为?|近似)\s*(?=\S)", re.IGNORECASE
)
_AND_OR = re.compile(r"\s*(?:,\s*)?(?<![a-zA-Z])(?:and|or)(?![a-z])\s*|\s*,?\s*(?:和|或者?|以及|与|且)\s*")
_AND = re.compile(r"(?<![a-zA-Z])and(?![a-z])|和|以及|与|且")
_MATRIX = re.compile(r"\\begin\{([bBpvV]?matrix|array)\}(?:\{[lcr| ]*\})?(.*)\\end\{\1\}", re.DOTALL)
_CASES = re.compile(r"\\begin\{cases\}(.*)\\end\{cases\}", re.DOTALL)
_ASSIGNED_TEXT = re.compile(r"^(?:the\s+)?(?:final\s+)?answer\s*(?:is|:)\s*", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)\s*(?:([ap])\.?m\.?)?", re.IGNORECASE)
_MONEY = re.compile(r"\$(?=-?\d)|(?<=\d)\$")
_UNIT_BEHIND = re.compile(r"(.*[a-zA-Z\d)}]) ([a-zA-Z]{2}[a-zA-Z ]*(?:\^?\d)?)")
_UNIT_IN_BRACKETS = re.compile(r"(.*[\d}°%π])\s*\(\s*([^\W\d_][^()\d]*?)\s*\)")
_POINT = re.compile(r"([A-Z]'?)\s*(?=\()")
_SPACES = re.compile(r"\s+")
_RUNNING_WORDS = re.compile(r"(?<![\\a-zA-Z])(?!(?:sin|cos|tan|log|ln|lg|pi|max|min|sqrt)\b|[A-Z]{2}\b)[a-zA-Z]{2,}\b")
_FILL_IN = re.compile(r"(?![A-H][ .)])(?![=+*/^,;:)\]}&])(?!\\[)\]]).*[^=+*/^,(\[{<>&:-]")
"""What may stand on a line of its own: no option with its text, nothing that goes on."""
_WHOLE = re.compile(
    r"[,;]?\s*(?:where|其中|for(?: any| all| every)?)?\s*\(?\s*(?<![a-zA-Z\\])(?:"
    r"(?P<a>[a-z])\s*∈\s*\{?\s*(?P<set>[ZNℤℕ])\s*\}?\s*(?:[_^]\s*\{?\s*[*+]\s*\}?|\*|\+)?"
    r"|(?P<b>[a-z])\s*(?:is an (?:arbitrary )?|为|是)(?:任意)?(?:integer|整数)|(?:integers?|整数)\s*(?P<c>[a-z]))"
    r"\s*\)?(?![a-zA-Z])"
)
"""Says of a letter that it is any whole number."""
_SET_BUILDER = re.compile(
    rf"[{SET_OPEN}{{]\s*(?P<head>[^|:,]+|\([^()|]*\))\s*[|:]\s*(?P<condition>.*)[{SET_CLOSE}}}]", re.DOTALL
)
_ELEMENT = re.compile(r"(?P<name>[a-zA-Z])\s*(?:∈\s*(?P<set>[A-Zℝℤℕ])[*+]?)?")
_MIXED = re.compile(r"(?<=\d)\s*又\s*(?=\d+/|\\frac)")
_MOST_ELEMENTS = 64
_BRACKETS = (("(", ")"), ("{", "}"), (SET_OPEN, SET_CLOSE))


def read(text: str) -> Value:
    """The value that an answer's text stands for, however it is written; `Words` where it is none that we read."""
    if len(text) > 10 * LONGEST:
        return Words(folded_words(text[:LONGEST]))
    if "\n" in text.strip():
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        # The parts of a fill-in answer, each on its line: option letters make one list, others have an order.
        if r"\begin" not in text and all(_FILL_IN.fullmatch(line) and line.count("$") % 2 == 0 for line in lines):
            separator = ", " if all(len(line) == 1 and line.isalpha() for line in lines) else "; "
            text = separator.join(line.rstrip(".;, ") for line in lines)
    return read_canonical(canonical(text))


def read_canonical(text: str, depth: int = 0) -> Value:
    """As `read`, of canonical text; `depth` counts brackets opened so far."""
    text = bare(text)
    if number := plain_number(text):
        return number
    says_whole = "∈" in text or "integer" in text or "整数" in text
    if depth == 0 and says_whole and (whole := _WHOLE.search(text)):
        return _set_builder(text, depth) or _family(text, whole)
    if "又" in text:
        text = _MIXED.sub(" ", text)
    if text[-1:] == ")" and (unit := _UNIT_IN_BRACKETS.fullmatch(text)) and read_unit(unit[2]):
        text = unit[1] if unit[1].endswith(("°", "%")) else f"{unit[1]} {unit[2]}"
    if _ONE_GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if depth > DEEPEST or len(text) > LONGEST:
        return Words(folded_words(text[:LONGEST]))
    return (
        read_statement(text)
        or read_words(text)
        or read_compound(text)
        or _matrix(text, depth)
        or _set_builder(text, depth)
        or _behind_label(text, depth)
        or _several(text, depth)
        or read_relation(text, depth, read_canonical)
        or _brackets(text, depth)
        or _ratio(text)
        or _approximate(text, depth)
        or read_quantity(text)
        or _expression(text)
        or any_words(text)
    )


def bare(text: str) -> str:
    """Without dollar signs, quotes, full stops and braces around the whole."""
    if "$" in text:
        # One alone is money's; two enclose a formula.
        text = _MONEY.sub(DOLLAR, text) if text.count("$") == 1 else text
        text = _SPACES.sub(" ", text.replace("$", " "))
    text = text.strip(" `")
    if text[:1] in "\"'" and text[-1:] == text[:1]:
        text = text.strip(" \"'")
    if text[-1:] in ".,;。" and not text.endswith(".."):
        text = text.rstrip(".,;。 ")
    while text.startswith("{") and text.endswith("}") and closing_place(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return _ASSIGNED_TEXT.sub("", text) if text[:1] in "TtFfAa" else text


def _family(text: str, whole: re.Match[str]) -> Value:
    """A value for each whole number, where a text says so of a letter: `x = kπ, k ∈ Z`."""
    letter = whole["a"] or whole["b"] or whole["c"]
    rest = _WHOLE.sub(lambda match: "" if letter in match.groups() else match[0], text)
    # A letter within a command is none, and Greek ones do not run into words.
    renamed = re.sub(rf"\\[a-zA-Z]+|{letter}", lambda match: match[0] if len(match[0]) > 1 else PARAMETER, rest)
    value = read_canonical(renamed, 1)
    domain = "N" if (whole["set"] or "Z") in "Nℕ" else "Z"
    return value.value if isinstance(value, Family) else Family(value, domain) if renamed != rest else any_words(text)


def _set_builder(text: str, depth: int) -> Value | None:
    r"""A set by its condition: `\{x | x > 2\}`, `\{x ∈ Z | 1 < x ≤ 3\}`, `\{x | x = 2k, k ∈ Z\}`."""
    if "|" not in text and ":" not in text:
        return None
    match = _SET_BUILDER.fullmatch(text)
    element = match and _ELEMENT.fullmatch(match["head"].strip())
    if not match or not element:
        return None
    condition, domain = match["condition"], element["set"] or "R"
    if inner := re.search(rf"[,;]?\s*{element['name']}\s*∈\s*([ZNRℤℕℝ])\s*$", condition):
        condition, domain = condition[: inner.start()], inner[1]
    value = read_canonical(condition, depth)
    if isinstance(value, Family):
        return value
    region = to_region(value)
    if region and domain in "Rℝ":
        return Region(region.spans)
    first = Fraction(0) if domain in "Nℕ" else -INFINITY
    spans = intersection(region.spans, (Span(first, INFINITY, True, False),)) if region else ()
    if spans and domain in "ZNℤℕ" and (elements := whole_numbers(spans, _MOST_ELEMENTS)) is not None:
        inside = tuple(Quantity(Fraction(number)) for number in elements)
        return Several(inside, SET_OPEN + SET_CLOSE) if inside else Words("no solution")
    items = value.items if isinstance(value, Several) else (value,)
    if domain in "Rℝ" and all(isinstance(item, Named) and item.name == element["name"] for item in items):
        return Several(tuple(item.value for item in items if isinstance(item, Named)), SET_OPEN + SET_CLOSE)
    return any_words(text)


def _matrix(text: str, depth: int) -> Value | None:
    if cases := _CASES.fullmatch(text):
        # A system's equations are a list; with conditions behind `&` it is a function.
        return None if "&" in cases[1] else read_canonical(", ".join(cases[1].split("\\\\")), depth + 1)
    match = _MATRIX.fullmatch(text)
    if match is None or r"\begin" in match[2]:
        return None
    rows = [row for row in match[2].split("\\\\") if row.strip()]
    cells = tuple(tuple(read_canonical(cell, depth + 1) for cell in row.split("&")) for row in rows)
    return Matrix(cells, match[1] == "vmatrix")


def _behind_label(text: str, depth: int) -> Value | None:
    """What stands behind a label of words and a colon (`Total : 25`)."""
    match = _LABEL.match(text)
    if match is None:
        return None
    label = match[0].rstrip(" :")
    # `A: B` and `AB : CD` are ratios.
    return read_canonical(text[match.end() :], depth + 1) if len(label) >= 2 and not label.isupper() else None


def _several(text: str, depth: int) -> Value | None:
    """A list without brackets: split at the loosest separator that it holds."""
    parts = split_outside(text, ";")
    if len(parts) > 1:
        return _list(parts, depth, ordered=True)
    if ("and" in text or "or" in text or not text.isascii()) and len(parts := _split_at_words(text)) > 1:
        groups = [read_canonical(part, depth + 1) for part in parts]
        if region := one_region(groups, all_hold=_AND.search(text) is not None):
            return region
        lists = [group for group in groups if isinstance(group, Several)]
        # `x = 1, y = 2 or x = 3, y = 4`: solutions of a system, which are not mixed.
        if len(lists) == len(groups) and all(
            len(group.items) > 1 and all(isinstance(item, Named) for item in group.items) for group in lists
        ):
            return Several(tuple(groups))
        items: list[Value] = []
        for group in groups:
            items += group.items if isinstance(group, Several) and not group.brackets else (group,)
        return Several(tuple(items))
    parts = split_outside(text, ",")
    if len(parts) < 2 or ("|" in text and text.startswith(SET_OPEN)):  # a bar: the set's condition stands behind it
        return None
    comma = _DECIMAL_COMMA.fullmatch(text)  # `1,22` may be two numbers, or 1.22
    number = read_canonical(f"{comma[1]}.{comma[2]}{comma[3]}", depth + 1) if comma else None
    return _list(parts, depth, number=number if isinstance(number, Quantity) else None)


def _list(parts: list[str], depth: int, ordered: bool = False, number: Quantity | None = None) -> Value:
    items = tuple(read_canonical(part, depth + 1) for part in parts if part.strip())
    if len(items) == 1:
        return items[0]
    if not items:
        return Words("")
    if not ordered and (region := one_region(items, all_hold=None)):
        return region
    return Several(items, ordered=ordered, number=number)


def _split_at_words(text: str) -> list[str]:
    """Parts between `and`s and `or`s that stand outside of brackets."""
    parts, start = [], 0
    for word in _AND_OR.finditer(text):
        before = text[: word.start()]
        if all(before.count(opening) == before.count(closing) for opening, closing in _BRACKETS):
            parts.append(text[start : word.start()])
            start = word.end()
    parts.append(text[start:])
    return [part for part in (part.strip(" ,") for part in parts) if part]


def _brackets(text: str, depth: int) -> Value | None:
    """A tuple, an interval or a set; brackets around one value alone are opened. A point may have its letter before."""
    if (point := _POINT.match(text)) and isinstance(place := _brackets(text[point.end() :], depth), Several):
        return Named(point[1], place)
    if text[:1] not in ("(", "[", SET_OPEN) or text[-1:] not in (")", "]", SET_CLOSE):
        return None
    if closing_place(text, 0) != len(text) - 1:
        return None
    parts = split_outside(text[1:-1], ";")
    if len(parts) < 2:
        parts = split_outside(text[1:-1], ",")
    if len(parts) < 2 and text[0] != SET_OPEN:
        if not text[1:-1].strip():
            return None
        inner = read_canonical(text[1:-1], depth + 1)
        return None if isinstance(inner, Several) else inner
    items = tuple(read_canonical(part, depth + 1) for part in parts if part.strip())
    return Several(items, text[0] + text[-1]) if items else Words("no solution")


def _ratio(text: str) -> Value | None:
    if ":" not in text:
        return None
    time = _TIME.fullmatch(text)
    # `3:05` is a time of day; `3:15` may be a ratio too.
    if time and (time[2] or time[1].split(":")[1].startswith("0")):
        return Ratio((), time[1] + (time[2].lower() + "m" if time[2] else ""))
    parts = split_outside(text, ":")
    try:
        values = tuple(evaluate(parse(part)) for part in parts)
    except Unreadable:
        return None
    return Ratio(values, text.replace(" ", "")) if len(values) > 1 else None


def _approximate(text: str, depth: int) -> Value | None:
    rest = _ABOUT.sub("", text)
    if rest == text:
        return None
    value = read_canonical(rest, depth + 1)
    return replace(value, about=True) if isinstance(value, Quantity) else value


def _expression(text: str) -> Value | None:
    if len(_RUNNING_WORDS.findall(text)) > 1:
        return None
    if (unit := _UNIT_BEHIND.fullmatch(text)) and is_unit_word(unit[2]):
        text = unit[1]
    try:
        tree = parse(text.replace(DOLLAR, ""))
        upper, lower = _with_sign(tree, "+"), _with_sign(tree, "-")
        trees = [upper] if upper == lower else [upper, lower]
        values = [Formula(tree) if symbols(tree) else Quantity(evaluate(tree)) for tree in trees]
    except Unreadable:
        return None
    return values[0] if len(values) == 1 else Several(tuple(values))


def _with_sign(tree: Tree, sign: str) -> Tree:
    """A tree in which every `±` is this sign."""
    if not isinstance(tree, tuple):
        return tree
    parts = tuple(part if place == 0 else _with_sign(part, sign) for place, part in enumerate(tree))
    if parts[0] != "±":
        return parts
    return ("+", parts[1], parts[2] if sign == "+" else ("-", parts[2]))
