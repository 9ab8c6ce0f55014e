from pathlib import Path

import pytest

from mathse import layout, params
from mathse.errors import UserError
from mathse.look.status import describe
from mathse.loop.ask.journal import Journal

ROOT = Path(__file__).parents[2]
SETTINGS = params.load(ROOT / "presets" / "default.yaml")
TOOK = {"seconds": 253.4, "tokens_per_second": 2511.0, "peak_memory": 1_288_490_188, "processes": 1}


def test_tables_models_and_rounds(run: Path) -> None:
    (run / layout.model("0")).mkdir(parents=True)
    (run / layout.model("0") / "model.safetensors").write_bytes(b"0" * 2**20)
    told = describe(run)
    assert "steps    0 (distilled), 1 (round 1), final (reflection)" in told
    assert "data/problems/problems.parquet                    3 Problem" in told
    assert "0               1.0 MiB  + distilled: 50.0 % (somebody else's, of weights f)" in told
    (run / layout.model("0") / "lineage.json").write_text('{"model": "f"}')
    assert "somebody else" not in describe(run)


def test_partial_work_is_shown_even_while_it_is_written(run: Path) -> None:
    with Journal(run / layout.journal("rollout-1")) as journal:
        journal.put({"a": {"text": "x"}, "b": {"text": "y"}})
        assert "rollout-1                                         2 completions" in describe(run)


def test_a_damaged_table_and_journal_do_not_end_it(run: Path) -> None:
    (run / layout.mix("0")).parent.mkdir(parents=True)
    (run / layout.mix("0")).write_bytes(b"no parquet")
    layout_file = run / layout.journal("bad")
    layout_file.parent.mkdir(parents=True)
    layout_file.write_bytes(b"no sqlite" * 100)
    told = describe(run)
    assert "cannot be read: file is not a database" in told
    assert str(run / layout.mix("0")) in told


def test_a_source_is_no_table_of_the_run(run: Path) -> None:
    theirs = run / layout.SOURCES / "theirs" / "data" / "train-00000-of-00001.parquet"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"in a form of its own")
    assert "train-00000" not in describe(run)


def test_an_empty_project_says_none_yet(run: Path) -> None:
    empty = run / "empty"
    empty.mkdir()
    (empty / "params.yaml").write_bytes((run / "params.yaml").read_bytes())
    assert describe(empty).count("none yet") == 3


def test_dvc_outside_a_project_is_an_error(run: Path) -> None:
    with pytest.raises(UserError, match="`dvc status` failed"):
        describe(run, dvc=True)
