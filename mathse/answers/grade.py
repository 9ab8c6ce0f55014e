r"""Grade an answer by rule: does it say what the gold answer says?

Both are read as typed values (`read`) and compared by kind (`equivalent`); what these two cannot tell goes to
math-verify behind its guard (`symbolic`). For a multiple-choice problem the letter and the value of its option are the
same answer. What cannot be read or compared is UNDECIDED with a reason, never silently WRONG.

Sample: `grade("B", "The answer to this problem is 45.", ("40", "45"))`  ->  `Grade(CORRECT, "45", "same option")`
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mathse.answers.equivalent import equivalent
from mathse.answers.extract import LONGEST, find
from mathse.answers.quantities import EXACT, Tolerance
from mathse.answers.read import read
from mathse.answers.symbolic import default_pool
from mathse.answers.values import Value
from mathse.answers.words import option_letters
from mathse.schemas import Status

_LETTER = re.compile(
    r"[*$\s]*(?:option|choice|选项)?[*$\s]*(?:\\text(?:bf)?\{)?\(?\s*([A-Za-z])\s*\)?\}?[*$\s]*(?:[.:)].*)?", re.DOTALL
)
_WORKED = re.compile(r"boxed|answer\s*(?:is|:)|答案|故选", re.IGNORECASE)
_LONGEST_GOLD = 2_000


@dataclass(frozen=True)
class Grade:
    """A grader's word on one answer.

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
    found = find(text)
    if found.answer is None:
        return Grade(Status.UNDECIDED, None, found.place)
    return grade_answer(gold, found.answer, choices, precision, question_type)


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
    tolerance = EXACT if precision is None else Tolerance(precision)
    try:
        if choices and question_type != "free_form":
            status, reason = _among(choices, gold, answer, tolerance)
        else:
            status, reason = _compare(gold, answer, tolerance)
    except (
        ArithmeticError,
        ValueError,
        RecursionError,
    ) as error:  # odd input is a row to look at, not the end of a run
        status, reason = Status.UNDECIDED, f"grading failed: {type(error).__name__}"
    return Grade(status, answer, reason)


@lru_cache(maxsize=4096)
def gold_answer(gold: str) -> str:
    """The gold answer within its text: what a worked solution boxes or says at its end; else the text."""
    if len(gold) > LONGEST or _WORKED.search(gold):
        return find(gold).answer or gold[:_LONGEST_GOLD]
    return gold


@lru_cache(maxsize=16_384)
def _value(text: str) -> Value:
    return read(text)


def _among(choices: Sequence[str], gold: str, answer: str, tolerance: Tolerance) -> tuple[Status, str]:
    """Compare two options, each given by letter or by value."""
    several = [option_letters(text) for text in (gold, answer)]
    if len(several[0]) > 1 and several[1]:
        return _told(several[0] == several[1], "option")
    right, given = (_option(choices, text, tolerance) for text in (gold, answer))
    if right is None:
        return _compare(gold, answer, tolerance)
    if given is None:
        status, reason = _compare(choices[right], answer, tolerance)
        return (status, reason) if status is not Status.WRONG else (status, "no such option")
    # Two options may hold the same value; either letter is then right.
    return _told(given == right or _same(choices[right], choices[given], EXACT), "option")


def _option(choices: Sequence[str], answer: str, tolerance: Tolerance) -> int | None:
    """Place of the option that `answer` names by letter or by value; None if it names none."""
    letter = _LETTER.fullmatch(answer)
    if letter and (letter[1].isupper() or answer.strip() not in choices):
        place = ord(letter[1].upper()) - ord("A")
        if place < len(choices):
            return place
    return next((place for place, choice in enumerate(choices) if _same(choice, answer, tolerance)), None)


def _same(first: str, second: str, tolerance: Tolerance) -> bool:
    return first.strip() == second.strip() or equivalent(_value(first), _value(second), tolerance) is True


def _compare(gold: str, answer: str, tolerance: Tolerance) -> tuple[Status, str]:
    """Compare two values: as texts, by kind, then symbolically."""
    if gold.strip() == answer.strip():
        return Status.CORRECT, "same text"
    right, given = _value(gold), _value(answer)
    same = equivalent(right, given, tolerance)
    if same is not None:
        return _told(same, type(right).__name__.lower())
    verdict = default_pool().verify(gold, answer)
    if verdict.equal is None:
        return Status.UNDECIDED, verdict.reason
    return (Status.CORRECT if verdict.equal else Status.WRONG), verdict.reason


def _told(same: bool, kind: str) -> tuple[Status, str]:
    return (Status.CORRECT, f"same {kind}") if same else (Status.WRONG, f"different {kind}")
