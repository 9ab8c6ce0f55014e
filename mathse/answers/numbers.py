"""Read numbers: integers and decimals in any grouping, and constants with their units."""

import re
from fractions import Fraction

from mathse.answers.evaluate import evaluate
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
_UNIT_PLACE = re.compile(
    r"(?<=[\d)}π°%!])\s*(?=[^\W\d_]|[°%€£¥＄℃℉Ω])|(?<=[^\W\d_])\s+(?=[^\W\d_])|(?<=\d\.)\s+(?=[^\W\d_])"
)
_BRACED_WORD = re.compile(r"(?<=\d)\s*\{([a-zA-Z]{2,})\}")
_RECURRING = re.compile(r"([+-]?)(\d{0,9})\.(\d{0,9})\\(?:overline|bar|dot)\s*\{(\d{1,9})\}")
_CHINESE = re.compile(
    "([零〇一二两三四五六七八九][零〇一二两三四五六七八九十百千万亿]*|十[一二三四五六七八九]?)(\\D{1,4})"
)
_ANGLE_FUNCTION = re.compile(r"\\?(?:sin|cos|tan|cot|sec|csc)\b")
_ONE = r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+|[\u4e00-\u9fff]+|°|''?|\")"
_COMPOUND = re.compile(rf"{_ONE}\s*(?:,|and)?\s*{_ONE}(?:\s*(?:,|and)?\s*{_ONE})?")
_SCALED = re.compile(r"(\D?[\d.,]*\d)\s*(hundred|thousand|million|billion|千万|百万|万|亿)(?![a-z])\s*(.*)")
_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "万": 10**4, "百万": 10**6, "千万": 10**7,
    "亿": 10**8,
}  # fmt: skip


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
    return _special(text) or _number_before_unit(text)


def _special(text: str) -> Quantity | None:
    """Numbers whose unit stands before them, that are scaled by a word, recur, or are Chinese words with a unit."""
    if first := _UNIT_FIRST.match(text):
        return _with_unit(text[first.end() :], first[0].strip())
    if scaled := _SCALED.fullmatch(text):
        value = read_quantity(f"{scaled[1]} {scaled[3]}") if scaled[3] else plain_number(scaled[1])
        return value and Quantity(value.value * _SCALES[scaled[2]], value.unit)
    if recurring := _RECURRING.fullmatch(text):
        return _recurring(*recurring.groups())
    if (chinese := _CHINESE.fullmatch(text)) and (chinese[2] in CLASSIFIERS or is_unit_word(chinese[2])):
        return _with_unit(chinese[1], chinese[2])
    return None


def _number_before_unit(text: str) -> Quantity | None:
    for cut in _UNIT_PLACE.finditer(text):
        name = text[cut.end() :]
        spaced = cut.end() > cut.start() or not name.isascii()
        if text[cut.end()] == "°" and _ANGLE_FUNCTION.search(text, 0, cut.start()):
            continue
        if (len(name) > 1 and not spaced and not (unit := read_unit(name))) or (
            len(name) == 1 and name in "xyzabcnpqkie"
        ):
            continue
        unit = read_unit(name)
        if unit is None or not (unit.known or spaced):
            continue
        if (found := _with_unit(text[: cut.start()], name)) is not None:
            return found
    return None


def read_compound(text: str) -> Quantity | None:
    """`3 h 30 min`, `5 ft 6 in`, `2米30厘米`, `45°30'`: units of one kind, each smaller than the one before."""
    if (match := _COMPOUND.fullmatch(text)) is None:
        return None
    numbers, names = match.groups()[::2], match.groups()[1::2]
    parts = [(Fraction(number), name) for number, name in zip(numbers, names, strict=True) if number]
    if parts[0][1] == "°":
        sixtieths = ["°", "'", '"' if '"' in names else "''"]
        if [name for _, name in parts] != sixtieths[: len(parts)]:
            return None
        return Quantity(sum((value / 60**place for place, (value, _) in enumerate(parts)), Fraction(0)), read_unit("°"))
    units = [read_unit(name) for _, name in parts]
    first = units[0]
    total, last = Fraction(0), None
    for (value, _), unit in zip(parts, units, strict=True):
        if first is None or unit is None or not unit.known or unit.dimension != first.dimension:
            return None
        if last is not None and unit.factor >= last:
            return None
        total, last = total + value * unit.factor / first.factor, unit.factor
    return Quantity(total, first)


def _recurring(sign: str, whole: str, fixed: str, repeated: str) -> Quantity:
    r"""`0.1\overline{6}` is a sixth."""
    digits = int((whole or "0") + fixed + repeated) - int((whole or "0") + fixed)
    value = Fraction(digits, (10 ** len(repeated) - 1) * 10 ** len(fixed))
    return Quantity(-value if sign == "-" else value)


def _with_unit(number: str, name: str) -> Quantity | None:
    unit = read_unit(name)
    plain = plain_number(number.strip())
    if plain is not None:
        return Quantity(plain.value, unit, False, plain.places, plain.digits)
    worded = number_in_words(number)
    if worded is not None:
        return Quantity(Fraction(worded), unit, False, 0)
    try:
        return Quantity(evaluate(parse(number)), unit)
    except Unreadable:
        return None
