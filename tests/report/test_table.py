import shutil
from pathlib import Path

import pytest

from mathse import layout
from mathse.errors import UserError
from mathse.report import table
from tests.share.conftest import write_params

ROOT = Path(__file__).parents[2]


def test_models_come_in_the_order_of_the_report(run: Path) -> None:
    assert [model.metrics.model for model in table.load(run)] == ["base", "0", "1", "final"]


def test_the_table_has_the_shape_of_the_papers(run: Path) -> None:
    lines = table.markdown(table.load(run)).splitlines()
    assert lines[0].startswith("| model | training rows | accuracy, % (95 %) | solved of remaining | ")
    assert lines[2].startswith("| base | 0 | 0.0 (0.0 to 65.8) |  | ")
    assert lines[-1].startswith("| + reflection | 300 | 50.0 (9.5 to 90.5) | 5 of 9 | ")
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["base", "+ distilled", "+ round 1", "+ reflection"]


def test_the_orm_line_says_what_is_undecided(run: Path) -> None:
    line = table.orm_lines(table.load_orms(run))
    assert line == (
        "ORM on 2 held-out paths: correct 0.0 %, wrong 100.0 %, overall 50.0 %, first wrong step 0.0 %, "
        "undecided 1 of 2."
    )


def test_nothing_measured_is_an_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "presets" / "smoke.yaml", tmp_path / "params.yaml")
    with pytest.raises(UserError, match="no model is measured yet"):
        table.load(tmp_path)
    with pytest.raises(UserError, match="ORM is not measured yet"):
        table.load_orms(tmp_path)


def test_metrics_of_a_round_that_is_gone_are_another_runs(run: Path) -> None:
    shutil.copy(run / layout.metrics("1"), run / layout.metrics("9"))
    assert [model.metrics.model for model in table.load(run)] == ["base", "0", "1", "final"]


def test_several_orms_are_told_apart_and_trained_models_need_their_report(run: Path) -> None:
    orms = {name: {"student": "student", "start": "base"} for name in ("orm", "orm2")}
    write_params(run, orms=orms)
    shutil.copy(run / layout.metrics("orm"), run / layout.metrics("orm2"))
    first, _, second = table.orm_lines(table.load_orms(run)).splitlines()
    assert first.startswith("ORM orm on 2") and second.startswith("ORM orm2 on 2")
    (run / layout.training_report("1")).unlink()
    with pytest.raises(UserError, match=r"training/1\.json: not found"):
        table.load(run)


DAMAGED = [b"", b"{", b"[]", b"null", b'{"rows": "many", "solved": 1}', b"[" * 100_000, b'{"rows": NaN}', b"\xff\xfe"]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_files_are_named(run: Path, content: bytes) -> None:
    for file, load, said in (
        (layout.metrics("orm"), table.load_orms, "does not hold"),
        (layout.metrics("1"), table.load, "does not hold"),
        (layout.mix_report("1"), table.load, "is damaged"),
        (layout.training_report("1"), table.load, "is damaged"),
    ):
        whole = (run / file).read_bytes()
        (run / file).write_bytes(content)
        with pytest.raises(UserError, match=rf"(?s){file}: {said}.*`dvc repro` makes it anew"):
            load(run)
        (run / file).write_bytes(whole)
    (run / layout.mix_report("1")).write_text('{"rows": 3, "solved": 1}')
    with pytest.raises(UserError, match="solved and remaining belong together"):
        table.load(run)
