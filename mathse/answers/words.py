"""Answers in words: yes and no, numbers in words, directions, option letters, any other text; English and Chinese."""

import re
from fractions import Fraction

from mathse.answers.expression import FUNCTIONS
from mathse.answers.values import Quantity, Value, Words

_YES = frozenset("yes true correct right 是 是的 对 正确 能 可以 √ ✓ ✔".split())
_NO = frozenset("no false incorrect wrong 否 不是 错 错误 不正确 不能 不可以 × ✗ ✘".split())
_WITHOUT_SOLUTION = frozenset(
    (
        "no solution", "no solutions", "there is no solution", "there are no solutions", "no real solution",
        "no real solutions", "empty set", "empty", "∅", "⟦⟧", "无解", "空集", "无实数解", "无实数根", "方程无解",
        "方程无实数根", "没有解", "没有实数根",
    )
)  # fmt: skip
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = {
    word: 10 * place for place, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_ENGLISH = {word: number for number, word in enumerate(_UNITS)} | _TENS | {"half": 0}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6}
_DIGITS = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 10**8}
_DIRECTIONS = {
    "东": "east", "西": "west", "南": "south", "北": "north", "东北": "northeast", "东南": "southeast",
    "西北": "northwest", "西南": "southwest", "上": "up", "下": "down", "左": "left", "右": "right",
    "n": "north", "s": "south", "e": "east", "w": "west", "ne": "northeast", "nw": "northwest", "se": "southeast",
    "sw": "southwest", "北东": "northeast",
}  # fmt: skip
_DIRECTION_NAMES = frozenset(_DIRECTIONS.values())
_BEARING = re.compile(
    r"(?:(?P<a>north|south|east|west|[nsew东西南北])\s*偏?\s*(?:by\s*)?(?:(?P<x>\d+(?:\.\d+)?)\s*(?:°|degrees?|度)?\s*"
    r"(?P<b>north|south|east|west|[nsew])|(?P<c>[东西南北])\s*(?P<y>\d+(?:\.\d+)?)\s*(?:°|度)?)"
    r"|(?P<z>\d+(?:\.\d+)?)\s*(?:°|degrees?)?\s*(?P<d>north|south|east|west)\s+of\s+(?P<f>north|south|east|west))"
)
_ARTICLE = re.compile(r"^(?:the\s+(?=\S)|an?\s+(?=[^\W\d_]{2}))")
_BARE_LETTERS = re.compile(r"[A-H]+|[A-H](?:\s*(?:[,/&+]|and|or|和|或|、)\s*[A-H])+|[A-H](?:\s+[A-H])+")
_OPTION_WORD = re.compile(r"^(?:option|choice|选项|选)s?\s*(?=\(?[A-H](?![a-z]))", re.IGNORECASE)
_LETTER_FIRST = re.compile(r"\(?([A-H])(?:\s*[.):]|\)|\s+(?=[A-Z(])|\s*$|\s*:)")
_YES_OR_NO = re.compile(r"(yes|no|true|false|是的?|不是|能|不能|对|不对)\s*[,;.]\D*", re.IGNORECASE)
"""With words behind it that hold no other answer."""
_SHARE = re.compile("(?:([^又]{1,6})又)?([^百又]{1,6})分之(.{1,6})")
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
    if (share := _SHARE.fullmatch(text)) and (value := _share(*share.groups())) is not None:
        return Quantity(value)
    if _CIRCLED.fullmatch(text):
        return Words("".join(sorted(sign for sign in text if "①" <= sign <= "⑳")))
    if _LETTERS.fullmatch(text):
        return Words(text.lower(), option_letters(text))
    if _DATE.fullmatch(text):
        return Words(text)
    if word := known_word(text) or ((said := _YES_OR_NO.fullmatch(text)) and known_word(said[1])):
        return Words(word)
    # `sin x` and `three cm` are no prose.
    first = text.partition(" ")[0]
    if first in FUNCTIONS or number_in_words(first) is not None:
        return None
    is_plain = _PLAIN_WORDS.fullmatch(text) and not text.startswith("百分之")
    return Words(folded_words(text), option_letters(text)) if is_plain else None


def _share(whole: str | None, below: str, above: str) -> Fraction | None:
    """`三分之一`, `2又3分之1`."""
    numbers = [int(part) if part.isdecimal() else number_in_words(part) for part in (whole or "零", below, above)]
    if numbers[1] in (None, 0) or None in numbers:
        return None
    first, denominator, numerator = (number or 0 for number in numbers)
    return first + Fraction(numerator, denominator)


def any_words(text: str) -> Words:
    """A text as words, whatever it holds."""
    plain = text.replace("{", "").replace("}", "") if "{" in text else text
    return Words(folded_words(plain), option_letters(plain), formal=bool(_FORMAL.search(text)))


def folded_words(text: str) -> str:
    """Lower case, single spaces, no punctuation at the ends, no article at the start; known words in one spelling."""
    return known_word(text) or _plain(text)


def known_word(text: str) -> str | None:
    """As `folded_words`, of a word in a list of this module or a bearing; None of any other."""
    plain = _plain(text)
    if plain in _YES:
        return "yes"
    if plain in _NO:
        return "no"
    if plain in _WITHOUT_SOLUTION:
        return "no solution"
    if plain in _DIRECTIONS:
        # `s` alone is a letter of a formula, rather than the south.
        return _DIRECTIONS[plain] if len(plain) != 1 or not plain.isascii() else None
    if plain in _DIRECTION_NAMES:
        return plain
    if (bearing := _BEARING.fullmatch(plain)) is None:
        return None
    # `N 30° E`, `30 degrees east of north` and `北偏东30°` are one.
    if bearing["f"]:
        start, angle, end = bearing["f"], bearing["z"], bearing["d"]
    else:
        start, angle, end = bearing["a"], bearing["x"] or bearing["y"], bearing["b"] or bearing["c"]
    return f"{_DIRECTIONS.get(start, start)} {Fraction(angle)} {_DIRECTIONS.get(end, end)}"


def _plain(text: str) -> str:
    return _ARTICLE.sub("", " ".join(text.lower().split()).strip(" .,;:!?\"'`*。，；：！？"))


def number_in_words(text: str) -> int | None:
    """`twenty-one`, `three hundred and five`, `三`, `二十一`; None if it is no number."""
    plain = text.strip().lower()
    if not plain or len(plain) > 60:
        return None
    return _english(plain) if plain.isascii() else _chinese(plain)


def _english(text: str) -> int | None:
    total, current, has_number = 0, 0, False
    for word in text.replace("-", " ").split():
        if word == "and" and has_number:
            continue
        if word in _SCALES and has_number:
            current = max(current, 1) * _SCALES[word]
            if word != "hundred":
                total, current = total + current, 0
        elif word in _ENGLISH and word != "half":
            current += _ENGLISH[word]
            has_number = True
        else:
            return None
    return total + current if has_number else None


def _chinese(text: str) -> int | None:
    if any(sign not in _DIGITS and sign not in _POWERS for sign in text):
        return None
    if all(sign in _DIGITS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
    # A section is what stands before 万 or 亿: below ten thousand.
    total, section, digit = 0, 0, 0
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif _POWERS[sign] < 10_000:
            section += (digit or 1) * _POWERS[sign]
            digit = 0
        else:
            total = (total + section + digit) * _POWERS[sign]
            section = digit = 0
    return total + section + digit


def option_letters(text: str) -> frozenset[str]:
    """The option letters that a text is made of (`ABD`, `A, B`), or the one it begins with (`B. 45`, `(C) Cecile`)."""
    plain = _OPTION_WORD.sub("", text.strip().strip(".").strip())
    bare = plain.replace("(", "").replace(")", "").strip()
    if _BARE_LETTERS.fullmatch(bare):
        letters = [sign for sign in bare if "A" <= sign <= "H"]
        # `BB` and `ABDC` name no options; a list with separators may have any order.
        is_list = len(letters) < len(bare) or letters == sorted(letters)
        return frozenset(letters) if is_list and len(set(letters)) == len(letters) else frozenset()
    first = _LETTER_FIRST.match(plain)
    return frozenset(first[1]) if first else frozenset()
