r"""Grade an answer by rule: does it say what the gold answer says?

Numbers are compared exactly as fractions, letters and words by their folded text; for a multiple-choice problem the
letter and the value of its option are the same answer. What is left (roots, symbols, intervals) goes to math-verify.
What cannot be read or compared is UNDECIDED with a reason, never silently WRONG.

Sample: `grade("B", "The answer to this problem is 45.", ("40", "45"))`  ->  `Grade(CORRECT, "45", "same option")`
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from mathse.answers.extract import extract
from mathse.schemas import Status, folded

TIMEOUT_SECONDS = 2
LONGEST = 200
"""Characters. A longer answer is prose or a runaway generation, on which a symbolic parser would only burn time."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:/\d+(?:\.\d+)?)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}")
_DRESSING = re.compile(r"\\[(),;!\]\[]|\\left|\\right|\$|\^?\\circ|\^\{\\circ\}|°|\bdegrees?\b")
_LETTER = re.compile(r"\(?([A-Z])\)?(?:[.:)].*)?", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")


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


def grade(gold: str, text: str, choices: Sequence[str] = ()) -> Grade:
    """Grade the answer that a solution's text gives.

    Args:
        gold: The gold answer: a value, or an option's letter.
        text: A whole solution, or a bare answer.
        choices: Values of options A, B, C, ...; empty if the problem is free-form.
    """
    return grade_answer(gold, extract(text), choices)


def grade_answer(gold: str, answer: str | None, choices: Sequence[str] = ()) -> Grade:
    """Grade an answer that is already extracted; None is UNDECIDED. Arguments as for `grade`."""
    if answer is None or not answer.strip():
        return Grade(Status.UNDECIDED, None, "no answer found")
    if len(answer) > LONGEST:
        return Grade(Status.UNDECIDED, answer, "answer too long")
    status, reason = _among(choices, gold, answer) if choices else _compare(gold, answer)
    return Grade(status, answer, reason)


def normalise(answer: str) -> str:
    r"""Strip what does not change an answer's meaning: dollar signs, `\text{}`, degree signs, thousands commas."""
    plain = _FRACTION.sub(r"\1/\2", answer.replace("\N{MINUS SIGN}", "-"))
    plain = _DRESSING.sub(" ", _WRAPPED.sub(r"\1", plain))
    return folded(_THOUSANDS.sub("", plain)).rstrip(".").strip()


def number(answer: str) -> Fraction | None:
    """The exact value of a normalised integer, decimal or fraction; None if it is none of these."""
    compact = answer.replace(" ", "") if "/" in answer else answer
    if not _NUMBER.fullmatch(compact):
        return None
    above, _, below = compact.partition("/")
    return None if below and Fraction(below) == 0 else Fraction(above) / Fraction(below or 1)


def _among(choices: Sequence[str], gold: str, answer: str) -> tuple[Status, str]:
    """Compare two options, each given by letter or by value."""
    right, given = _option(choices, gold), _option(choices, answer)
    if right is None or given is None:
        return _compare(gold if right is None else choices[right], answer)
    # Two options may hold the same value; either letter is then right.
    if given == right or _same(normalise(choices[given]), normalise(choices[right])):
        return Status.CORRECT, "same option"
    return Status.WRONG, "different option"


def _option(choices: Sequence[str], answer: str) -> int | None:
    """Place of the option that `answer` names by letter or by value; None if it names none."""
    letter = _LETTER.fullmatch(answer.replace("*", "").replace("$", "").strip())
    if letter and (place := ord(letter[1]) - ord("A")) < len(choices):
        return place
    value = normalise(answer)
    return next((place for place, choice in enumerate(choices) if _same(normalise(choice), value)), None)


def _same(first: str, second: str) -> bool:
    """Whether two normalised answers are equal as texts or as numbers."""
    return first == second or ((value := number(first)) is not None and value == number(second))


def _compare(gold: str, answer: str) -> tuple[Status, str]:
    """Compare two values: as texts, as numbers, as words, then symbolically."""
    right, given = normalise(gold), normalise(answer)
    if right == given:
        return Status.CORRECT, "same text"
    values = number(right), number(given)
    if None not in values:
        return (Status.CORRECT, "same number") if values[0] == values[1] else (Status.WRONG, "different number")
    if _WORD.fullmatch(right) and _WORD.fullmatch(given):
        return Status.WRONG, "different word"
    return _symbolic(gold, answer)


def _symbolic(gold: str, answer: str) -> tuple[Status, str]:
    """Ask math-verify; whatever it cannot do is UNDECIDED.

    Its time limit rests on a signal, which only the main thread may set: elsewhere nothing would stop it, so it is not
    asked.
    """
    if threading.current_thread() is not threading.main_thread():
        return Status.UNDECIDED, "symbolic grading needs the main thread"
    from math_verify.errors import TimeoutException

    try:
        return _verify(gold, answer)
    except TimeoutException:
        return Status.UNDECIDED, "symbolic grading timed out"
    except Exception as error:  # sympy raises anything at all on odd input, and one bad row must not end a run
        return Status.UNDECIDED, f"symbolic grading failed: {type(error).__name__}"


def _verify(gold: str, answer: str) -> tuple[Status, str]:
    """math-verify's word on two answers, read as LaTeX."""
    from math_verify import parse, verify

    right, given = (
        parse(f"${text.strip('$')}$", parsing_timeout=TIMEOUT_SECONDS, raise_on_error=True) for text in (gold, answer)
    )
    if not right or not given:
        return Status.UNDECIDED, "gold cannot be read" if not right else "answer cannot be read"
    if verify(right, given, timeout_seconds=TIMEOUT_SECONDS, raise_on_error=True):
        return Status.CORRECT, "equal by math-verify"
    return Status.WRONG, "different by math-verify"
