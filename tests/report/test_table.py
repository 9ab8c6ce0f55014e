import shutil
from pathlib import Path

import pytest
from rich.console import Console

from mathse import layout
from mathse.errors import UserError
from mathse.report import table

ROOT = Path(__file__).parents[2]


def test_models_come_in_the_order_of_the_loop(run: Path) -> None:
    names = ["final", "10", "2", "base", "0"]
    assert sorted(names, key=table.stage_order) == ["base", "0", "2", "10", "final"]
    assert [metrics.model for metrics in table.load(run)] == ["base", "0", "1", "final"]


def test_the_table_has_the_shape_of_the_papers(run: Path) -> None:
    lines = table.markdown(table.load(run)).splitlines()
    assert lines[0].startswith("| model | training rows | accuracy, % (95 %) | solved of remaining | seconds | ")
    assert lines[2].startswith("| base | 0 | 0.0 (0.0 to 65.8) |  | 3 | ")
    assert lines[-1].startswith("| + reflection | 300 | 50.0 (9.5 to 90.5) | 5 of 9 | 183 | ")
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["base", "+ distilled", "+ round 1", "+ reflection"]


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_is_broken_in_the_terminal(run: Path, width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table.terminal(table.load(run)))
    assert "50.0 (9.5 to 90.5)" in captured.get()


def test_the_orm_line_says_what_is_undecided(run: Path) -> None:
    line = table.orm_line(table.load_orm(run))
    assert line == (
        "ORM on 2 held-out paths: correct 0.0 %, wrong 100.0 %, overall 50.0 %, first wrong step 0.0 %, "
        "undecided 1 of 2."
    )


def test_nothing_measured_is_an_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "presets" / "smoke.yaml", tmp_path / "params.yaml")
    with pytest.raises(UserError, match="no model is measured yet"):
        table.load(tmp_path)
    with pytest.raises(UserError, match="ORM is not measured yet"):
        table.load_orm(tmp_path)


def test_metrics_of_a_round_that_is_gone_are_another_runs(run: Path) -> None:
    shutil.copy(run / layout.metrics("1"), run / layout.metrics("9"))
    assert [metrics.model for metrics in table.load(run)] == ["base", "0", "1", "final"]


def test_damaged_orm_metrics_are_named(run: Path) -> None:
    (run / layout.metrics("orm")).write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match=r"orm\.json: does not hold"):
        table.load_orm(run)
