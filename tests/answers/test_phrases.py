"""The tables of closing phrases: each row finds its example, and Chinese closings of our own are understood."""

import json
from itertools import product
from pathlib import Path

import pytest

from mathse.answers.extract import extract
from mathse.answers.grade import grade
from mathse.answers.phrases import TABLES, Phrase, pattern
from mathse.tables.schemas import Status

CASES = json.loads((Path(__file__).parent / "cases" / "chinese.json").read_text(encoding="utf-8"))
CHOICES = ("30°", "45°", "60°", "90°")
LEAST_FORMS = 60
LEAST_RIGHT = 0.98


@pytest.mark.parametrize("phrase", [phrase for table in TABLES.values() for phrase in table], ids=lambda p: p.example)
def test_a_row_finds_the_answer_of_its_example(phrase: Phrase) -> None:
    assert pattern([phrase], "i").search(phrase.example)
    assert extract(phrase.example) == phrase.answer


def test_chinese_closings_name_the_option() -> None:
    """Behind nothing, and behind texts that hold other letters and values."""
    forms, texts = CASES["options"], CASES["texts"]
    assert len(set(forms)) == len(forms) >= LEAST_FORMS
    results = {text + form: grade("B", text + form, CHOICES).status for text, form in product(texts, forms)}
    wrong = [text for text, status in results.items() if status is not Status.CORRECT]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(results), wrong
    assert not any(grade("C", text, CHOICES).status is Status.CORRECT for text in results)


@pytest.mark.parametrize(("gold", "text"), CASES["values"], ids=lambda text: text[:30])
def test_a_chinese_solution_says_its_value(gold: str, text: str) -> None:
    assert grade(gold, text).status is Status.CORRECT


@pytest.mark.parametrize("text", CASES["denied"])
def test_a_denied_option_is_not_named(text: str) -> None:
    assert grade("B", text, CHOICES).status is not Status.CORRECT
