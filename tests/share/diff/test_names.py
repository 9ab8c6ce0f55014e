import json
from pathlib import Path

import pytest

from mathse import cli
from mathse.share.diff.names import find, members, view_name
from mathse.share.diff.revisions import Origin
from mathse.share.diff.sides import DiffError
from mathse.tables import views
from tests.share.diff.tables import parquet


@pytest.mark.parametrize(
    "name, view",
    [
        ("mix@1", "mix_1"), ("mix@final", "mix_final"), ("mix@orm", "orm_mix"), ("mix@student", "student_mix"),
        ("paths@1", "round_1_paths"), ("paths@distill", "distill_paths"), ("paths@orm", "orm_paths"),
        ("verdicts@reflect", "reflect_verdicts"), ("predictions@0", "eval_0"), ("eval@base", "eval_base"),
        ("problems", "problems"), ("feedback", "orm_feedback"), ("held_out", "orm_held_out"), ("orm_mix", "orm_mix"),
    ],
)  # fmt: skip
def test_names_are_views(name: str, view: str) -> None:
    assert view_name(name) == view
    assert views.table_file(view) is not None


def test_a_name_is_a_file_of_the_run(run: Path, tmp_path: Path) -> None:
    found = find("paths@1", Origin(run), tmp_path)
    assert found.file == run / "data/rounds/1/paths.parquet"
    assert found.project == run


def test_another_project_is_named_before_a_colon(run: Path, tmp_path: Path) -> None:
    assert find(f"{run}:problems", Origin(tmp_path), tmp_path).file == run / "data/problems/problems.parquet"


def test_any_parquet_file_has_its_path_as_name(run: Path, tmp_path: Path) -> None:
    file = parquet(tmp_path / "mine.parquet", k=[1])
    assert find(str(file), Origin(run), tmp_path).file == file


@pytest.mark.parametrize("name", ["nothing", "mix@7", "paths@x", "mix@../../secret", "paths@../1"])
def test_an_unknown_name_is_told_what_there_is(run: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(DiffError, match=r"there are problems.*predictions@final"):
        find(name, Origin(run), tmp_path)


def test_the_command(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "diff", "predictions@base", "predictions@final"]) == 0
    assert "solved now, not before" in capsys.readouterr().out
    assert cli.main(["-C", str(run), "diff", "predictions@base", "predictions@final", "--counts", "--markdown"]) == 0
    assert cli.main(["-C", str(run), "diff", "predictions@base"]) == 2
    assert "compared with what" in capsys.readouterr().err
    assert cli.main(["-C", str(run), "diff", "predictions@base", "paths@1"]) == 2
    assert "--key" in capsys.readouterr().err


def test_a_round_is_all_of_its_tables() -> None:
    assert list(members("2").values()) == ["paths@2", "verdicts@2", "mix@2", "predictions@2"]
    assert list(members("../a:0").values()) == [
        "../a:paths@distill", "../a:verdicts@distill", "../a:mix@0", "../a:predictions@0"
    ]  # fmt: skip
    assert members("base") == {"predictions": "predictions@base"}
    assert members("mix@1") == {"": "mix@1"}


def test_two_rounds_are_compared_table_by_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "diff", "base", "final", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["changed"] == 1
    assert cli.main(["-C", str(run), "diff", "base", "mix@1"]) == 2
    assert "whole round" in capsys.readouterr().err
    assert cli.main(["-C", str(run), "diff", "1", "1", "--parquet", "x"]) == 2
    assert "--parquet saves" in capsys.readouterr().err
