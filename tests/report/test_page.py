import json
import shutil
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import mcnemar
from mathse.report import ablations, benchmarks, drawing, judging, page, series, table
from mathse.report.judging import error_type
from mathse.report.names import Names
from mathse.report.table import MEASURES, load
from mathse.tables.schemas import OWN_TESTS, Status
from tests.report.test_results import record
from tests.share.conftest import verdict


def test_every_promised_file_is_written(run: Path) -> None:
    written = page.build(run)
    assert all(file.stat().st_size for file in written)
    names = [*drawing.DATA, *(measure.name for measure in MEASURES)]
    for name in ("measures", *drawing.OPTIONAL):
        names.remove(name)
    for kind in (".png", ".svg", ".pdf"):
        assert {file.name for file in written if file.suffix == kind} == {name + kind for name in names}
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
    assert {row["p"] for row in rows if row["step"] == "base to + distilled"} == {"p = 1"}
    assert [row["problems"] for row in rows if row["step"] == "paper: last step"] == [1018, 276, 229, 477]


def test_accuracies_stand_beside_those_of_the_seeds_and_of_the_paper(run: Path) -> None:
    def rows() -> series.Rows:
        models, results = load(run), ablations.load(ablations.path(run, ablations.STEPS))
        own = [step for name, step in benchmarks.steps(run, models) if name == OWN_TESTS]
        return series.accuracy(models, own, results, params.load(run / params.PARAMS))

    def of(kind: str, stage: str) -> list[series.Row]:
        return [row for row in rows() if row["kind"] == kind and row["stage"] == stage]

    (own,) = of("run", "+ distilled")
    assert own["p"] == "p = 1" and not of("seeds", "+ distilled")
    reported = {row["of"]: row["accuracy"] for row in of("paper", "+ round 1")}
    assert reported["paper: CogVLM2, MathVL-test"] == 0.6235 and len(reported) == 3
    record(run, {seed: {"base": 2, "0": 2 + 2 * seed, "1": 9, "final": 10} for seed in (1, 2, 3)})
    (seeds,) = of("seeds", "+ distilled")
    assert (seeds["of"], seeds["ci_low"], seeds["ci_high"]) == ("mean of 3 seeds, lowest to highest", 0.2, 0.4)
    assert seeds["accuracy"] == pytest.approx(0.3) and seeds["p"] == series.p_value(mcnemar(12, 0))
    (own,) = of("run", "+ distilled")
    assert own["p"] == "", "the pairs of all seeds have it"
    record(run, {1: {"base": 2, "0": 4, "1": 9, "final": 10}})
    assert not of("seeds", "+ distilled")


def test_an_experiment_has_a_picture_with_the_papers_number(run: Path) -> None:
    record(run, {seed: {"base": 2, "0": 4, "1": 9, "final": 10 + seed} for seed in (1, 2)})
    steps = ablations.load(ablations.path(run, ablations.STEPS))
    assert steps is not None
    runs = tuple(one.model_copy(update={"variant": "orm"}) for one in steps.runs)
    comparison = tuple(row.model_copy(update={"variant": "orm"}) for row in steps.comparison if row.model == "final")
    changed = {"experiment": "table3", "runs": runs, "comparison": comparison, "title": "what is told"}
    ablations.save(ablations.path(run, "table3"), steps.model_copy(update=changed))
    page.build(run)
    (row,) = json.loads((run / layout.PLOTS / "experiments.json").read_text(encoding="utf-8"))
    assert (row["name"], row["lowest"], row["highest"], row["paper"]) == ("orm", 0.55, 0.6, "64.70 %")
    drawn = (run / layout.PLOTS / "ablate_table3.svg").read_text(encoding="utf-8")
    assert "What is told" in drawn and "paper: 64.70 %" in drawn
    assert "paper: 64.70 %" in (run / page.WEB_PAGE).read_text(encoding="utf-8")


def test_a_p_is_written_as_papers_write_it() -> None:
    numbers = (1e-9, 0.00099, 0.0264, 0.34, 1.0)
    assert [series.p_value(p) for p in numbers] == ["p < 0.001", "p < 0.001", "p = 0.026", "p = 0.34", "p = 1"]


def test_the_orms_confusion_has_every_pair(run: Path) -> None:
    (orm,) = table.load_orms(run).values()
    rows = series.orm_confusion(orm)
    assert sum(int(row["paths"]) for row in rows) == orm.n and len(rows) == 6
    assert [row["paper"] for row in rows if row["annotated"] == row["judged"]] == ["paper: 94.2 %", "paper: 100.0 %"]


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
        ("2: the angle is 45, not 36", "unnamed"),
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
