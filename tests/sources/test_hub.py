"""A hub source through the whole ingest: `datasets` takes a folder of that name in place of the hub."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse import layout, params
from mathse.params import AdapterSource, FigureSource
from mathse.sources.ingest import ingest
from mathse.sources.reading import SourceError
from mathse.tables import store
from mathse.tables.schemas import Problem
from tests.sources.adapters.samples import png, without_benchmarks

DRAWN = FigureSource(name="figures", seed=1, train=1, orm=1, test=1)
SOURCE = AdapterSource(name="geometry3k", repository="owner/geometry", revision="0" * 40)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    return tmp_path


def test_rows_of_a_repository_become_problems(offline: Path) -> None:
    (offline / "owner" / "geometry").mkdir(parents=True)
    rows = [
        {"problem": "<image>Find $x$.", "answer": answer, "images": [{"bytes": png(), "path": None}]}
        for answer in ("4", "")
    ]
    pq.write_table(pa.Table.from_pylist(rows), offline / "owner" / "geometry" / "train.parquet")
    counts = ingest(params.Problems(sources=(DRAWN, SOURCE)), without_benchmarks(offline))

    assert counts.taken["geometry3k"] == 1
    assert counts.reasons("geometry3k") == {"empty answer": 1}
    found = [one for one in store.scan(layout.PROBLEMS, Problem) if one.source == "geometry3k"]
    assert [(one.question, one.answer, one.licence) for one in found] == [("Find $x$.", "4", "MIT")]


def test_a_repository_that_is_not_there_is_an_error_that_says_so(offline: Path) -> None:
    with pytest.raises(SourceError, match=r"owner/geometry@0+, split train: cannot be read .*; check name, revision"):
        ingest(params.Problems(sources=(DRAWN, SOURCE)))
