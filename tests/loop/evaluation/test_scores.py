from pathlib import Path

import pytest

from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.scores import Metrics, measure
from mathse.tables.files import write_json
from mathse.tables.schemas import Prediction, Problem, Split, Status

MODEL = ("1", "f1")


def problem(number: int, level: int = 1, subject: str = "angles") -> Problem:
    return Problem(
        problem_id=f"p{number}", source="figures", source_id=str(number), licence="Apache-2.0", split=Split.TEST,
        question="How much?", answer="70", subject=subject, level=level,
    )  # fmt: skip


def prediction(number: int, status: Status) -> Prediction:
    return Prediction(
        problem_id=f"p{number}", author="f1", prompt_id="solve-brief@1", text="x" * number, answer=None, status=status,
        reason="", finish_reason="stop", tokens_in=1, tokens_out=1,
    )  # fmt: skip


def test_undecided_counts_in_n_only() -> None:
    rows = [prediction(1, Status.CORRECT), prediction(2, Status.WRONG), prediction(3, Status.UNDECIDED)]
    problems = {f"p{number}": problem(number, level=number % 2, subject=f"s{number}") for number in (1, 2, 3)}
    metrics = measure(rows, problems, *MODEL)
    assert (metrics.n, metrics.correct, metrics.wrong, metrics.undecided) == (3, 1, 1, 1)
    assert metrics.accuracy == pytest.approx(1 / 3, abs=1e-6)
    assert metrics.mean_characters == 2
    assert {level: tally.accuracy for level, tally in metrics.by_level.items()} == {"0": 0, "1": 0.5}
    assert list(metrics.by_subject) == ["s1", "s2", "s3"]
    assert (metrics.model, metrics.fingerprint) == MODEL


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [prediction(1, Status.CORRECT), prediction(2, Status.WRONG)]
    problems = {row.problem_id: problem(int(row.problem_id[1])) for row in rows}
    assert measure(rows, problems, *MODEL) == measure(rows[::-1], problems, *MODEL)


def test_no_prediction_is_an_error() -> None:
    with pytest.raises(UserError, match="model 1: no test problem"):
        measure([], {}, *MODEL)


def test_an_unknown_problem_is_an_error() -> None:
    with pytest.raises(UserError, match="unknown problem p1"):
        measure([prediction(1, Status.CORRECT)], {}, *MODEL)


def test_saved_metrics_load_again(tmp_path: Path) -> None:
    metrics = measure([prediction(1, Status.CORRECT)], {"p1": problem(1)}, *MODEL)
    write_json(tmp_path / "metrics" / "1.json", metrics)
    assert scores.load(tmp_path / "metrics" / "1.json") == metrics
    assert list(Metrics.model_fields)[:6] == ["model", "fingerprint", "accuracy", "ci_low", "ci_high", "n"]
    assert not {"seconds", "train_seconds", "train_rows"} & Metrics.model_fields.keys()


def test_damaged_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"0\.json: not there yet"):
        scores.load(tmp_path / "0.json")
    (tmp_path / "0.json").write_text('{"model": "0"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"0\.json: does not hold"):
        scores.load(tmp_path / "0.json")
