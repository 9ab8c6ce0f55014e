"""A small repository of two revisions, its remote, and a clone that has no data of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathse import cli, layout
from mathse.diff.names import Origin, find
from mathse.diff.sides import DiffError
from mathse.tables import store
from mathse.tables.schemas import Path as PathRow
from tests import rows

PATHS = layout.paths("1")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def dvc(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def committed(folder: Path, names: str) -> None:
    store.write(folder / PATHS, PathRow, [rows.path(name) for name in names])
    dvc(folder, "add", str(PATHS))
    git(folder, "add", "--all")
    git(folder, "commit", "--message", names)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`abc`, then `bcde`, both pushed; now `bcd` in the working tree."""
    folder, remote = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("remote")
    git(folder, "init", "--initial-branch", "main")
    dvc(folder, "init")
    dvc(folder, "remote", "add", "--default", "shared", str(remote))
    committed(folder, "abc")
    committed(folder, "bcde")
    dvc(folder, "push", "--all-commits")
    (folder / PATHS).unlink()
    store.write(folder / PATHS, PathRow, [rows.path(name) for name in "bcd"])
    return folder


@pytest.fixture(scope="module")
def clone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clones") / "clone"
    git(project, "clone", str(project), str(folder))
    return folder


def test_a_revision_is_compared_with_what_lies_here(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["-C", str(project), "diff", "paths@1", "--counts"]
    assert cli.main([*command, "--rev", "HEAD"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "paths@1 (HEAD) -> paths@1"
    assert printed[2].split() == ["4", "3", "0", "0", "1", "3"]
    assert cli.main([*command, "--rev", "HEAD~1", "--rev-b", "main"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["3", "4", "0", "2", "1", "2"]


def test_a_revision_from_before_steps_had_names_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "init", "--initial-branch", "main")
    dvc(tmp_path, "init")
    before = tmp_path / "data/distill/paths.parquet"
    store.write(before, PathRow, [rows.path(name) for name in "ab"])
    dvc(tmp_path, "add", str(before))
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "before")
    before.unlink()
    store.write(tmp_path / layout.paths("0"), PathRow, [rows.path(name) for name in "abc"])
    for name in ("paths@distill", "paths@0"):
        assert cli.main(["-C", str(tmp_path), "diff", name, "--rev", "HEAD", "--counts"]) == 0
        assert capsys.readouterr().out.splitlines()[2].split() == ["2", "3", "0", "1", "0", "2"]


def test_a_clone_without_data_takes_it_from_the_remote(
    project: Path, clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not (clone / PATHS).exists()
    assert cli.main(["-C", str(project), "diff", f"{clone}:paths@1", "--counts"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["4", "3", "0", "0", "1", "3"]
    found = find(PATHS.as_posix(), Origin(clone, None, "HEAD~1"), tmp_path)
    assert [row.path_id for row in store.scan(found.file, PathRow)] == ["a", "b", "c"]


def test_a_git_url_is_a_place_too(project: Path, tmp_path: Path) -> None:
    found = find("paths@1", Origin(tmp_path, f"file://{project}", "HEAD~1"), tmp_path)
    assert [row.path_id for row in store.scan(found.file, PathRow)] == ["a", "b", "c"]
    fetched = found.file.stat().st_mtime_ns
    assert find("paths@1", Origin(tmp_path, f"file://{project}", "HEAD~1"), tmp_path) == found
    assert found.file.stat().st_mtime_ns == fetched, "it is fetched once"


@pytest.mark.parametrize("revision, name", [("nothing", "paths@1"), ("HEAD", "paths@2"), ("HEAD", "mix@1")])
def test_what_is_not_there_is_said(project: Path, tmp_path: Path, revision: str, name: str) -> None:
    with pytest.raises(DiffError, match=f"{name}: .*{revision}"):
        find(name, Origin(project, None, revision), tmp_path)


def test_the_working_tree_is_left_as_it_is(project: Path, tmp_path: Path) -> None:
    before = (project / PATHS).read_bytes()
    find("paths@1", Origin(project, None, "HEAD~1"), tmp_path)
    assert (project / PATHS).read_bytes() == before


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(DiffError, match=r"cannot be had|no paths@1 here"):
        find("paths@1", Origin(tmp_path, str(tmp_path / "nowhere"), "HEAD"), tmp_path)


def test_a_project_that_is_a_folder_of_another_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "studies" / "mathse"
    folder.mkdir(parents=True)
    git(tmp_path, "init", "--initial-branch", "main")
    dvc(folder, "init", "--subdir")
    committed(folder, "abc")
    committed(folder, "bcde")
    monkeypatch.chdir(folder / "data" / "paths")
    assert cli.main(["diff", "paths@1", "--rev", "HEAD~1", "--counts", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert (counts["old"], counts["new"], counts["added"], counts["removed"]) == (3, 4, 2, 1)
