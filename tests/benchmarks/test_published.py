"""The official verdicts and score tables of published responses, reproduced."""

from typing import Any

import pytest

from mathse.benchmarks.public import mathverse, mathvision, mathvista
from tests.shared_data import load

SEEN_BY_MATHVISTA = ("bard", "claude", "frequent_guess", "gpt4", "llava_llama_2_13b")
SEEN_BY_MATHVISION = (
    "GPT4-CoT_Text_Only",
    "Gemini-Pro-CoT",
    "InternLM-XComposer2-VL",
    "LLaVA-v1.5-7B",
    "Qwen-VL-Max",
    "Random-Chance",
)
RENAMED = {"not applicable": "daily life"}
"""A grade that was renamed in the published problems after the scores were made."""


@pytest.mark.parametrize("model", SEEN_BY_MATHVISION)
def test_mathvision(model: str) -> None:
    problems = {problem["id"]: problem for problem in load("mathvision/test.jsonl")}
    rows = load(f"mathvision/outputs/{model}.jsonl")
    assert len(rows) == 3040
    judged = []
    for row in rows:
        problem = problems[row["id"]]
        verdict = mathvision.verdict({**row, **problem})
        assert verdict == {"model_answer": row["model_answer"], "correct": row["correct"]}, row["id"]
        judged.append({**problem, **verdict})
    assert list(mathvision.scores(judged).items()) == list(load(f"mathvision/outputs/{model}_result.json").items())


@pytest.mark.parametrize("model", SEEN_BY_MATHVISTA)
def test_mathvista(model: str) -> None:
    problems = load("mathvista/testmini.json")
    rows = load(f"mathvista/results/output_{model}.json")
    judged = [{**row, **problems[pid], **mathvista.verdict(row)} for pid, row in rows.items()]
    before = list(rows.values())
    assert [row["true_false"] for row in judged] == [row["true_false"] for row in before]
    for now, then in zip(judged, before, strict=True):
        # An older version of the script found no integer in text with a decimal point. No verdict depends on it.
        older = now["answer_type"] == "integer" and "." in now["extraction"] and then["prediction"] is None
        assert now["prediction"] == then["prediction"] or older, now["pid"]
    _tables_agree(mathvista.scores(judged), load(f"mathvista/results/scores_{model}.json"))


def _tables_agree(ours: dict[str, Any], official: dict[str, Any]) -> None:
    assert list(ours) == list(official)
    for key, table in official.items():
        if key == "skills" and _totals(table) != _totals(ours[key]):
            continue  # scored with an older annotation of skills, which is not published
        assert {RENAMED.get(name, name): entry for name, entry in ours[key].items()} == table
        assert [entry["accuracy"] for entry in _entries(ours[key])] == [entry["accuracy"] for entry in _entries(table)]


def _entries(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries in the file's order; `average` is one entry itself."""
    return [table] if "accuracy" in table else list(table.values())


def _totals(table: dict[str, Any]) -> dict[str, int]:
    return {name: entry["total"] for name, entry in table.items()}


def test_skills_agree_where_the_annotation_is_the_published_one() -> None:
    problems = load("mathvista/testmini.json")
    rows = load("mathvista/results/output_frequent_guess.json")
    ours = mathvista.scores([{**row, **problems[pid]} for pid, row in rows.items()])
    assert ours["skills"] == load("mathvista/results/scores_frequent_guess.json")["skills"]


def test_every_gold_answer_of_mathverse_passes_its_own_match() -> None:
    rows = [{**row, "extraction": row["answer"]} for row in load("mathverse/testmini_text_only.json")]
    judged = [{**row, **mathverse.verdict(row)} for row in rows]
    scores = mathverse.scores(judged)
    assert scores["overall"] == {"text only": {"accuracy": 1.0, "correct": 788, "total": 788}}


def test_every_gold_answer_of_mathvision_passes_its_own_rule() -> None:
    for problem in load("mathvision/test.jsonl"):
        assert mathvision.is_correct(problem["answer"], problem["answer"], problem["options"]), problem["id"]
