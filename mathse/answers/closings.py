r"""How a solution closes, in English and Chinese: boxes, announcements of the answer, and conclusions.

`\boxed{70}`; the marker sentence (`schemas.MARKER`); `answer is 70`, `答案是70`, `故选B`, `#### 70`; else the sentence
that concludes (`Therefore x = 70.`).
"""

import re
from typing import NamedTuple

from mathse.answers import chinese
from mathse.answers.notation import balanced, canonical
from mathse.answers.phrases import CHINESE, ENGLISH, pattern
from mathse.tables.schemas import MARKER

LONGEST = 300
"""Characters of an answer. What is longer is prose or a runaway generation."""

_GAP = 20
"""Characters between two boxes of one answer."""
_MOST_BOXES = 32
"""Boxes of one answer."""
_UNCLOSED = 100
"""Characters of a box that no brace closes."""
_CORRECTION = re.compile(
    r"\b(?:then|which|that is|i\.e|so|thus|hence|therefore|answer|option|wait|sorry|actually|correct(?:ion)?|instead"
    r"|rather|mistake|no)\b"
    r"|不对|等等|应为|更正|->|→",
    re.IGNORECASE,
)
"""What makes a second box another statement, not a second part of one answer."""
_CONNECTION = re.compile(r",|;|\band\b|\bor\b|&|\+{2,}|和|或|、|及|与", re.IGNORECASE)

_ANNOUNCEMENT = pattern([phrase for phrase in ENGLISH if "{option}" not in phrase.form], "i")
_FIRST_WORD = re.compile("final|correct|right|ans|####")
_OPTION_NAMED = pattern([phrase for phrase in ENGLISH if "{option}" in phrase.form])
_CHINESE = pattern(CHINESE)
_NOT_BUT = re.compile(r"^not\b[^.]*?\bbut\b(?: rather)?\s*", re.IGNORECASE)
_NOT = re.compile(r"\s*(?:not|n't|neither)\b", re.IGNORECASE)
_LETTER = re.compile(
    r"(?:for sure|definitely|clearly|therefore|thus|indeed|simply|just|obviously|option|choice|选项|\W)*"
    r"[(（]?([A-H])[)）]?(?![a-zA-Z'])(?=\W|$)"
)
_CHINESE_REASON = re.compile(r"\W*([A-H])\s*[)）]?\s*(?:而|因为|由于|选?项|即|也就是|对应)")
_APART = re.compile("[,，。；：、“”‘’（(]")
_REASON = re.compile(r"([^\s,;]+(?: [a-zA-Z°%]+)?),? (?:because|since|as|which|where|but|although)\b")
"""An answer and, behind it, why it is one."""
_DIGIT = re.compile(r"\d")
SPEAKER = frozenset(
    "i we you it there this that step sorry unknown none cannot can't not undetermined n/a error".split()
)
"""First words of a phrase that tells of the speaker or the text, and is no answer."""

_SENTENCE_END = re.compile(r"(?<!\d)\.(?=\s|$)|\.(?=\s+[A-Z<\[]|\s*$)|[。\n！]|!\s|<\|")
_ABBREVIATED = re.compile(
    r"\b(?:(?:St|Mt|Ft|Dr|Mr|Mrs|Ms|Prof|Gen|Sgt|Capt|Lt)\.(?=\s+[A-Z])"
    r"|(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|Fig|Eq|Nr|Vol|pp?)\.(?=\s+\d)|(?:vs|approx|ca|cf)\.(?=\s)"
    r"|(?:[A-Za-z]\.){2,}(?=\s+(?!(?:A|An|And|As|Because|But|He|Hence|I|In|It|Its|Note|She|Since|So|Step|That|The|Then"
    r"|There|Therefore|They|This|Thus|To|We|Which|You)\b)[\w$\\(]))"
)
"""An abbreviation behind whose full stop the sentence goes on: `St. Louis`, `U.S. dollars`."""
_MATH = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\(([^\n]+?)\\\)|\$([^$\n]+?)\$", re.DOTALL)
NUMBER = re.compile(
    r"(?<![\w.,\\])[-−+]?[€£¥$]?\d+(?:[.,]\d+)*(?:\s*/\s*\d+)?(?:\s?%|\s?°|\s?[a-zA-Z]{1,3}[²³]|[€£¥$])?(?![\w])"
)
_BARE_LINE = re.compile(r"\(?([A-H])\)?\.?|[-+]?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?")
_IS = re.compile(r"\b(?:is|are|equals|be|was|were|gives|get)\b:?|是|为|等于|得到?")
STEP = re.compile(r"\b(?:step|case|figure|part|method|option)\s*\d+|第\s*\d+\s*步|步骤\s*\d+", re.IGNORECASE)
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|so|finally|total|it's|is|are|be|equals)\b|=|所以|因此|故|答", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"\b(?:unable|impossible|insufficient|please provide|more (?:information|details|context)"
    r"|can(?:'t|not| not) (?:be|see|provide|determine|solve|answer))\b|无法|不能确定",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(r"^(?:therefore|thus|hence|so|then|finally|and|we get|we have)\b[,:\s]*", re.IGNORECASE)
_COMMAND_WORDS = re.compile(r"\\(?:text|mathrm|mbox)\{[^{}]*\}|\\[a-zA-Z]+")
_PROSE = re.compile(r"[^\W\d_]{2,}(?:'\w+)?\s+[^\W\d_]+(?:'\w+)?\s+[^\W\d_]+(?:'\w+)?")


class _Box(NamedTuple):
    start: int
    end: int
    content: str


def boxed_answer(text: str) -> tuple[str | None, int]:
    r"""Content of the last `\boxed{...}`, with those that belong to the same answer; and where it ends.

    Boxes belong together if no more than `_GAP` signs stand between them, these connect (`and`, a comma) and correct
    nothing (`wait`).
    """
    boxes: list[_Box] = []
    unclosed: _Box | None = None
    place, end = text.rfind("boxed"), len(text)
    while place >= 0 and len(boxes) < _MOST_BOXES:
        box = _box_at(text, place, end)
        if box is None:
            # What stands before an unclosed box and is not closed before it is never closed.
            unclosed, end = unclosed or _unclosed_box(text, place), place
        elif not boxes or box.end <= boxes[-1].start:  # else it is around the one before
            if boxes:
                gap = canonical(text[box.end : boxes[-1].start].rstrip("\\")).replace("$", " ").strip()
                if len(gap) > _GAP or _CORRECTION.search(gap) or (gap and len(_CONNECTION.findall(gap)) != 1):
                    break
            boxes.append(box)
        place = text.rfind("boxed", 0, place)
    if not boxes:
        return (unclosed.content, unclosed.end) if unclosed else (None, -1)
    return ", ".join(box.content for box in reversed(boxes)), boxes[0].end


def _box_at(text: str, place: int, end: int) -> _Box | None:
    start = place + len("boxed")
    if not text[start : start + 2].lstrip().startswith("{"):
        return None
    start = text.index("{", start) + 1
    inner = balanced(text, start, end)
    if inner is None or not inner.strip():
        return None
    return _Box(place, start + len(inner) + 1, inner.strip())


def _unclosed_box(text: str, place: int) -> _Box | None:
    """A box that no brace closes, up to the end of its line."""
    head, brace, rest = text[place : place + 8].partition("{")
    start = place + len(head) + 1
    inner = text[start:][:_UNCLOSED].partition("\n")[0].rstrip("$ .}") if brace else ""
    return _Box(place, start + len(inner), inner.strip()) if inner.strip() and "}" not in rest[:1] else None


def marker_answer(text: str) -> str | None:
    """What follows the last marker sentence on its line, if it is an answer."""
    lowered, marker = text.lower(), MARKER.lower()
    place = lowered.rfind(marker)
    while place >= 0:
        rest = text[place + len(MARKER) :].lstrip(" :：*\t")
        if answer := _content(_sentence(rest.partition("\n")[0])):
            return answer
        place = lowered.rfind(marker, 0, place)
    return None


def announced_answer(text: str) -> tuple[str | None, int]:
    """The answer of the last announcement (`answer is`, `故选`) that has one, and where it stands; else None and -1."""
    lowered = text.lower()
    matches: list[re.Match[str]] = []
    if len(lowered) == len(text):  # the pattern is slow, and most places have none of its first words
        places = (word.start() for word in _FIRST_WORD.finditer(lowered))
        matches += [match for place in places if (match := _ANNOUNCEMENT.match(text, place))]
    else:
        matches += _ANNOUNCEMENT.finditer(text)
    if is_chinese := chinese.is_chinese(text):
        matches = sorted([*matches, *_CHINESE.finditer(text)], key=re.Match.end)
    for match in reversed(matches):
        if option := _group(match, "option"):
            return option.strip(), match.start()
        rest = text[match.end() :]
        rest = rest[len(rest) - len(rest.lstrip("* \t\r\n:：")) :]
        # A display formula may have full stops and several lines.
        phrase = rest if rest.lstrip()[:2] in ("\\[", "$$") else _sentence(rest.lstrip())
        content = _content(_NOT_BUT.sub("", phrase))
        if content is None or _NOT.match(content):
            continue
        if answer := _answer_within(content):
            return answer, match.start()
        # A few words that end the text can be an answer too, unless they tell of the speaker.
        words = content.lower().split()
        is_last = len(rest.strip()) <= len(phrase) + 4
        is_short = len(content) <= 40 if is_chinese else len(words) <= 6
        if is_last and is_short and words[0] not in SPEAKER and "\n" not in content:
            return content, match.start()
    return None, -1


def named_option(text: str) -> str | None:
    """The option that the last phrase of its kind names (`Option B is correct`)."""
    matches = list(_OPTION_NAMED.finditer(text))
    return _group(matches[-1], "option") if matches else None


def _group(match: re.Match[str], slot: str) -> str | None:
    """What stands in a phrase's slot, if it has a slot of this kind."""
    name = match.lastgroup or ""
    return match[name] if name.startswith(slot) else None


def _sentence(text: str) -> str:
    """The text up to its full stop outside of formulas (a decimal point is none), without emphasis."""
    text = text.strip().rstrip("*` ")
    inside = {match.end() for match in _ABBREVIATED.finditer(text)} if "." in text else set()
    for end in _SENTENCE_END.finditer(text):
        before = text[: end.start()]
        if end.end() not in inside and before.count("$") % 2 == 0 and before.count("\\(") <= before.count("\\)"):
            text = before
            break
    return text.strip().strip("*").strip()


def _content(phrase: str) -> str | None:
    """A phrase's box if it has one, else the phrase; None if it is empty."""
    box, _ = boxed_answer(phrase)
    if not box and is_broken_formula(phrase):
        return None
    return box or phrase.strip(" *:：．`\t\r\f\v") or None


def _answer_within(phrase: str) -> str | None:
    """The answer within a phrase: a formula, an option's letter, the value behind `is`; prose has none."""
    if formula := _MATH.match(phrase):
        content = next(part for part in formula.groups() if part).strip()
        rest = phrase[formula.end() :].strip(" .*")
        if content and (not rest or is_prose(rest)):
            return content
    if letter := _LETTER.match(phrase):
        rest = phrase[letter.end() :]
        if len(rest) <= 1 or (rest[0] in ",.;:)，。；：、）（( " and not rest.startswith(" and")):
            return letter[1] if len(phrase) >= 40 or _APART.search(rest) else phrase
    if chinese.is_chinese(phrase):
        reasoned_letter = _CHINESE_REASON.match(phrase)
        return reasoned_letter[1] if reasoned_letter else chinese.announced(phrase)
    if (reasoned := _REASON.match(phrase)) and _DIGIT.search(reasoned[1]):
        return reasoned[1]
    if not is_prose(phrase):
        return phrase if len(phrase) <= LONGEST else None
    return conclusion(phrase, announced=True)


def conclusion(text: str, announced: bool = False) -> str | None:
    """The last formula or number of the last sentence that has one, if the sentence concludes.

    Args:
        text: A whole solution, or what an announcement says.
        announced: The words before have said that the answer follows: any sentence concludes.
    """
    tail = text[-2 * LONGEST :]
    last = tail.rpartition("\n")[2].strip(" *$")
    if _BARE_LINE.fullmatch(last):
        return last
    if is_broken_formula(tail):
        return None
    ends = [match.end() for match in _SENTENCE_END.finditer(tail)]
    for start, end in reversed(list(zip([0, *ends], [*ends, len(tail)], strict=True))):
        sentence = tail[start:end]
        if not announced and _REFUSAL.search(sentence):
            return None
        formulas = [next(part for part in match.groups() if part) for match in _MATH.finditer(sentence)]
        formulas = [formula for formula in formulas if formula[0] not in "^_"]  # such a one belongs to a word before it
        numbers = [match[0] for match in NUMBER.finditer(_MATH.sub(" ", sentence))]
        if not formulas and not numbers:
            continue
        if not announced:
            if STEP.search(sentence):
                return None  # a step on the way
            if not _CONCLUSION.search(sentence) and (not formulas or len(text) > LONGEST):
                return None
        # The spaces of formulas are hidden for a moment: an `is` within one is not the sentence's.
        hidden = _MATH.sub(lambda formula: formula[0].replace(" ", "\x00"), sentence)
        behind = _IS.split(hidden)[-1].replace("\x00", " ").strip(" .:*")
        if len(behind) < 60 and not is_prose(behind) and any(sign.isdigit() for sign in behind):
            return _CONNECTIVE.sub("", behind)
        return (formulas or numbers)[-1].strip()
    return None


def is_broken_formula(text: str) -> bool:
    r"""`\( ... \)` is a formula within a line; broken over lines it is none (as in Markdown)."""
    return "\\(" in text and "\n" in text and _MATH.search(text) is None


def is_prose(text: str) -> bool:
    """Whether at least three words follow each other outside of formulas and commands."""
    return _PROSE.search(_COMMAND_WORDS.sub(" ", _MATH.sub(" ", text))) is not None
