import subprocess
from pathlib import Path

import pytest

from mathse.look.preset import PresetError, available, put
from mathse.params import ParamsError


@pytest.fixture
def project(run: Path) -> Path:
    """A run whose params.yaml is committed and is no preset."""
    edit(run)
    for command in (["init", "-q"], ["add", "params.yaml"], ["commit", "-qm", "Params"]):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *command], cwd=run, check=True)
    return run


def edit(root: Path) -> None:
    with (root / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# edited\n")


def content(root: Path, name: str) -> bytes:
    return (root / name).read_bytes()


def test_a_committed_file_is_replaced(project: Path) -> None:
    put("smoke", project)
    assert content(project, "params.yaml") == content(project, "presets/smoke.yaml")


def test_uncommitted_edits_are_kept(project: Path) -> None:
    edit(project)
    before = content(project, "params.yaml")
    with pytest.raises(PresetError, match=r"uncommitted edits; commit them .* --force"):
        put("smoke", project)
    assert content(project, "params.yaml") == before


def test_force_overwrites_them(project: Path) -> None:
    edit(project)
    put("smoke", project, force=True)
    assert content(project, "params.yaml") == content(project, "presets/smoke.yaml")


def test_an_unedited_preset_is_no_edit(project: Path) -> None:
    put("smoke", project)
    put("default", project)
    assert content(project, "params.yaml") == content(project, "presets/default.yaml")
    assert "already is" in put("default", project)


def test_without_git_nothing_is_overwritten(run: Path) -> None:
    edit(run)
    with pytest.raises(PresetError):
        put("smoke", run)


def test_a_missing_file_is_made(run: Path) -> None:
    (run / "params.yaml").unlink()
    put("smoke", run)
    assert content(run, "params.yaml") == content(run, "presets/smoke.yaml")


def test_a_broken_preset_changes_nothing(project: Path) -> None:
    (project / "presets" / "bad.yaml").write_text("seed: -1\n", encoding="utf-8")
    before = content(project, "params.yaml")
    with pytest.raises(ParamsError, match=r"bad\.yaml"):
        put("bad", project)
    assert content(project, "params.yaml") == before


def test_an_unknown_preset_lists_those_there_are(project: Path) -> None:
    with pytest.raises(PresetError, match=r"no preset 'big'.*default, .*smoke"):
        put("big", project)
    assert all(available(project).values())
