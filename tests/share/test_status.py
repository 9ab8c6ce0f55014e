from pathlib import Path

import pytest

from mathse import layout
from mathse.errors import UserError
from mathse.loop.ask.journal import Journal
from mathse.share.status import describe


def test_tables_models_and_rounds(run: Path) -> None:
    (run / layout.model("0")).mkdir(parents=True)
    (run / layout.model("0") / "model.safetensors").write_bytes(b"0" * 2**20)
    told = describe(run)
    assert "steps    0 (distilled), 1 (round 1), final (reflection)" in told
    assert "data/problems/problems.parquet                    3 Problem" in told
    assert "0               1.0 MiB  + distilled: 50.0 %" in told


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


def test_an_empty_project_says_none_yet(run: Path) -> None:
    empty = run / "empty"
    empty.mkdir()
    (empty / "params.yaml").write_bytes((run / "params.yaml").read_bytes())
    assert describe(empty).count("none yet") == 3


def test_dvc_outside_a_project_is_an_error(run: Path) -> None:
    with pytest.raises(UserError, match="`dvc status` failed"):
        describe(run, dvc=True)
