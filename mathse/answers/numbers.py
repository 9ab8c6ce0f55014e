"""Read numbers: integers and decimals in any grouping, and constants with their units."""

import re
from fractions import Fraction

from mathse.answers.evaluate import evaluate
from mathse.answers.expression import parse
from mathse.answers.tokens import Unreadable
from mathse.answers.units import read_unit
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
    if first := _UNIT_FIRST.match(text):
        return _with_unit(text[first.end() :], first[0].strip())
    if scaled := _SCALED.fullmatch(text):
        value = read_quantity(f"{scaled[1]} {scaled[3]}") if scaled[3] else plain_number(scaled[1])
        return value and Quantity(value.value * _SCALES[scaled[2]], value.unit)
    for cut in _UNIT_PLACE.finditer(text):
        name = text[cut.end() :]
        spaced = cut.end() > cut.start() or not name.isascii()
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
