import json
from pathlib import Path

import pytest

from mathse import cli, layout
from mathse.diff.names import Origin, find, members
from mathse.diff.sides import DiffError
from mathse.look import catalogue
from mathse.report import names
from mathse.tables import schemas, store
from tests import rows
from tests.diff.tables import parquet


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mix@1", "mix/1"), ("mix@final", "mix/final"), ("mix@orm", "mix/orm"), ("orm_mix", "mix/orm"),
        ("mix@student", "mix/student"), ("paths@1", "paths/1"), ("paths@distill", "paths/0"),
        ("round_1_paths", "paths/1"), ("paths@orm", "orm/orm/paths"), ("verdicts@reflect", "verdicts/final"),
        ("predictions@0", "predictions/0"), ("eval@base", "predictions/base"), ("eval_base", "predictions/base"),
        ("remaining@1", "remaining/1"), ("problems", "problems/problems"), ("feedback", "orm/orm/feedback"),
        ("held_out", "orm/orm/held_out"), ("verdicts_final", "verdicts/final"),
    ],
)  # fmt: skip
def test_names_of_today_and_of_before_are_files(run: Path, name: str, file: str) -> None:
    known = names.of(run)
    assert catalogue.place(known.view(name), known) == Path(f"data/{file}.parquet")


def test_a_name_is_a_file_of_the_run(run: Path, tmp_path: Path) -> None:
    found = find("paths@1", Origin(run), tmp_path)
    assert (found.file, found.view, found.project) == (run / "data/paths/1.parquet", "paths_1", run)
    assert find("paths@reflect", Origin(run), tmp_path).file == run / "data/paths/final.parquet"


def test_the_tables_of_an_orm_that_params_no_longer_has_are_found(run: Path, tmp_path: Path) -> None:
    store.write(run / layout.orm_paths("old"), schemas.Path, [rows.path("a")])
    assert find("old_paths", Origin(run), tmp_path).view == "old_paths"


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


def test_a_step_is_all_of_its_tables(run: Path) -> None:
    known = names.of(run)
    assert list(members("1", known).values()) == ["paths@1", "verdicts@1", "mix@1", "predictions@1"]
    there = ["../a:paths@0", "../a:verdicts@0", "../a:mix@0", "../a:predictions@0"]
    assert list(members("../a:0", known).values()) == there
    assert members("base", known) == {"predictions": "predictions@base"}
    assert members("mix@1", known) == {"": "mix@1"}
    assert list(members("final", names.Names(None))) == ["paths", "verdicts", "mix", "predictions"]
    assert known.settings is not None
    fewer = names.Names(known.settings.model_copy(update={"measured": ("base",)}))
    assert list(members("1", fewer)) == ["paths", "verdicts", "mix"], "no model of this step is measured"


def test_two_steps_are_compared_table_by_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "diff", "base", "final", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["changed"] == 1
    assert cli.main(["-C", str(run), "diff", "base", "mix@1"]) == 2
    assert "whole step" in capsys.readouterr().err
    assert cli.main(["-C", str(run), "diff", "1", "1", "--parquet", "x"]) == 2
    assert "--parquet saves" in capsys.readouterr().err
