import ctypes
import errno
import os
import subprocess
from pathlib import Path

import pytest
from pydantic import BaseModel

from mathse.tables.files import CannotWrite, replaced, sha256, whole_or_not_at_all, write, write_json


class Report(BaseModel):
    rows: int
    loss: float


def test_a_model_keeps_the_order_of_its_fields_and_a_mapping_is_sorted(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "report.json", Report(rows=3, loss=0.5))
    assert (tmp_path / "new" / "report.json").read_text() == '{\n  "rows": 3,\n  "loss": 0.5\n}\n'
    write_json(tmp_path / "given.json", {"b": {"d": "é", "c": 1}, "a": []})
    wanted = '{\n  "a": [],\n  "b": {\n    "c": 1,\n    "d": "é"\n  }\n}\n'
    assert (tmp_path / "given.json").read_text(encoding="utf-8") == wanted


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    write_json(file, {"rows": 1})

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_json(file, {"rows": 2})
    assert file.read_text() == '{\n  "rows": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_takes_its_place_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with whole_or_not_at_all(folder) as fresh:
        (fresh / "one").touch()
        assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), whole_or_not_at_all(folder) as fresh:
        (fresh / "two").touch()
        raise KeyboardInterrupt
    assert [file.name for file in folder.iterdir()] == ["one"]
    (tmp_path / ".model.partial").mkdir()  # what a kill left
    (tmp_path / ".model.partial" / "half").touch()
    with whole_or_not_at_all(folder) as fresh:
        (fresh / "two").touch()
    assert [file.name for file in folder.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_hash_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def test_what_killed_processes_left_goes_and_what_others_write_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    own, others, killed = (tmp_path / f".t.json.{process}.partial" for process in (os.getpid(), 1, ended.pid))
    for file in (others, killed, tmp_path / ".other.json.1.partial"):
        file.touch()
    with replaced(tmp_path / "t.json") as fresh:
        fresh.touch()
        assert fresh == own and others.exists() and not killed.exists()
    assert {file.name for file in tmp_path.iterdir()} == {"t.json", others.name, ".other.json.1.partial"}


def test_git_and_dvc_pass_over_what_a_kill_leaves(tmp_path: Path) -> None:
    for name in (".gitignore", ".dvcignore"):
        (tmp_path / name).write_bytes((Path(__file__).parents[2] / name).read_bytes())
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name in ("reports/.a.json.7.partial", "data/mix/.0.parquet.7.spill", "models/.0.partial/x", "models/.0.old/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    untracked = subprocess.run(
        ["git", "status", "--short", "--untracked-files=all"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert untracked == "?? .dvcignore\n?? .gitignore\n"


@pytest.mark.parametrize(
    ("number", "why"), [(errno.EROFS, "the disk is read-only"), (errno.ENOSPC, "no space"), (errno.EIO, "cannot be w")]
)
def test_what_the_disk_refuses_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    write(tmp_path / "t.txt", "old")
    for call in ("rename", "write_bytes"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)  # a read-only disk refuses that too
            patch.setattr(Path, call, refuse)
            with pytest.raises(CannotWrite, match=rf"t\.txt: {why}.*what was there before is still there\. \w"):
                write(tmp_path / "t.txt", "new")
    assert (tmp_path / "t.txt").read_text() == "old"


def test_a_folder_that_is_a_link_gives_way_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "weights").write_text("old")
    (tmp_path / "model").symlink_to(tmp_path / "disk")
    with whole_or_not_at_all(tmp_path / "model") as fresh:
        (fresh / "weights").write_text("new")
    assert (tmp_path / "model" / "weights").read_text() == "new"
    assert (tmp_path / "disk" / "weights").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"disk", "model"}


def test_a_folder_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".model.old").mkdir()
    (tmp_path / ".model.old" / "weights").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_or_not_at_all(tmp_path / "model"):
        raise KeyboardInterrupt
    assert (tmp_path / "model" / "weights").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("answer", [errno.EINVAL, errno.ENOSYS])
def test_where_folders_cannot_change_places_one_goes_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    class Old:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(answer)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Old())
    for content in ("old", "new"):
        with whole_or_not_at_all(tmp_path / "model") as fresh:
            (fresh / "weights").write_text(content)
    assert (tmp_path / "model" / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_error_of_another_file_is_not_blamed_on_the_one_that_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"), replaced(tmp_path / "t.txt"):
        Path("/nowhere/else").read_text()
