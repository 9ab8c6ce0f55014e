"""Counts and contact sheets, for people."""

import json
from pathlib import Path

import PIL.Image

from mathse import layout, params
from mathse.params import AdapterSource, FigureSource
from mathse.sources.ingest import ingest
from mathse.sources.report import report, samples
from mathse.synthetic.families import FAMILIES, LEVELS
from tests.sources.adapters.samples import SAMPLES, without_benchmarks

DRAWN = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)


def test_each_data_set_has_its_counts_and_its_sheet(tmp_path: Path) -> None:
    (tmp_path / "pickles").mkdir()
    SAMPLES["geoqa_plus"].put(tmp_path / "pickles")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "k12.json").write_text('[{"question": "Find x."}]')
    pickles = AdapterSource(name="geoqa_plus", path=tmp_path / "pickles")
    settings = params.Problems(sources=(DRAWN, pickles, AdapterSource(name="k12", path=tmp_path / "empty")))
    counts = ingest(settings, without_benchmarks(tmp_path))
    folder = tmp_path / layout.SOURCE_REPORTS
    folder.mkdir(parents=True)
    (folder / "gone.png").write_bytes(b"of an earlier run")
    report(counts, settings, tmp_path)

    assert json.loads((folder / "counts.json").read_text()) == {
        "figures": {"rows": 3, "taken": 3, "rejected": {}},
        "geoqa_plus": {"rows": 2, "taken": 2, "rejected": {}},
        "k12": {"rows": 1, "taken": 0, "rejected": {"missing field": 1}},
    }
    assert sorted(file.name for file in folder.iterdir()) == ["counts.json", "geoqa_plus.png"]
    with PIL.Image.open(folder / "geoqa_plus.png") as sheet:
        assert sheet.getextrema() != ((255, 255),) * 3


def test_with_figures_alone_the_folder_is_there(tmp_path: Path) -> None:
    settings = params.Problems(sources=(DRAWN,))
    report(ingest(settings, without_benchmarks(tmp_path)), settings, tmp_path)
    assert [file.name for file in (tmp_path / layout.SOURCE_REPORTS).iterdir()] == ["counts.json"]


def test_the_runs_own_problems_are_shown(run: Path) -> None:
    problems, images = samples(run)
    assert {problem.source_id for problem in problems} == {"1", "2", "3"}
    assert {image_id for problem in problems for image_id in problem.image_ids} == set(images)


def test_without_a_run_every_family_and_level_is_drawn(tmp_path: Path) -> None:
    problems, images = samples(tmp_path)
    assert {(problem.source_id.rsplit("-", 2)[0], problem.level) for problem in problems} == {
        (family, level) for family in FAMILIES for level in LEVELS
    }
    assert {image_id for problem in problems for image_id in problem.image_ids} <= set(images)
