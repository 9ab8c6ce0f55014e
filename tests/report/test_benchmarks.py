"""Benchmarks in the report, the terminal and the story of an item."""

from pathlib import Path

import pytest

from mathse import cli, layout
from mathse.look.ids import RowNotFound
from mathse.look.show import tell
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.benchmark_scores import BenchmarkMetrics
from mathse.report import benchmarks, page, table
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import BenchmarkItem, Image, Prediction, Status
from tests.share.conftest import MODELS, picture

TITLE = "mathvision_testmini"


def item(number: int) -> BenchmarkItem:
    return BenchmarkItem(
        benchmark=TITLE, item_id=str(number), question=f"How many are {number}?", answer="6",
        image_ids=(picture().image_id,), subject="counting", level=1, licence="MIT", official="{}",
    )  # fmt: skip


def answer(number: int, status: Status, sample: int = 0) -> Prediction:
    return Prediction(
        benchmark=TITLE, problem_id=f"{TITLE}/{number}", sample_idx=sample, author="m", prompt_id="solve@1",
        text=f"Sample {sample}.", answer="6", status=status, reason="as the official rule has it",
        scorer="mathvision@1", rule_status=Status.UNDECIDED, finish_reason="stop", tokens_in=1, tokens_out=1,
    )  # fmt: skip


@pytest.fixture
def measured(run: Path) -> Path:
    """A run whose models are measured on a benchmark of eight items, and drawn one sample besides."""
    store.write(run / layout.BENCHMARK_ITEMS, BenchmarkItem, map(item, range(8)))
    store.write(run / layout.BENCHMARK_IMAGES, Image, [picture()])
    for place, name in enumerate(MODELS):
        solved = 0 if not place else 7
        rows = [answer(number, Status.CORRECT if number < solved else Status.WRONG) for number in range(8)]
        rows += [answer(number, Status.CORRECT, 1) for number in range(8)]
        file = run / layout.predictions(name)
        store.write(file, Prediction, [*store.read(file, Prediction), *rows])
        metrics = scores.load(run / layout.metrics(name))
        found = BenchmarkMetrics(
            n=8, rejected=0, correct=solved, undecided=0, accuracy=solved / 8, ci_low=0.1, ci_high=0.9,
            rule_accuracy=0, extraction_rate=1, prompt_id="solve@1", scorer="mathvision@1", extractor="rule",
            note="8 of 304 published items",
        )  # fmt: skip
        changed = {"benchmarks": {TITLE: found}, "table_2": {"mathvista_gps": 0.5}}
        write_json(run / layout.metrics(name), metrics.model_copy(update=changed))
    return run


def test_the_papers_columns_come_first(measured: Path) -> None:
    heading, base, *_ = benchmarks.cells(table.load(measured))
    assert heading == ("model", "MathVista GPS", TITLE)
    assert base == ("base", "50.0", "0.0 (10.0 to 90.0)")


def test_the_report_has_benchmarks_and_significance(measured: Path) -> None:
    page.build(measured)
    text = (measured / page.PAGE).read_text(encoding="utf-8")
    assert "| + distilled | 50.0 | 87.5 (10.0 to 90.0) |" in text
    assert f"\n{TITLE}: 8 of 304 published items.\n" in text
    assert "| base to + distilled | own tests | 1 | 0 | 1 |" in text
    assert f"| base to + distilled | {TITLE} | 7 | 0 | 0.016 |" in text
    assert f"| + distilled to + round 1 | {TITLE} | 0 | 0 | 1 |" in text


def test_a_run_without_benchmarks_has_no_table_of_them(run: Path) -> None:
    page.build(run)
    assert "ublic benchmarks" not in (run / page.PAGE).read_text(encoding="utf-8")
    assert benchmarks.cells(table.load(run)) == []


def test_the_command_prints_them(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(measured), "report"]) == 0
    printed = capsys.readouterr().out
    assert "MathVista" in printed and "GPS" in printed  # a heading breaks between its words
    assert "8 of 304 published items" in printed


def test_the_story_of_an_item(measured: Path, tmp_path: Path) -> None:
    told = tell(measured, f"{TITLE}/3", tmp_path / "images")
    assert "How many are 3?" in told
    assert "CORRECT (as the official rule has it; rule grader UNDECIDED)" in told
    assert "Sample 0." in told
    assert "Sample 1." not in told
    assert len(list((tmp_path / "images").iterdir())) == 1
    with pytest.raises(RowNotFound, match="has no item '99'"):
        tell(measured, f"{TITLE}/99", tmp_path)


def test_a_diff_of_predictions_tells_benchmarks_apart(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(measured), "diff", "predictions@base", "predictions@0"]) == 0
    printed = capsys.readouterr().out
    assert "test problems" in printed
    assert f"items of {TITLE}" in printed
    assert "p = 0.016" in printed


def test_a_table_of_an_older_version_is_named(measured: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Prediction, "version", Prediction.version + 1)
    with pytest.raises(store.StoreError, match=r"predictions/base\.parquet: schema version 3, now 4; remake it"):
        tell(measured, f"{TITLE}/3", tmp_path / "images")
