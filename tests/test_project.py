"""Commands find their project in whatever folder of it they run, and say the same true thing where it is empty."""

import errno
import shutil
from pathlib import Path

import pytest
import yaml

from mathse import cli, layout, params
from mathse.errors import HOW_TO_GET, UserError, explained
from mathse.params import ParamsError
from mathse.share.counts import Counts
from mathse.share.provenance import lineage
from mathse.share.rows import Mix
from mathse.tables.files import CannotWrite, replaced
from tests.share.conftest import run as run

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git has of a project: no tables, no models."""
    for name in ("presets", "mathse/sql"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("params.yaml", "dvc.yaml", "dvc.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.parametrize("folder", [".", "data", "data/paths", "reports/metrics"])
def test_a_command_walks_up_to_its_project(
    folder: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run / folder)
    printed = []
    for command in (
        ["show", "1abc1"],
        ["status"],
        ["report"],
        ["preset"],
        ["query", "select path_id from paths"],
        ["trace", "roll"],
    ):
        assert cli.main(command) == 0
        printed.append(capsys.readouterr().out)
    assert "What is angle C of triangle 1?" in printed[0]
    assert "roll" in printed[4]
    assert Path.cwd() == run / folder
    assert [place for place in run.rglob(".mathse") if place.parent != run] == []


def test_files_that_a_user_names_are_where_the_user_is(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "notes").mkdir()
    shutil.copy(run / layout.paths("1"), run / "notes" / "mine.parquet")
    (run / "notes" / "answers.jsonl").write_text('{"gold": "5", "answer": "5"}\n')
    monkeypatch.chdir(run / "notes")
    assert cli.main(["diff", "mine.parquet", "paths@1", "--parquet", "changes.parquet"]) == 0
    assert (run / "notes" / "changes.parquet").is_file()
    assert cli.main(["show", "1abc1", "--image-dir", "images"]) == 0
    assert (run / "notes" / "images").is_dir()
    capsys.readouterr()
    assert cli.main(["grade", "answers.jsonl"]) == 0
    assert '"verdict": "CORRECT"' in capsys.readouterr().out
    assert cli.main(["diff", "../data/paths/1.parquet", "paths@1", "--counts"]) == 0


def test_the_nearest_project_is_meant(run: Path) -> None:
    inner = run / "reports" / "other"
    (inner / "deep").mkdir(parents=True)
    assert layout.project_around(inner / "deep") == run
    (inner / "params.yaml").touch()
    assert layout.project_around(inner / "deep") == inner


@pytest.mark.parametrize(
    "command",
    [
        ["show", "1"], ["trace", "1"], ["query", "from paths"], ["status"], ["diff", "paths@1", "paths@2"],
        ["export", "mix@1", "out"], ["mix", "check", "mathse/sql/mixes/cumulative.sql"],
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_an_empty_clone_is_told_how_to_get_its_tables(
    command: list[str], clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clone)
    cli.main(command)
    printed = capsys.readouterr()
    assert HOW_TO_GET in printed.out + printed.err


def test_data_may_be_a_link_to_another_disk(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    disk = tmp_path_factory.mktemp("disk") / "data"
    shutil.move(run / "data", disk)
    (run / "data").symlink_to(disk)
    files = lineage(run, Mix("1", run / layout.paths("1"), {}, (), (), "student"), Counts(), False)["files"]
    assert list(files) == ["data/paths/1.parquet", "data/problems/images.parquet"]


ERRORS = (
    (PermissionError(errno.EACCES, "Permission denied", "data/x"), "data/x: Permission denied; make it readable"),
    (OSError(errno.EROFS, "Read-only file system", ".mathse"), ".mathse: Read-only file system; work in a copy"),
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; free some space"),
    (OSError("ZSTD decompression failed"), "OSError: ZSTD decompression failed; if a file is damaged, `dvc checkout`"),
    (MemoryError(), "there is not enough memory for this"),
    (ValueError("a mistake"), None),
    (UserError("said by itself"), None),
)


@pytest.mark.parametrize(("error", "message"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS])
def test_what_is_said_of_the_machines_errors(error: Exception, message: str | None) -> None:
    said = explained(error)
    assert said == message if said is None or message is None else said.startswith(message)


def test_no_traceback_of_an_error_of_the_machine(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "somewhere")

    monkeypatch.setattr("mathse.params.load", refused)
    assert cli.main(["-C", str(run), "check"]) == cli.USER_ERROR
    assert capsys.readouterr().err == (
        "mathse: somewhere: Read-only file system; work in a copy on a disk that can be written\n"
    )


def test_the_first_error_is_the_one_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(CannotWrite, match="no space left"), replaced(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("train: {launch: {processes: 8}}", "is a fragment: it has train alone; put its keys into a whole file"),
        ("DEFAULT\nreflect: {feedback: teacher}", "reflect: is a fragment; put feedback into the section"),
        ("DEFAULT\nlaunch: {processes: 8}", "launch: is a key of train; indent it below that section"),
    ],
)
def test_a_pasted_fragment_is_called_one(text: str, hint: str, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text()) if "DEFAULT" in text else {}
    content |= yaml.safe_load(text.removeprefix("DEFAULT\n"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ParamsError) as raised:
        params.load(tmp_path / "params.yaml")
    assert hint in str(raised.value).splitlines()[-1]
