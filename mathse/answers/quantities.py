"""Numbers and quantities: integers and decimals in any grouping, constants with their units; read, and compared.

Two quantities are the same if their units convert. A unit that is missing fits any; percent is read both ways (`50 %`
is `50` and `0.5`), since gold answers are written both ways. Rounding is allowed where the problem or the gold says so,
and for decimals with a calculator's many digits.
"""

import re
from dataclasses import replace
from fractions import Fraction

from mathse.answers.evaluate import PI, Number, close, evaluate, is_complex
from mathse.answers.expression import Unreadable, parse
from mathse.answers.units import CLASSIFIERS, is_unit_word, read_unit
from mathse.answers.values import Quantity
from mathse.answers.words import number_in_words

LONGEST_DIGITS = 1_000

_NUMBER = re.compile(
    r"([+-]?)\s?(?:(\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)(\.\d+)?|(\.\d+)|(\d{1,3}(?:\.\d{3})+),(\d{1,2}))"
    r"(?:[eE]([+-]?\d{1,3}))?\.?"
)
_UNIT_FIRST = re.compile(r"^(?:[€£¥₹＄]\s*(?=[\d.-])|百分之)")
_UNIT_GAP = re.compile(
    r"(?<=[\d)}π°%!])\s*(?=[^\W\d_]|[°%€£¥＄℃℉Ω])|(?<=[^\W\d_])\s+(?=[^\W\d_])|(?<=\d\.)\s+(?=[^\W\d_])"
)
_BRACED_WORD = re.compile(r"(?<=\d)\s*\{([a-zA-Z]{2,})\}")
_RECURRING = re.compile(r"([+-]?)(\d{0,9})\.(\d{0,9})\\(?:overline|bar|dot)\s*\{(\d{1,9})\}")
_CHINESE = re.compile(
    "([零〇一二两三四五六七八九][零〇一二两三四五六七八九十百千万亿]*|十[一二三四五六七八九]?)(\\D{1,4})"
)
_ANGLE_FUNCTION = re.compile(r"\\?(?:sin|cos|tan|cot|sec|csc)\b")
_PART = r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+|[\u4e00-\u9fff]+|°|''?|\")"
_COMPOUND = re.compile(rf"{_PART}\s*(?:,|and)?\s*{_PART}(?:\s*(?:,|and)?\s*{_PART})?")
_SCALED = re.compile(r"(\D?[\d.,]*\d)\s*(hundred|thousand|million|billion|千万|百万|万|亿)(?![a-z])\s*(.*)")
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "万": 10**4, "百万": 10**6, "千万": 10**7,
    "亿": 10**8,
}  # fmt: skip
_SIXTIETHS = (
    frozenset("° 度 degree degrees".split()),
    frozenset("' 分 minute minutes arcmin".split()),
    frozenset("'' \" 秒 second seconds arcsec".split()),
)
"""Of an angle: degrees, minutes and seconds."""
_MOST_PLACES = 100
_LONG_DECIMAL = 10
"""Significant digits from which a decimal is what a calculator showed of a value, not a rounded answer."""


def plain_number(text: str) -> Quantity | None:
    """An integer or a decimal, grouped by commas or spaces or not (`1,000.99`, `1 000`, `1.000,99`)."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals, only, european, cents, exponent = match.groups()
    if european:
        whole, decimals = european.replace(".", ""), "." + cents
    digits = (whole or "").replace(",", "").replace(" ", "") + (decimals or only or "")
    if len(digits) > LONGEST_DIGITS:
        return None
    places = len(decimals or only or ".") - 1
    if exponent:
        return Quantity(Fraction(f"{sign}{digits}") * Fraction(10) ** int(exponent))
    value = Fraction(digits)
    significant = len(digits.replace(".", "").lstrip("0")) if places else 0
    return Quantity(-value if sign == "-" else value, places=places, digits=significant)


def read_quantity(text: str) -> Quantity | None:
    """A number (or a constant expression) with its unit behind it; money may stand before it."""
    if "{" in text:
        text = _BRACED_WORD.sub(r" \1", text)
    return _in_other_form(text) or _before_unit(text)


def _in_other_form(text: str) -> Quantity | None:
    """Numbers whose unit stands before them, that are scaled by a word, recur, or are Chinese words with a unit."""
    if first := _UNIT_FIRST.match(text):
        return _with_unit(text[first.end() :], first[0].strip())
    if scaled := _SCALED.fullmatch(text):
        value = read_quantity(f"{scaled[1]} {scaled[3]}") if scaled[3] else plain_number(scaled[1])
        return value and Quantity(value.value * _SCALES[scaled[2]], value.unit)
    if recurring := _RECURRING.fullmatch(text):
        sign, whole, fixed, repeated = recurring.groups()
        # `0.1\overline{6}` is (16 - 1) / 90.
        digits = int((whole or "0") + fixed + repeated) - int((whole or "0") + fixed)
        fraction = Fraction(digits, (10 ** len(repeated) - 1) * 10 ** len(fixed))
        return Quantity(-fraction if sign == "-" else fraction)
    if (chinese := _CHINESE.fullmatch(text)) and (chinese[2] in CLASSIFIERS or is_unit_word(chinese[2])):
        return _with_unit(chinese[1], chinese[2])
    return None


def _before_unit(text: str) -> Quantity | None:
    """The number before the first gap of the text that a unit follows."""
    for gap in _UNIT_GAP.finditer(text):
        name = text[gap.end() :]
        if name[0] == "°" and _ANGLE_FUNCTION.search(text, 0, gap.start()):
            continue  # `\sin 30°` is no quantity of degrees
        if len(name) == 1 and name in "xyzabcnpqkie":
            continue  # a symbol, and no thing that is counted
        unit = read_unit(name)
        # What is counted has a space before it: `3 apples`, but not `3ab`.
        is_apart = gap.end() > gap.start() or not name.isascii()
        if unit is None or not (unit.known or is_apart):
            continue
        if (quantity := _with_unit(text[: gap.start()], name)) is not None:
            return quantity
    return None


def read_compound(text: str) -> Quantity | None:
    """`3 h 30 min`, `5 ft 6 in`, `2米30厘米`, `45°30'`: units of one kind, each smaller than the one before."""
    if (match := _COMPOUND.fullmatch(text)) is None:
        return None
    numbers, names = match.groups()[::2], match.groups()[1::2]
    parts = [(Fraction(number), name) for number, name in zip(numbers, names, strict=True) if number]
    if parts[0][1] in _SIXTIETHS[0]:
        if any(name not in words for (_, name), words in zip(parts, _SIXTIETHS, strict=False)):
            return None
        return Quantity(sum((value / 60**place for place, (value, _) in enumerate(parts)), Fraction(0)), read_unit("°"))
    parts = [(number, "分钟" if name == "分" else name) for number, name in parts]  # a 分 alone is a point
    first = last = read_unit(parts[0][1])
    if first is None or last is None or not first.known:
        return None
    total = parts[0][0]
    for value, name in parts[1:]:
        unit = read_unit(name)
        if unit is None or not unit.known or unit.dimension != first.dimension or unit.factor >= last.factor:
            return None
        total, last = total + value * unit.factor / first.factor, unit
    return Quantity(total, first)


def _with_unit(number: str, name: str) -> Quantity | None:
    unit = read_unit(name)
    if plain := plain_number(number.strip()):
        return replace(plain, unit=unit)
    in_words = number_in_words(number)
    if in_words is not None:
        return Quantity(Fraction(in_words), unit, places=0)
    try:
        return Quantity(evaluate(parse(number)), unit)
    except Unreadable:
        return None


def same_quantity(gold: Quantity, answer: Quantity, places: int | None = None) -> bool:
    """Whether two quantities are the same, in units that convert, to decimal places or the gold's own `≈`."""
    pairs = _in_one_unit(gold, answer)
    if any(close(first, second) for first, second in pairs):
        return True
    if places is None and gold.about:
        places = gold.places
    margin = Fraction(0)
    if places is not None:
        # Half a unit of the last place, and a hair more for binary fractions.
        margin = Fraction(10) ** -min(places, _MOST_PLACES) / 2 * (1 + Fraction(1, 10**9))
    for decimal, exact in ((gold, answer), (answer, gold)):
        # A value with all the digits that a calculator shows of the other.
        if decimal.digits >= _LONG_DECIMAL and decimal.places is not None and exact.places is None:
            margin = max(margin, Fraction(1, 10**decimal.places))
    return any(
        -margin <= first - second <= margin
        for first, second in pairs
        if not is_complex(first) and not is_complex(second)
    )


def _in_one_unit(gold: Quantity, answer: Quantity) -> list[tuple[Number, Number]]:
    """Values of both in one unit; none if their units are of different kinds; two pairs for a percentage."""
    as_written = (gold.value, answer.value)
    first, second = gold.unit, answer.unit
    if first is None or second is None:
        unit, value, plain = (first, gold.value, answer.value) if second is None else (second, answer.value, gold.value)
        if unit is not None and unit.dimension == "percent^1":
            # `0.5` is 50 %, and not half a percent; `50` is 50 %.
            is_share = isinstance(plain, Fraction) and 0 < abs(plain) < 1
            return [(value / 100, plain)] if is_share else [as_written, (value / 100, plain)]
        if unit is not None and unit.dimension == "degree^1" and not isinstance(plain, Fraction):
            return [as_written, (value * PI / 180, plain)]  # `π/6` is an angle in radians
        return [as_written]
    if first.dimension == second.dimension:
        return [as_written if first == second else (gold.value * first.factor, answer.value * second.factor)]
    if {first.dimension, second.dimension} == {"degree^1", "radian^1"}:
        degrees, radians = (gold, answer) if first.dimension == "degree^1" else (answer, gold)
        return [(degrees.value * PI / 180, radians.value)]
    if "unit^1" in (first.dimension, second.dimension):
        return [as_written]
    # Counted things of which one names the other more fully: `sequences`, `arithmetic sequences`.
    are_counted = not first.known and not second.known
    return [as_written] if are_counted and first.dimension.split()[-1] == second.dimension.split()[-1] else []
