"""The official rules on cases of our own, on hostile input, and held to their laws."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.benchmarks.latex2sympy import value
from mathse.benchmarks.official import BadRow, Fields
from mathse.benchmarks.public import chartqa, mathverse, mathvision, mathvista
from mathse.benchmarks.public.mathvision import extract

CASES = json.loads((Path(__file__).parent / "cases" / "official.json").read_text(encoding="utf-8"))
MEGABYTE = 10**6
AT_ONCE = 2.0
"""Seconds: generous for a busy machine, and far below what a naive way would take."""
WORDS = st.text(alphabet="abcd", max_size=12)


@pytest.mark.parametrize(("text", "expected"), CASES["number"])
def test_numbers(text: str, expected: float | None) -> None:
    found = value(text)
    assert type(found) is type(expected)  # a quotient that is whole stays a float: tuples are compared as text
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-14))


@pytest.mark.parametrize(("gold", "answer", "expected"), CASES["same"])
def test_same(gold: str, answer: str, expected: bool) -> None:
    assert mathvision.same(gold, answer) is expected


@pytest.mark.parametrize(("gold", "answer", "options", "expected"), CASES["correct"])
def test_letter_or_value_of_the_gold_option(gold: str, answer: str, options: list[str], expected: bool) -> None:
    assert mathvision.is_correct(gold, answer, options) is expected


@pytest.mark.parametrize(("response", "expected"), CASES["extract"])
def test_extraction(response: str, expected: str) -> None:
    assert extract(response) == expected


@pytest.mark.parametrize(("arguments", "expected"), CASES["mathvista"])
def test_mathvista_prediction(arguments: list[Any], expected: str | None) -> None:
    assert mathvista.predict(*arguments) == expected


@pytest.mark.parametrize(("gold", "prediction", "expected"), CASES["chartqa"])
def test_relaxed_accuracy(gold: str, prediction: str, expected: bool) -> None:
    assert chartqa.relaxed(gold, prediction) is expected


def test_quick_match_is_sign_by_sign() -> None:
    for gold, extraction, judgement in (("D", "D", 1), ("D", "d", 0), ("5", 5, 0)):
        assert mathverse.verdict({"answer": gold, "extraction": extraction}) == {"judgement": judgement}


@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_metric(one: str, other: str, third: str) -> None:
    ((there,), (back,)) = mathvista.edit_distances(one, [other]), mathvista.edit_distances(other, [one])
    (first,), (second,) = mathvista.edit_distances(one, [third]), mathvista.edit_distances(third, [other])
    assert there == back <= first + second
    assert (there == 0) == (one == other)
    assert abs(len(one) - len(other)) <= there <= max(len(one), len(other))


@given(WORDS, st.integers(0, 11), st.sampled_from("abcdxyz"))
def test_one_edit_is_a_distance_of_one(word: str, place: int, sign: str) -> None:
    longer = word[:place] + sign + word[place:]
    assert mathvista.edit_distances(word, [longer]) == [1]


@given(st.text())
def test_nothing_is_too_odd_to_be_compared(text: str) -> None:
    found = value(text.lower())
    assert found is None or not math.isnan(found)
    assert mathvision.same(text, text) is bool(text.replace(" ", ""))
    assert isinstance(extract(text), str)


HOSTILE = {
    "payload": "__import__('os').system('touch hacked')",
    "payload in a tuple": "(1,__import__('os').system('touch hacked'))",
    "tower": "9^{9^{9^9}}",
    "tower from the left": "9^9^9^9^9^9^9^9",
    "factorials": "9!!!!!",
    "huge product": "*".join(["9" * 4000] * 250),
    "digits": "9" * MEGABYTE,
    "decimals": "0." + "9" * MEGABYTE,
    "sum": "1+" * (MEGABYTE // 2) + "1",
    "minuses": "-" * MEGABYTE + "1",
    "parentheses": "(" * MEGABYTE,
    "braces": "{" * 1000 + "1" + "}" * 1000,
    "functions": r"\sin" * (MEGABYTE // 4) + "1",
    "fractions": r"\frac{1}{" * 10_000,
    "equations": "x=" * (MEGABYTE // 2) + "1",
    "tuple": "(" + "1," * (MEGABYTE // 2) + "1)",
    "boxes": "oxed{" * (MEGABYTE // 5),
    "roots": r"\sqrt" * (MEGABYTE // 5),
    "phrases": "the answer is" * (MEGABYTE // 13),
    "spaces": " " * MEGABYTE + "x",
    "commas": "1,000" * (MEGABYTE // 5),
    "nulls": "\0" * MEGABYTE,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_are_answered_at_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    extract(text)
    assert not mathvision.is_correct("B", text, ["1", "2"])
    assert not mathvision.same(text, "5")
    assert mathvista.predict(text, "multi_choice", "text", ["40 cm", "45 cm"]) in ("40 cm", "45 cm")
    mathvista.predict(text, "free_form", "integer")
    assert not chartqa.relaxed("5", text)
    assert time.monotonic() - start < AT_ONCE
    assert not list(tmp_path.iterdir())


VISTA = {"question_type": "free_form", "answer_type": "integer", "choices": None, "precision": None, "answer": "5"}


@pytest.mark.parametrize(
    ("benchmark", "row", "reason"),
    [
        (mathvista, VISTA, "no field 'extraction'"),
        (mathvista, {"extraction": "5"}, "no field 'question_type'"),
        (mathvista, {**VISTA, "extraction": "5", "answer": None}, "field 'answer' is no text"),
        (mathvista, {**VISTA, "extraction": "5", "question_type": "multi_choice"}, "field 'choices' is empty"),
        (mathvista, {**VISTA, "extraction": "5", "question_type": "multi_choice", "choices": 3}, "no list of texts"),
        (mathvista, {**VISTA, "extraction": "5", "answer_type": "float"}, "field 'precision' is no number"),
        (mathverse, {"answer": "D"}, "no field 'extraction'"),
        (mathvision, {"answer": "5", "options": []}, "no field 'response'"),
        (mathvision, {"answer": "5", "options": [], "response": True}, "field 'response' is no text"),
        (mathvision, {"answer": "F", "options": ["1", "2"], "response": "1"}, "no option's letter"),
        (mathvision, {"answer": "5", "options": "1, 2", "response": "1"}, "field 'options' is no list of texts"),
        (chartqa, {"label": ["1", "2"], "prediction": "1"}, "field 'label' is no single answer"),
        (chartqa, {"label": "1"}, "no field 'prediction'"),
    ],
)
def test_a_bad_row_has_a_reason(benchmark: Any, row: Fields, reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        benchmark.verdict(row)


def test_verdicts_have_the_official_names() -> None:
    assert mathvista.verdict({**VISTA, "extraction": "5.0"}) == {"prediction": "5", "true_false": True}
    assert mathverse.verdict({"answer": "D", "extraction": "D"}) == {"judgement": 1}
    row = {"answer": "B", "options": ["3", "5"], "response": r"\boxed{5}"}
    assert mathvision.verdict(row) == {"model_answer": "5", "correct": True}
    assert mathvision.verdict({**row, "response": "3", "model_answer": "5"})["correct"] is False
    assert mathvision.verdict({"answer": 5, "options": None, "model_answer": "5"})["correct"] is True
    assert chartqa.verdict({"label": ["10"], "prediction": 10.2}) == {"correct": True}


def test_mathverse_keeps_text_only_apart() -> None:
    rows: list[Fields] = [
        {
            "problem_version": version,
            "judgement": judgement,
            "metadata": {"subject": "Functions", "subfield": "Property"},
        }
        for version, judgement in [("Vision Only", 0), ("Text Only", 1), ("Text Dominant", 1), ("Text Dominant", 1)]
    ]
    scores = mathverse.scores(rows)
    assert scores["overall"]["all"] == {"accuracy": 0.667, "correct": 2, "total": 3}
    assert scores["overall"]["text only"] == {"accuracy": 1.0, "correct": 1, "total": 1}
    assert list(scores["version"]) == ["Text Dominant", "Vision Only", "Text Only"]
    assert scores["subject"]["Functions"]["total"] == 3
    assert list(scores["subfield"]) == ["Functions: Property"]


def test_chartqa_is_broken_down_by_split() -> None:
    rows: list[Fields] = [{"type": "human_test", "correct": True}, {"type": "augmented_test", "correct": False}]
    scores = chartqa.scores(rows)
    assert scores["overall"]["all"]["relaxed_accuracy"] == 0.5
    assert scores["type"]["human_test"] == {"relaxed_accuracy": 1.0, "correct": 1, "total": 1}


def test_mathvista_tables_need_no_metadata_but_use_it() -> None:
    bare: Fields = {"question_type": "free_form", "answer_type": "text", "true_false": True}
    assert list(mathvista.scores([bare])) == ["average", "question_type", "answer_type"]
    full = {**bare, "metadata": {"task": mathvista.GPS, "skills": ["a", "b"]}, "true_false": False}
    tables = mathvista.tables([bare, full])
    assert [count.total for count in tables["overall"].values()] == [2, 1]
    assert list(tables["skills"]) == ["a", "b"]
    assert mathvista.scores([bare, full, full])["average"] == {"accuracy": "33.33", "correct": 1, "total": 3}
