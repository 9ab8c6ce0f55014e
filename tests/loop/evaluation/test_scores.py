from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.scores import Metrics, measure, wilson
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


def test_known_wilson_intervals() -> None:
    # Values of statsmodels.stats.proportion.proportion_confint(..., method="wilson").
    assert wilson(10, 100) == pytest.approx((0.05522914, 0.17436566), abs=1e-7)
    assert wilson(0, 20) == pytest.approx((0.0, 0.16112516), abs=1e-7)
    assert wilson(20, 20) == pytest.approx((0.83887484, 1.0), abs=1e-7)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors(counts: tuple[int, int]) -> None:
    correct, n = counts
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert wilson(n - correct, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_counts_are_errors(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= correct <= n"):
        wilson(correct, n)


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
    scores.save(metrics, tmp_path / "metrics" / "1.json")
    assert scores.load(tmp_path / "metrics" / "1.json") == metrics
    assert list(Metrics.model_fields)[:6] == ["model", "fingerprint", "accuracy", "ci_low", "ci_high", "n"]
    assert not {"seconds", "train_seconds", "train_rows"} & Metrics.model_fields.keys()


def test_damaged_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"0\.json: not there yet"):
        scores.load(tmp_path / "0.json")
    (tmp_path / "0.json").write_text('{"model": "0"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"0\.json: does not hold"):
        scores.load(tmp_path / "0.json")
