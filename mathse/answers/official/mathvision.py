r"""MATH-Vision's rule scoring (scripts `evaluation/evaluate.py` and `evaluation/utils.py` of mathllm/MATH-V).

An answer is right if it equals the gold answer or, in a multiple-choice problem, the gold option's value: as text, or
rounded to two decimals. The script executes an expression made from the answer to find its value; here
`official.number` reads it.

Sample: `is_correct("B", r"\frac{1}{3}", ["0.5", "0.333"])`  ->  `True`
"""

from collections.abc import Sequence
from typing import Any

from mathse.answers.official.mathvision_extraction import extract
from mathse.answers.official.number import LONGEST, value
from mathse.answers.official.rows import BadRow, Groups, Row, Tally, overall, tally, tally_by, text, texts, values

ID = ("id",)
NEEDS = ("response", "answer", "options")
DECIMALS = 2

_BRACKETS = ("()", "[]")
_AS_WRITTEN = ("a", "-a")


def is_correct(gold: str, answer: str, options: Sequence[str] = ()) -> bool:
    """Whether an extracted answer is right.

    Args:
        gold: The gold answer: an option's letter, or a value.
        answer: What `extract` finds in a response.
        options: Values of options A, B, C, ...; empty if the problem is free-form.

    Raises:
        BadRow: There are options, and the gold answer is none of their letters.
    """
    option = _option(gold, options) if options else ""
    return same(gold, answer) or same(option, answer)


def _option(letter: str, options: Sequence[str]) -> str:
    if len(letter) != 1 or not 0 <= ord(letter) - ord("A") < len(options):
        raise BadRow("field 'answer' is no option's letter")
    return options[ord(letter) - ord("A")]


def same(gold: str, answer: str) -> bool:
    """Whether two answers are equal as texts, as tuples or as numbers (`is_equal` of the official script)."""
    gold, answer = gold.lower(), answer.lower()
    if not gold.replace(" ", "") or not answer.replace(" ", ""):
        return False
    if gold.strip() == answer.strip():
        return True
    gold, answer = rounded_parts(gold), rounded_parts(answer)
    if gold == answer:
        return True
    right = value(gold)
    given = None if right is None else value(answer)
    return right is not None and given is not None and _rounded(right) == _rounded(given)


def rounded_parts(answer: str) -> str:
    """A tuple or list with each part worked out and rounded; any other text, or one with an unreadable part, as it is.

    Parts are cut at every comma and compared as text: `(6/2,1)` becomes `(3.0,1)`, which is not `(3,1)`.
    """
    parts = answer[1:-1].split(",")
    if answer[0] + answer[-1] not in _BRACKETS or len(parts) == 1 or len(answer) > LONGEST:
        return answer
    rounded = []
    for part in parts:
        if "infty" in part or part in _AS_WRITTEN:
            rounded.append(part)
        elif (number := value(part)) is None:
            return answer
        else:
            rounded.append(str(_rounded(number)))
    return f"{answer[0]}{','.join(rounded)}{answer[-1]}"


def _rounded(number: int | float) -> int | float:
    return round(number, DECIMALS)


def verdict(row: Row) -> dict[str, Any]:
    """The official fields `model_answer` and `correct` of a row.

    The answer is extracted from `response` anew, as the official run does; a row without one keeps its `model_answer`.

    Raises:
        BadRow: A field that the rule needs is missing or of another type.
    """
    answer = extract(text(row, "response")) if "response" in row else _stored(row)
    return {"model_answer": answer, "correct": is_correct(text(row, "answer"), answer, texts(row, "options"))}


def _stored(row: Row) -> str:
    if "model_answer" not in row:
        raise BadRow("no field 'response'")
    return text(row, "model_answer")


def tables(rows: Sequence[Row]) -> dict[str, Groups]:
    """Tables for people: overall, by level, by subject."""
    groups = {name: tally_by(rows, "correct", name) for name in ("level", "subject")}
    return {
        "overall": overall(rows, "correct"),
        **{name: dict(sorted(group.items())) for name, group in groups.items() if group},
    }


def scores(rows: Sequence[Row]) -> dict[str, Any]:
    """The content of an official `*_result.json`: `-all`, levels, subjects and both together, sorted by name."""
    groups = tally(rows, "correct", _keys)
    return {name: _entry(groups[name]) for name in sorted(groups)}


def _keys(row: Row) -> list[str]:
    keys = ["-all"]
    for level in values(row, "level"):
        keys.append(f"-level{level}")
        for subject in values(row, "subject"):
            keys += [f"{subject}_level{level}", f"-level{level}_{subject}"]
    return keys + values(row, "subject")


def _entry(count: Tally) -> str:
    return f"{count.correct}/{count.total}={round(count.correct / count.total * 100, 2)}%"
