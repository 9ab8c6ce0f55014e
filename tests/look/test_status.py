from pathlib import Path

import pytest

from mathse import cli, layout, params
from mathse.errors import UserError
from mathse.look.status import describe, timings
from mathse.loop.ask.journal import Journal
from mathse.tables.files import write_json

ROOT = Path(__file__).parents[2]
SETTINGS = params.load(ROOT / "presets" / "default.yaml")
TOOK = {"seconds": 253.4, "tokens_per_second": 2511.0, "peak_memory": 1_288_490_188, "processes": 1}


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


def test_models_come_in_the_order_of_the_loop_and_another_runs_are_left_out(tmp_path: Path) -> None:
    for name in ("final", "orm", "9"):
        write_json(tmp_path / layout.timings(f"train-{name}"), TOOK)
        write_json(tmp_path / layout.timings(f"evaluate-{name}"), {"seconds": 9.0})
    assert timings(tmp_path, SETTINGS) == [
        "train orm: 253 s, 2,511 tokens/s, 1,229 MiB",
        "train final: 253 s, 2,511 tokens/s, 1,229 MiB",
        "evaluate final: 9 s",
    ]
    assert timings(tmp_path / "nowhere", SETTINGS) == []


@pytest.mark.parametrize("name", ["train-0", "evaluate-0"])
@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seconds": "x"}'])
def test_a_damaged_file_is_named(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / layout.timings(name)
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    (line,) = timings(tmp_path, SETTINGS)
    assert line.startswith(f"{file}: is damaged")


def test_the_report_shows_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(run / layout.timings("train-0"), TOOK)
    assert cli.main(["-C", str(run), "report"]) == 0
    assert "train 0: 253 s, 2,511 tokens/s, 1,229 MiB" in capsys.readouterr().out
