"""The clone of a run: what is refused, what is linked into it, and what a killed ablation has left running."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mathse.ablate.workspace import FOLDER, MARK, Workspace, dvc_cache, end_leftovers, head, require_clean
from mathse.errors import UserError

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of git and DVC."""
    root = tmp_path / "project"
    (root / "mathse").mkdir(parents=True)
    (root / "mathse" / "a.py").write_text("A = 1\n")
    (root / "params.yaml").write_text("seed: 1  # a comment\nmodel: ../elsewhere/model\nown: data/sources/mine\n")
    (root / ".gitignore").write_text("/.mathse/\n/data/\n")
    run(root, "git", "init", "--quiet")
    run(root, sys.executable, "-m", "dvc", "init", "--quiet")
    run(root, "git", "add", "--all")
    run(root, *GIT, "commit", "--quiet", "--message", "start")
    return root


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def workspace(root: Path) -> Workspace:
    return Workspace(root, root / FOLDER / "e" / "v-1", head(root))


def test_a_clone_has_links_to_what_git_has_not(project: Path) -> None:
    (project.parent / "elsewhere" / "model").mkdir(parents=True)
    (project / "data/sources/mine").mkdir(parents=True)
    (project / "data/sources/mine/rows.json").write_text("[]")
    made, content = workspace(project), yaml.safe_load((project / "params.yaml").read_text())
    made.prepare(content, dvc_cache(project))
    assert (made.folder / "params.yaml").read_bytes() == (project / "params.yaml").read_bytes()
    assert (made.folder / content["model"]).resolve() == (project.parent / "elsewhere/model").resolve()
    copied = made.folder / "data/sources/mine/rows.json"
    assert copied.samefile(project / "data/sources/mine/rows.json")
    assert not copied.parent.is_symlink()
    assert run(made.folder, sys.executable, "-m", "dvc", "cache", "dir") == str(project / ".dvc/cache")
    assert run(project, "git", "status", "--porcelain") == ""
    made.prepare({**content, "seed": 2}, dvc_cache(project))
    assert yaml.safe_load((made.folder / "params.yaml").read_text())["seed"] == 2


def test_a_clone_follows_the_project_and_keeps_partial_work(project: Path) -> None:
    content = yaml.safe_load((project / "params.yaml").read_text())
    workspace(project).prepare(content, dvc_cache(project))
    journal = workspace(project).folder / ".mathse" / "journal.sqlite"
    journal.parent.mkdir()
    journal.write_text("rows")
    (project / "mathse" / "a.py").write_text("A = 2\n")
    with pytest.raises(UserError, match=r"mathse/a\.py: not committed; .*`git commit`"):
        require_clean(project, ["mathse"])
    run(project, *GIT, "commit", "--quiet", "--all", "--message", "more")
    require_clean(project, ["mathse"])
    workspace(project).prepare(content, dvc_cache(project))
    assert (workspace(project).folder / "mathse" / "a.py").read_text() == "A = 2\n"
    assert journal.read_text() == "rows"


def test_a_run_becomes_an_experiment_and_leaves_nothing_else(project: Path) -> None:
    made, content = workspace(project), yaml.safe_load((project / "params.yaml").read_text())
    made.prepare({**content, "seed": 2}, dvc_cache(project))
    made.record("e-v-2", "e: v, seed 2")
    made.remove()
    assert "e-v-2" in run(project, sys.executable, "-m", "dvc", "exp", "list", "--name-only")
    assert "seed: 2" in run(project, "git", "show", f"refs/exps/{made.commit[:2]}/{made.commit[2:]}/e-v-2:params.yaml")
    assert run(project, "git", "status", "--porcelain") == ""
    assert not made.folder.exists()


def test_what_lies_too_far_off_is_refused(project: Path) -> None:
    far = "../" * 8 + "tmp"
    with pytest.raises(UserError, match="a clone of the project cannot have it there; give the whole path"):
        workspace(project).prepare({"model": far}, dvc_cache(project))


def test_a_folder_of_a_larger_repository_is_refused(project: Path) -> None:
    with pytest.raises(UserError, match="lies within a larger git repository"):
        head(project / "mathse")


def test_what_a_killed_ablation_left_is_ended_and_nothing_else(project: Path) -> None:
    marked = {**os.environ, MARK: str((project / FOLDER).resolve())}
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command, env=marked) as left, subprocess.Popen(command) as other:
        # Whoever started it takes note of its end.
        import threading

        threading.Thread(target=left.wait, daemon=True).start()
        assert end_leftovers(project) == 1
        assert other.poll() is None
        other.kill()
    assert end_leftovers(project) == 0
