r"""Find the final answer in a solution's text.

A solution that corrects itself says the right thing last, so the last of these places that holds an answer counts: the
marker sentence (`schemas.MARKER`), `\boxed{...}`, `answer is ...`, `答案是…`, `故选…`. Where there is none of them, a
short text is its own answer; of a long one, the formula, option or number that its last words conclude with. What names
no answer gives none, with the reason. Sample: `180 - 50 - 60 = 70. The answer to this problem is 70.` -> `70`
"""

import re
from dataclasses import dataclass

from mathse.answers.boxes import boxed
from mathse.answers.dress import undress
from mathse.answers.read import read
from mathse.answers.values import Quantity, Words
from mathse.answers.words import known_word
from mathse.tables.schemas import MARKER

LONGEST = 300
"""Characters of an answer. What is longer is prose or a runaway generation."""
_READ = 20_000
"""Characters of a text that are looked at, from its end: an answer stands at the end."""

_SAID = re.compile(
    r"(?:\b(?:final\s+|correct\s+)?(?:answer|ans|(?:correct|right)\s+(?:option|choice))\b[*\s]*(?:(?:should|would|must)\s+be|is|are|[:=：]|(?=\\\[|\\\(|\$))"
    r"|(?:最终)?答案\s*(?:应该|应)?(?:[是为选]|[:：])|(?:故|应|因此|所以)\s*(?:本题)?\s*选择?|(?<![可以任不别未])选择?\s*(?=[:：]?\s*[A-H](?![a-zA-Z])))"
    r"[*\s]*[:：]?\s*|####\s*(?=[-$\\]?\.?\d)",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"(?:选项|option|choice)\s*\(?(?P<a>[A-H])\)?\s*(?:是?正确|符合|is\s+(?:the\s+)?(?:correct|right))"
    r"|(?<![a-zA-Z])\(?(?P<b>[A-H])\)?\s+is\s+(?:the\s+)?(?:correct|right)"
    r"|(?<![a-zA-Z])(?P<e>[A-H])\s*选?项?\s*是?正确"
    r"|\b(?:is|are|be):?\s*\((?P<d>[A-H])\)[.\s*$]*$"
    r"|(?:choose|select|pick)\s+(?:option\s+)?\(?(?P<c>[A-H])\)?(?![a-zA-Z])"
)
_FIRST_LETTER = re.compile(r"\s*\(?(?P<a>[A-H])\)?\s*(?:[.:)](?=\s)|\n|$)")
_HEDGED = re.compile(
    r"(?:for sure|definitely|clearly|therefore|thus|indeed|simply|just|obviously|option|choice|选项|\W)*"
    r"\(?([A-H])\)?(?![a-zA-Z'])(?=\W|$)"
)
_SENTENCE_END = re.compile(r"(?<!\d)\.(?=\s|$)|\.(?=\s+[A-Z<\[]|\s*$)|[。\n！]|!\s|<\|")
_MATH = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\(([^\n]+?)\\\)|\$([^$\n]+?)\$", re.DOTALL)
_IS = re.compile(r"\b(?:is|are|equals|be|was|were|gives|get)\b:?|是|为|等于|得到?")
_NUMBER = re.compile(
    r"(?<![\w.,\\])[-−+]?[€£¥$]?\d+(?:[.,]\d+)*(?:\s*/\s*\d+)?(?:\s?%|\s?°|\s?[a-zA-Z]{1,3}[²³]|[€£¥$])?(?![\w])"
)
_STEP = re.compile(r"\b(?:step|case|figure|part|method|option)\s*\d+|第\s*\d+\s*步|步骤\s*\d+", re.IGNORECASE)
_CONCLUDING = re.compile(
    r"\b(?:therefore|thus|hence|so|finally|total|it's|is|are|be|equals)\b|=|所以|因此|故|答", re.IGNORECASE
)
_REFUSING = re.compile(
    r"\b(?:unable|impossible|insufficient|please provide|more (?:information|details|context)"
    r"|can(?:'t|not| not) (?:be|see|provide|determine|solve|answer))\b|无法|不能确定",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_EMPTY_BOX = re.compile(r"\$?\\f?boxed\s?\{\s*\}\$?")
_UNFINISHED = re.compile(r"(?:answer|answer to this problem)\s*(?:is|:)[\s*:]*$|答案[是为：:]?\s*$", re.IGNORECASE)
_REASONED = re.compile(r"([^\s,;]+(?: [a-zA-Z°%]+)?),? (?:because|since|as|which|where|but|although)\b")
_CONNECTIVE = re.compile(r"^(?:therefore|thus|hence|so|then|finally|and|we get|we have)\b[,:\s]*", re.IGNORECASE)
_NOISE = re.compile(r"(?:I hope (?:it|this) is correct\.?|<\|[^|]*\|>\w*|</?(?:s|think|answer)>)\s*$")
_PROSE = re.compile(r"[^\W\d_]{2,}(?:'\w+)?\s+[^\W\d_]+(?:'\w+)?\s+[^\W\d_]+(?:'\w+)?")
_LABEL = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]+)*\s*[:：]\s")
_SPEAKING = frozenset(
    "i we you it there this that step sorry unknown none cannot can't not undetermined n/a error".split()
)
_BARE_LINE = re.compile(r"\(?([A-H])\)?\.?|[-+]?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?")


@dataclass(frozen=True)
class Extraction:
    """What was found.

    Attributes:
        answer: As written, without its sentence's full stop; None if there is none; never empty.
        place: Where it stood, or why there is none: short and countable.
    """

    answer: str | None
    place: str


def extract(text: str) -> str | None:
    """The answer that a text gives, or None; see `find`."""
    return find(text).answer


def find(text: str) -> Extraction:
    """Find the answer that a text gives.

    Args:
        text: A solution, in the marker form or any other, or a bare answer.
    """
    text = _trimmed_end(text[-_READ:])
    if not text:
        return Extraction(None, "empty text")
    if found := _marked(text):
        return Extraction(found, "marker sentence")
    if "box" in text:
        text = _EMPTY_BOX.sub("", text).replace("\\fbox{", "\\boxed{")
    box, box_end = boxed(text)
    said, said_start = _said(text)
    if said and said_start >= box_end:
        return Extraction(said, "said")
    if box:
        return Extraction(box, "box")
    found = _chosen(text) or (_unlabelled(text) if _is_bare(text) else None)
    if found:
        return Extraction(found, "whole text" if len(found) > 1 or found == text else "option named")
    if not _UNFINISHED.search(text[-40:]) and (found := _concluded(text)):
        return Extraction(found, "conclusion")
    return Extraction(None, "no answer found")


def _trimmed_end(text: str) -> str:
    text = text.strip()
    while (match := _NOISE.search(text, max(0, len(text) - 80))) is not None:
        text = text[: match.start()].rstrip()
    return text


def _marked(text: str) -> str | None:
    """What follows the last marker sentence on its line, if it is an answer."""
    place = text.lower().rfind(MARKER.lower())
    while place >= 0:
        rest = text[place + len(MARKER) :].lstrip(" :：*\t")
        if answer := _opened(_sentence(rest.partition("\n")[0])):
            return answer
        place = text.lower().rfind(MARKER.lower(), 0, place)
    return None


def _said(text: str) -> tuple[str | None, int]:
    """What the last `answer is` says, if it says one, and where it stands."""
    lowered = text.lower()
    if not any(word in lowered for word in ("ans", "选", "答案", "correct", "####")):
        return None, -1
    for match in reversed(list(_SAID.finditer(text))):
        rest = text[match.end() :]
        phrase = _sentence(rest.lstrip()) if not _starts_display(rest) else rest
        if opened := _opened(phrase):
            is_last = len(rest.strip()) <= len(phrase) + 4
            if answer := _named(opened) or (opened if is_last and _is_short(opened) else None):
                return answer, match.start()
    return None, -1


def _is_short(phrase: str) -> bool:
    """Whether words that end a text can be an answer: few, and not of the speaker."""
    words = phrase.lower().split()
    return len(words) <= 6 and words[0] not in _SPEAKING and "\n" not in phrase


def _starts_display(text: str) -> bool:
    return text.lstrip()[:2] in ("\\[", "$$")


def _named(phrase: str) -> str | None:
    """The answer within what was said: an option's letter, the value behind `is`, a formula; prose has none."""
    if formula := _whole_formula(phrase):
        return formula
    letter = _HEDGED.match(phrase)
    if letter and (
        len(phrase) <= letter.end() + 1
        or (phrase[letter.end()] in ",.;:) " and not phrase[letter.end() :].startswith(" and"))
    ):
        return phrase if len(phrase) < 40 and "," not in phrase[letter.end() :] else letter[1]
    if (reasoned := _REASONED.match(phrase)) and _DIGIT.search(reasoned[1]):
        return reasoned[1]
    if not _is_prose(phrase):
        return phrase if len(phrase) <= LONGEST else None
    return _concluded(phrase, said=True)


def _whole_formula(phrase: str) -> str | None:
    """The formula that a phrase begins with, if nothing but a unit or another formula follows."""
    match = _MATH.match(phrase)
    if match is None:
        return None
    rest = phrase[match.end() :].strip(" .*")
    return next(part for part in match.groups() if part).strip() if not rest or _is_prose(rest) else None


def _sentence(text: str) -> str:
    """The text up to its full stop outside of formulas (a decimal point is none), without emphasis."""
    text = text.strip().rstrip("*` ")
    end, formula_end = len(text), 0
    for match in _SENTENCE_END.finditer(text):
        if match.start() < formula_end:
            continue
        if text.count("$", 0, match.start()) % 2 == 0 and text.count("\\(", 0, match.start()) <= text.count(
            "\\)", 0, match.start()
        ):
            end = match.start()
            break
    return text[:end].strip().strip("*").strip()


def _opened(phrase: str) -> str | None:
    """A phrase's box if it has one, else the phrase; None if it is empty."""
    box, _ = boxed(phrase)
    if not box and _is_line_formula(phrase):
        return None
    return box or phrase.strip(" *:：．`") or None


def _chosen(text: str) -> str | None:
    """The option that the last sentence of its kind names, or that the text begins with."""
    matches = list(_CHOSEN.finditer(text[-LONGEST:]))
    match = matches[-1] if matches else _FIRST_LETTER.match(text)
    if match and not matches and any(_FIRST_LETTER.match(line) for line in text.splitlines()[1:5]):
        return None  # the options, repeated
    return next((letter for letter in match.groups() if letter), None) if match else None


def _is_bare(text: str) -> bool:
    """Whether a text without any marker is nothing but an answer."""
    if len(text) < 60 and (known_word(undress(text)) or isinstance(read(text), Quantity)):
        return True
    if (
        len(text) > LONGEST
        or "\n\n" in text
        or "boxed" in text
        or _STEP.match(text)
        or _is_prose(text)
        or _is_line_formula(text)
    ):
        return False
    lines = text.splitlines()
    if len(lines) > 1 and any(" " in line.strip() and not any(map(str.isdigit, line)) for line in lines):
        return False  # prose over lines
    if sum(len(line) > 3 and _FIRST_LETTER.match(line) is not None for line in lines) > 1:
        return False  # the options, repeated
    value = read(text)
    return not isinstance(value, Words) or value.formal or _are_answering(text, value)


def _are_answering(text: str, words: Words) -> bool:
    """Whether words alone are an answer: in a formula's dress, known ones, or few that do not speak of the speaker."""
    if text.startswith(("$", "\\")) or words.letters or not text.isascii():
        return True
    first, *others = words.text.split() or [""]
    return first != "" and len(others) < 3 and first not in _SPEAKING and not any(sign.isdigit() for sign in words.text)


def _unlabelled(text: str) -> str:
    """A bare text; of `label: number ...` with one number alone, that number."""
    label = _LABEL.match(text)
    numbers = list(_NUMBER.finditer(text)) if label else []
    return numbers[0][0] if len(numbers) == 1 else text


def _is_line_formula(text: str) -> bool:
    r"""`\( ... \)` is a formula within a line; broken over lines it is none (as in Markdown)."""
    return "\\(" in text and "\n" in text and _MATH.search(text) is None


def _is_prose(text: str) -> bool:
    """Whether at least three words follow each other outside of formulas and commands."""
    plain = _MATH.sub(" ", text)
    return _PROSE.search(re.sub(r"\\(?:text|mathrm|mbox)\{[^{}]*\}|\\[a-zA-Z]+", " ", plain)) is not None


def _concluded(text: str, said: bool = False) -> str | None:
    """The last formula or number of the last sentence that has one, if the sentence concludes or was `said` to."""
    tail = text[-2 * LONGEST :]
    last = tail.rpartition("\n")[2].strip(" *$")
    if _BARE_LINE.fullmatch(last):
        return last
    if "\\(" in tail and "\n" in tail and _MATH.search(tail) is None:
        return None
    ends = [match.end() for match in _SENTENCE_END.finditer(tail)]
    starts = [0, *ends]
    for start, end in reversed(list(zip(starts, [*ends, len(tail)], strict=True))):
        sentence = tail[start:end]
        if not said and _REFUSING.search(sentence):
            return None
        formulas = [next(part for part in match.groups() if part) for match in _MATH.finditer(sentence)]
        numbers = [match[0] for match in _NUMBER.finditer(_MATH.sub(" ", sentence))]
        if not formulas and not numbers:
            continue
        if _STEP.search(sentence) and not said:
            return None  # a step on the way
        if not said and not _CONCLUDING.search(sentence) and (not formulas or len(text) > LONGEST):
            return None
        behind = (
            _IS.split(_MATH.sub(lambda m: m[0].replace(" ", "\x00"), sentence))[-1].replace("\x00", " ").strip(" .:*")
        )
        if len(behind) < 60 and not _is_prose(behind) and any(sign.isdigit() for sign in behind):
            return _CONNECTIVE.sub("", behind)
        return (formulas or numbers)[-1].strip()
    return None
