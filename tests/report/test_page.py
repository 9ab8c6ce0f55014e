import json
import shutil
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout, params
from mathse.errors import UserError
from mathse.report import benchmarks, drawing, judging, page, series
from mathse.report.judging import error_type
from mathse.report.names import Names
from mathse.report.table import MEASURES, load
from mathse.tables.schemas import OWN_TESTS, Status
from tests.share.conftest import verdict


def test_every_promised_file_is_written(run: Path) -> None:
    written = page.build(run)
    assert all(file.stat().st_size for file in written)
    names = [*drawing.DATA, *(measure.name for measure in MEASURES)]
    for name in ("measures", *drawing.OPTIONAL):
        names.remove(name)
    assert {file.name for file in written if file.suffix == ".png"} == {f"{name}.png" for name in names}
    text = (run / page.PAGE).read_text(encoding="utf-8")
    for link in (part.split(")")[0] for part in text.split("](")[1:]):
        assert (run / page.PAGE).parent.joinpath(link).exists()


def test_the_same_inputs_give_the_same_bytes(run: Path) -> None:
    first = {file: file.read_bytes() for file in page.build(run)}
    assert {file: file.read_bytes() for file in page.build(run)} == first


def test_pictures_hold_pixels_and_no_metadata(run: Path) -> None:
    for file in page.build(run):
        if file.suffix == ".png":
            with PIL.Image.open(file) as picture:
                assert not {"Software", "Creation Time"} & picture.info.keys()
                assert len(picture.convert("RGB").getcolors(maxcolors=2**24) or []) > 1


def test_plot_data_is_flat_rows(run: Path) -> None:
    page.build(run)
    for file in (run / layout.PLOTS).glob("*.json"):
        rows = json.loads(file.read_text(encoding="utf-8"))
        assert rows or file.stem in drawing.OPTIONAL
        assert all(isinstance(value, str | int | float) for row in rows for value in row.values())


def test_transitions_of_a_step_add_up(run: Path) -> None:
    steps = benchmarks.steps(run, load(run))
    rows = series.transitions(step for name, step in steps if name == OWN_TESTS)
    first = {row["outcome"]: row["problems"] for row in rows if row["step"] == "base to + distilled"}
    assert first == {"stayed_correct": 0, "gained": 1, "lost": 0, "stayed_wrong": 1}


def test_error_types_are_counted_by_round(run: Path) -> None:
    settings = params.load(run / params.PARAMS)
    assert series.error_types(judging.count(run, settings), Names(settings)) == [
        {"round": "round 1", "says": "the ORM says", "type": "vision", "paths": 1, "share": 1.0}
    ]


def test_nothing_that_git_tracks_tells_how_long_it_took(run: Path) -> None:
    first = {file: file.read_bytes() for file in page.build(run)}
    for file in (run / layout.TIMINGS).iterdir():
        file.write_text('{"seconds": 12345}', encoding="utf-8")
    assert {file: file.read_bytes() for file in page.build(run)} == first
    shutil.rmtree(run / layout.TIMINGS)
    assert {file: file.read_bytes() for file in page.build(run)} == first


def test_the_date_of_a_build_is_in_no_picture(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {file: file.read_bytes() for file in page.build(run)}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert {file: file.read_bytes() for file in page.build(run)} == first


@pytest.mark.parametrize(
    ("analysis", "name"),
    [
        ("vision: B is not 40", "vision"),
        (" Calculation : slip", "calculation"),
        ("50 + 60 is not 111", "unnamed"),
        ("the sum is wrong: 111", "unnamed"),
        ("", "unnamed"),
        (None, "unnamed"),
    ],
)
def test_an_analysis_opens_with_its_type(analysis: str | None, name: str) -> None:
    assert error_type(verdict("p", Status.WRONG, "Step 1", analysis)) == name


def test_a_missing_table_is_named(run: Path) -> None:
    (run / layout.predictions("0")).unlink()
    with pytest.raises(UserError, match=r"data/predictions/0\.parquet"):
        page.build(run)
