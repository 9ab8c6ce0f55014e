"""Words that are answers: yes and no, numbers in words, directions, option letters; English and Chinese."""

import re
from fractions import Fraction

_YES = frozenset("yes true correct right 是 是的 对 正确 能 可以 √ ✓ ✔".split())
_NO = frozenset("no false incorrect wrong 否 不是 错 错误 不正确 不能 不可以 × ✗ ✘".split())
_WITHOUT_SOLUTION = frozenset(("no solution", "no solutions", "there is no solution", "no real solution", "无解"))
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
_LETTERS = re.compile(r"[A-H]+|[A-H](?:\s*(?:[,/&+]|and|or|和|或|、)\s*[A-H])+|[A-H](?:\s+[A-H])+")
_OPTION_WORD = re.compile(r"^(?:option|choice|选项|选)s?\s*(?=\(?[A-H](?![a-z]))", re.IGNORECASE)
_LETTER_FIRST = re.compile(r"\(?([A-H])(?:\s*[.):]|\)|\s+(?=[A-Z(])|\s*$|\s*:)")


def folded_words(text: str) -> str:
    """Lower case, single spaces, no punctuation at the ends, no article at the start; known words in one spelling."""
    plain = _plain(text)
    return _known(plain) or plain


def known_word(text: str) -> str | None:
    """As `folded_words`, of a word in a list of this module or a bearing; None of any other."""
    return _known(_plain(text))


def _plain(text: str) -> str:
    return _ARTICLE.sub("", " ".join(text.lower().split()).strip(" .,;:!?\"'`*。，；：！？"))


def _known(plain: str) -> str | None:
    if plain in _YES:
        return "yes"
    if plain in _NO:
        return "no"
    if plain in _WITHOUT_SOLUTION:
        return "no solution"
    if plain in _DIRECTIONS:
        return _DIRECTIONS[plain] if len(plain) != 1 or not plain.isascii() else None
    return plain if plain in _DIRECTION_NAMES else _bearing(plain)


def _bearing(text: str) -> str | None:
    """`N 30° E`, `30 degrees east of north` and `北偏东30°` as one."""
    if (match := _BEARING.fullmatch(text)) is None:
        return None
    from_, turn, to = (match["f"], match["z"], match["d"]) if match["f"] else (
        match["a"], match["x"] or match["y"], match["b"] or match["c"]
    )  # fmt: skip
    return f"{_DIRECTIONS.get(from_, from_)} {Fraction(turn)} {_DIRECTIONS.get(to, to)}"


def number_in_words(text: str) -> int | None:
    """`twenty-one`, `three hundred and five`, `三`, `二十一`; None if it is no number."""
    plain = text.strip().lower()
    if not plain or len(plain) > 60:
        return None
    return _english(plain) if plain.isascii() else _chinese(plain)


def _english(text: str) -> int | None:
    total, current, seen = 0, 0, False
    for word in text.replace("-", " ").split():
        if word == "and" and seen:
            continue
        if word in _SCALES and seen:
            current = max(current, 1) * _SCALES[word]
            if word != "hundred":
                total, current = total + current, 0
        elif word in _ENGLISH and word != "half":
            current += _ENGLISH[word]
            seen = True
        else:
            return None
    return total + current if seen else None


def _chinese(text: str) -> int | None:
    if any(sign not in _DIGITS and sign not in _POWERS for sign in text):
        return None
    if all(sign in _DIGITS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
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
    if _LETTERS.fullmatch(bare):
        letters = [sign for sign in bare if "A" <= sign <= "H"]
        # `BB` and `ABDC` name no options; a list with separators may have any order.
        listed = len(letters) < len(bare) or letters == sorted(letters)
        return frozenset(letters) if listed and len(set(letters)) == len(letters) else frozenset()
    first = _LETTER_FIRST.match(plain)
    return frozenset(first[1]) if first else frozenset()
