r"""Find the final answer in a solution's text.

A solution that corrects itself says the right thing last, so the last of these closings that holds an answer counts:
the marker sentence (`schemas.MARKER`), `\boxed{...}`, `answer is ...`, `答案是…`, `故选…`. Where there is none of them,
a short text is its own answer; of a long one, the formula, option or number that its last words conclude with. What
names no answer gives none, with the reason.

Sample: `180 - 50 - 60 = 70. The answer to this problem is 70.` -> `70`
"""

import re
import string
from dataclasses import dataclass

from mathse.answers import chinese
from mathse.answers.closings import (
    LONGEST,
    NUMBER,
    SPEAKER,
    STEP,
    announced_answer,
    boxed_answer,
    conclusion,
    is_broken_formula,
    is_prose,
    marker_answer,
    named_option,
)
from mathse.answers.notation import canonical
from mathse.answers.read import read
from mathse.answers.tags import concluding, tagged_answer
from mathse.answers.values import Quantity, Words
from mathse.answers.words import known_word

_READ = 20_000
"""Characters of a text that are looked at, from its end: an answer stands at the end."""

_FULL_WIDTH = {ord(sign) + 0xFEE0: sign for sign in string.ascii_letters + string.digits + "()[]{}=+-.%<>/^|~*$_"}
_FIRST_LETTER = re.compile(r"\s*\(?([A-H])\)?\s*(?:[.:)](?=\s)|\n|$)")
_EMPTY_BOX = re.compile(r"\$?\\f?boxed\s?\{\s*\}\$?")
_UNFINISHED = re.compile(r"(?:answer|answer to this problem)\s*(?:is|:)[\s*:]*$|答案[是为：:]?\s*$", re.IGNORECASE)
_NOISE = re.compile(r"(?:I hope (?:it|this) is correct\.?|<\|[^|]*\|>\w*|</?s>|</?[a-z_]{2,12}>)\s*$")
_NOTHING = re.compile(r"[\s.,;:!?。，；：、？！…—_*`$\\(){}\[\]'\"“”-]*")
"""Signs that say nothing by themselves; of one that compares (`>`), a blank may be filled."""
_RELATIONS = "<>≤≥∥⊥≅∼"
_LABEL = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]+)*\s*[:：]\s")


@dataclass(frozen=True)
class Extraction:
    """The answer of a text.

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
    text = text[-_READ:].strip()
    if not text.isascii():
        text = text.translate(_FULL_WIDTH).strip()
    content = None
    if any(sign in text for sign in "<◁["):
        text = concluding(text)
        content = tagged_answer(text)
    extraction = _in_words(content or text)
    if content and not extraction.answer and len(content) <= LONGEST and "\n" not in content:
        extraction = Extraction(content, "tagged")
    if extraction.answer and _NOTHING.fullmatch(extraction.answer) and "\\{" not in extraction.answer:
        return Extraction(None, "no answer found")
    return extraction


def _in_words(text: str) -> Extraction:
    """The answer of a text without tags: of its last closing, else the text if it is an answer, else its conclusion."""
    while (noise := _NOISE.search(text, max(0, len(text) - 80))) is not None:
        text = text[: noise.start()].rstrip()
    if not text:
        return Extraction(None, "empty text")
    if answer := marker_answer(text):
        return Extraction(answer, "marker sentence")
    if "box" in text:
        text = _EMPTY_BOX.sub("", text).replace("\\fbox{", "\\boxed{")
    box, box_end = boxed_answer(text)
    announced, start = announced_answer(text)
    if announced and start >= box_end:
        return Extraction(announced, "said")
    if box:
        return Extraction(box, "box")
    if answer := _option(text) or _bare_answer(text):
        return Extraction(answer, "whole text" if len(answer) > 1 or answer == text else "option named")
    concluded = chinese.conclusion if chinese.is_chinese(text[-LONGEST:]) else conclusion
    if not _UNFINISHED.search(text[-40:]) and (answer := concluded(text)):
        return Extraction(answer, "conclusion")
    return Extraction(None, "no answer found")


def _option(text: str) -> str | None:
    """The option that the last sentence of its kind names, or that the text begins with."""
    if letter := named_option(text[-LONGEST:]):
        return letter
    match = _FIRST_LETTER.match(text)
    if match and any(_FIRST_LETTER.match(line) for line in text.splitlines()[1:5]):
        return None  # the options, repeated
    return match[1] if match else None


def _bare_answer(text: str) -> str | None:
    """A text without any marker that is nothing but an answer; of `label: number ...` with one number, that number."""
    is_short_value = len(text) < 60 and (known_word(canonical(text)) or isinstance(read(text), Quantity))
    if not is_short_value and not _is_bare(text):
        return None
    numbers = list(NUMBER.finditer(text)) if _LABEL.match(text) else []
    return numbers[0][0] if len(numbers) == 1 else text


def _is_bare(text: str) -> bool:
    """Whether a text has an answer's form: no prose, no steps, no list of options."""
    if len(text) > LONGEST or "\n\n" in text or "boxed" in text or STEP.match(text):
        return False
    if is_prose(text) or is_broken_formula(text):
        return False
    lines = text.splitlines()
    if len(lines) > 1 and any(" " in line.strip() and not any(map(str.isdigit, line)) for line in lines):
        return False  # prose over lines
    if sum(len(line) > 3 and _FIRST_LETTER.match(line) is not None for line in lines) > 1:
        return False  # the options, repeated
    if chinese.is_chinese(text):
        return chinese.is_answer(text)
    value = read(text)
    if not isinstance(value, Words) or value.formal or value.letters or any(sign in value.text for sign in _RELATIONS):
        return True
    if text.startswith(("$", "\\")) or not text.isascii():
        return True
    # Words alone are an answer if they are few and do not tell of the speaker.
    first, *others = value.text.split() or [""]
    return first != "" and len(others) < 3 and first not in SPEAKER and not any(map(str.isdigit, value.text))
