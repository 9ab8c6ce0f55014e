"""Answers in words: those that stand for something, option letters, and any text that is no mathematics."""

import re
from fractions import Fraction

from mathse.answers.expression import FUNCTIONS
from mathse.answers.values import Quantity, Value, Words
from mathse.answers.words import folded_words, known_word, number_in_words, option_letters

_CIRCLED = re.compile(r"[①-⑳](?:\s*(?:(?:[,;、，；和与及]|and)\s*)?[①-⑳])*")
_LETTERS = re.compile(
    r"[A-H]{2,}|\(?[A-H]\)?(?:\s*(?:[,/&]|and|or|和|或|、)\s*\(?[A-H]\)?)+|[A-H](?:\s+[A-H])+|\([A-H]\)(?:\s*\([A-H]\))+"
)
_PLAIN_WORDS = re.compile(r"[^\W\d_]{3,}(?:[ '-][^\W\d_]+)*")
_FORMAL = re.compile(r"\\[a-zA-Z]+|[_^]\{")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_words(text: str) -> Value | None:
    """Words that stand for something: yes and no, directions, number words. Also any plain prose word."""
    if len(text) > 60 or "\\" in text:
        return None
    number = number_in_words(text)
    if number is not None:
        return Quantity(Fraction(number), places=0)
    if _CIRCLED.fullmatch(text):
        return Words("".join(sorted(sign for sign in text if "①" <= sign <= "⑳")))
    if _LETTERS.fullmatch(text):
        return Words(text.lower(), option_letters(text))
    if _DATE.fullmatch(text):
        return Words(text)
    if known := known_word(text):
        return Words(known)
    first = text.partition(" ")[0]
    if first in FUNCTIONS or number_in_words(first) is not None:
        return None
    return Words(folded_words(text), option_letters(text)) if _PLAIN_WORDS.fullmatch(text) else None


def any_words(text: str) -> Words:
    """A text as words, whatever it holds."""
    plain = text.replace("{", "").replace("}", "") if "{" in text else text
    return Words(folded_words(plain), option_letters(plain), formal=bool(_FORMAL.search(text)))
