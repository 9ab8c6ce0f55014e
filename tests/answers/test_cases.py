"""Cases of our own, which grow with every mistake that turns up: pairs of answers, and solutions with their answer."""

import json
import random
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from mathse.answers.extract import find
from mathse.answers.grade import grade
from mathse.tables.schemas import Status

CASES = Path(__file__).parent / "cases"
PAIRS = json.loads((CASES / "grading.json").read_text(encoding="utf-8"))
KINDS = json.loads((CASES / "kinds.json").read_text(encoding="utf-8"))
"""Pairs of the kinds that graders get wrong, with the verdicts that are right: some are for no rule to decide."""
DIFFERENT = json.loads((CASES / "different.json").read_text(encoding="utf-8"))
"""Answers of many kinds, of which no two say the same."""
SOLUTIONS = json.loads((CASES / "extraction.json").read_text(encoding="utf-8"))
NO_ANSWER = {"empty text", "no answer found"}


def name(case: dict[str, Any]) -> str:
    return f"{case.get('note', '')}: {case.get('gold', '')} {case.get('answer', '')}"[:60]


@pytest.mark.parametrize("case", PAIRS, ids=name)
def test_pair(case: dict[str, Any]) -> None:
    result = grade(case["gold"], case["answer"], case.get("choices", ()), case.get("precision"))
    assert (result.status is Status.CORRECT) is case["equivalent"], result
    assert result.reason


@pytest.mark.parametrize("case", KINDS, ids=name)
def test_a_kind_that_graders_get_wrong(case: dict[str, Any]) -> None:
    result = grade(case["gold"], case["answer"])
    assert result.status.name in case["allowed"], result


@pytest.mark.parametrize("case", SOLUTIONS, ids=name)
def test_extraction(case: dict[str, Any]) -> None:
    extraction = find(case["text"])
    assert extraction.answer == case["answer"], extraction
    assert (extraction.place in NO_ANSWER) is (case["answer"] is None)


def test_no_answer_is_right_for_another() -> None:
    pairs = random.Random(1).sample(list(permutations(DIFFERENT, 2)), 2_000)
    assert not [pair for pair in pairs if grade(*pair).status is Status.CORRECT]


@pytest.mark.parametrize("answer", DIFFERENT)
def test_an_answer_is_right_for_itself(answer: str) -> None:
    assert grade(answer, f"The answer to this problem is {answer}.").status is Status.CORRECT


def test_cases_are_many_and_none_stands_twice() -> None:
    pairs = {(case["gold"], case["answer"], str(case.get("choices")), case.get("precision")) for case in PAIRS}
    assert len(pairs) == len(PAIRS) >= 250
    assert sum(not case["equivalent"] for case in PAIRS) >= 100
    assert len({case["text"] for case in SOLUTIONS}) == len(SOLUTIONS) >= 60
