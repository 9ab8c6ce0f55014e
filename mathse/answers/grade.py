r"""Grade an answer by rule: does it say what the gold answer says?

Both are read as typed values (`read`) and compared by kind (`equivalent`); what these two cannot tell goes to
math-verify behind its guard (`symbolic`). For a multiple-choice problem the letter and the value of its option are the
same answer. What cannot be read or compared is UNDECIDED with a reason, never silently WRONG.

Sample: `grade("B", "The answer to this problem is 45.", ("40", "45"))`  ->  `Grade(CORRECT, "45", "same option")`
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b

from mathse.answers.closings import LONGEST
from mathse.answers.equivalent import equivalent
from mathse.answers.evaluate import Ambiguous
from mathse.answers.extract import find
from mathse.answers.notation import canonical
from mathse.answers.read import bare, read
from mathse.answers.symbolic import default_pool
from mathse.answers.values import Quantity, Value
from mathse.answers.words import option_letters
from mathse.tables.schemas import Status

REMEMBERED = 100_000
"""Pairs that a `Grader` remembers."""

_LETTER = re.compile(
    r"[*$\s]*(?:(?i:option|choice)|选项)?[*$\s{]*\(?\s*([A-Za-z])\s*\)?\}?[*$\s]*(?:[.:)].*|(?<=\)).*)?", re.DOTALL
)
_LETTER_LAST = re.compile(r".*\S\s+\(\s*([A-H])\s*\)\.?", re.DOTALL)
_FRACTION = re.compile(r"-?[\d.,]+(?:/\d+)?|-?\\frac\{\d+\}\{\d+\}")
_WORKED = re.compile(r"boxed|answer\s*(?:is|:)|答案|故选|</?(?:answer|think)", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
_GROUPED_COMMA = re.compile(r"(?<=\d),(?=\d{3})")
_LONGEST_GOLD = 2_000


@dataclass(frozen=True)
class Grade:
    """The verdict on one answer.

    Attributes:
        status: CORRECT, WRONG or UNDECIDED.
        extracted: The answer that was graded; None if the text gave none.
        reason: Why: short and countable.
    """

    status: Status
    extracted: str | None
    reason: str


def grade(
    gold: str, text: str, choices: Sequence[str] = (), precision: int | None = None, question_type: str | None = None
) -> Grade:
    """Grade the answer that a solution's text gives.

    Args:
        gold: The gold answer: a value, an option's letter, or a worked solution that ends with it.
        text: A whole solution, or a bare answer.
        choices: Values of options A, B, C, ...; empty if the problem is free-form.
        precision: Decimal places to which the problem asks to round; None: the answer has to be exact.
        question_type: `free_form` lets letters be values even where there are choices; else it says nothing new.
    """
    if choices and text.strip() in choices:
        return grade_answer(gold, text.strip(), choices, precision, question_type)
    if len(text) <= LONGEST and text.strip() == gold.strip() != "":
        return Grade(Status.CORRECT, text.strip(), "same text")
    extraction = find(text)
    if extraction.answer is None:
        return Grade(Status.UNDECIDED, None, extraction.place)
    return grade_answer(gold, extraction.answer, choices, precision, question_type)


def grade_answer(
    gold: str,
    answer: str | None,
    choices: Sequence[str] = (),
    precision: int | None = None,
    question_type: str | None = None,
) -> Grade:
    """Grade an answer that is already extracted; None is UNDECIDED. Arguments as for `grade`."""
    if answer is None or not answer.strip():
        return Grade(Status.UNDECIDED, None, "no answer found")
    if len(answer) > LONGEST:
        return Grade(Status.UNDECIDED, answer[:LONGEST], "answer too long")
    gold = gold_answer(gold)
    if not gold.strip():
        return Grade(Status.UNDECIDED, answer, "gold is empty")
    try:
        if choices and question_type != "free_form":
            status, reason = _compare_options(choices, gold, answer, precision)
        else:
            status, reason = _compare(gold, answer, precision)
    except Ambiguous as error:
        status, reason = Status.UNDECIDED, str(error)
    except (ArithmeticError, ValueError, RecursionError) as error:
        # Odd input is a row to look at, not the end of a run.
        status, reason = Status.UNDECIDED, f"grading failed: {type(error).__name__}"
    return Grade(status, answer, reason)


@lru_cache(maxsize=4096)
def gold_answer(gold: str) -> str:
    """The gold answer within its text: what a worked solution boxes or says at its end; else the text."""
    if len(gold) > LONGEST or _WORKED.search(gold):
        return find(gold).answer or gold[:_LONGEST_GOLD]
    return gold


class Grader:
    """Grades by rule and remembers what it graded. Used by one thread at a time.

    A loop grades the same short answers to the same problems again and again. A pair is remembered by its digest, and
    at most `remembered` pairs are, the oldest forgotten first: memory stays bounded however many rows pass.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._grades: OrderedDict[bytes, Grade] = OrderedDict()

    def grade(
        self,
        gold: str,
        text: str,
        choices: Sequence[str] = (),
        precision: int | None = None,
        question_type: str | None = None,
    ) -> Grade:
        """As the function `grade`."""
        texts = (gold, text, str(precision), str(question_type), *choices)
        # With their lengths, so that no two pairs are joined to the same text.
        pair = "".join((str([len(part) for part in texts]), *texts))
        key = blake2b(pair.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        result = self._grades.get(key)
        if result is None:
            result = self._grades[key] = grade(gold, text, choices, precision, question_type)
            if len(self._grades) > self._remembered:
                self._grades.popitem(last=False)
        return result


def _compare_options(choices: Sequence[str], gold: str, answer: str, precision: int | None) -> tuple[Status, str]:
    """Compare two options, each by its letter or by its value."""
    choices = [choice[:_LONGEST_GOLD] for choice in choices]
    gold_letters, answer_letters = (option_letters(canonical(text)) for text in (gold, answer))
    if len(gold_letters) > 1 and answer_letters:
        return _verdict(gold_letters == answer_letters, "option")
    gold_options, answer_options = _options(choices, gold, precision), _options(choices, answer, precision)
    if not gold_options:
        return _compare(gold, answer, precision)
    right, right_text = gold_options[0], choices[gold_options[0]]
    if not answer_options:
        status, reason = _compare(right_text, answer, precision)
        return status, "no such option" if status is Status.WRONG else reason
    if len(answer_options) > 1 and right in answer_options and _plain(right_text) != _plain(answer):
        return Status.UNDECIDED, "fits several options"
    # Two options may hold the same text; either letter is then right.
    same = right in answer_options or any(_plain(right_text) == _plain(choices[place]) for place in answer_options)
    return _verdict(same, "option")


def _options(choices: Sequence[str], answer: str, precision: int | None) -> list[int]:
    """Places of the options that `answer` names by letter, by its very text, or by its value, in this order."""
    literal = [place for place, choice in enumerate(choices) if _plain(choice) == _plain(answer)]
    letter = _LETTER.fullmatch(canonical(answer))
    if letter and (place := ord(letter[1].upper()) - ord("A")) < len(choices) and (letter[1].isupper() or not literal):
        return [place, *literal]
    if literal:
        return literal
    last = _LETTER_LAST.fullmatch(canonical(answer))
    if last and (place := ord(last[1]) - ord("A")) < len(choices):
        return [place]
    return [
        place
        for place, choice in enumerate(choices)
        if choice.strip() == answer.strip() or _same_value(choice, answer, precision)
    ]


def _same_value(choice: str, answer: str, precision: int | None) -> bool:
    try:
        return equivalent(_value(choice), _value(answer), precision) is True
    except Ambiguous:
        return False


def _compare(gold: str, answer: str, precision: int | None) -> tuple[Status, str]:
    """Compare two values: as texts, by kind, then symbolically."""
    if gold.strip() == answer.strip():
        return Status.CORRECT, "same text"
    gold_value, answer_value = _value(gold), _value(answer)
    same = equivalent(gold_value, answer_value, precision)
    if same is False and _same_lists(gold, answer, precision):
        is_list = "," not in gold or "," not in answer
        return (Status.CORRECT, "same list") if is_list else (Status.UNDECIDED, "a number or a list")
    if same is not None:
        return _verdict(same, type(gold_value).__name__.lower())
    verdict = default_pool().verify(gold, answer)
    if verdict.equal is None:
        return Status.UNDECIDED, verdict.reason
    return (Status.CORRECT if verdict.equal else Status.WRONG), verdict.reason


def _same_lists(gold: str, answer: str, precision: int | None) -> bool:
    """Whether two answers are one where three digits behind a comma are another number, and no group of digits."""
    if not any(_GROUPED.fullmatch(text.strip()) for text in (gold, answer)):
        return False
    first, second = (_value(_GROUPED_COMMA.sub(", ", text)) for text in (gold, answer))
    return equivalent(first, second, precision) is True


def _verdict(same: bool, kind: str) -> tuple[Status, str]:
    return (Status.CORRECT, f"same {kind}") if same else (Status.WRONG, f"different {kind}")


@lru_cache(maxsize=4096)
def _plain(text: str) -> str | Fraction:
    """A text in plain notation; a number or fraction as its value, which is all that its notation says."""
    plain = bare(canonical(text)).replace(" ", "")
    value = _value(text) if _FRACTION.fullmatch(plain) else None
    return value.value if isinstance(value, Quantity) and isinstance(value.value, Fraction) else plain


@lru_cache(maxsize=16_384)
def _value(text: str) -> Value:
    return read(text)
