import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mathse import cli
from mathse.limits import INTERRUPTED

ROOT = Path(__file__).parent.parent
COMMANDS = ("show", "status", "query", "report", "grade", "score", "preset", "check", "sheet", "view")


def spawn(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mathse.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "presets").mkdir()
    for name in ("default", "smoke"):
        text = (ROOT / "presets" / f"{name}.yaml").read_bytes()
        (tmp_path / "presets" / f"{name}.yaml").write_bytes(text)
    (tmp_path / "params.yaml").write_bytes((ROOT / "presets" / "default.yaml").read_bytes())
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"example:\n  mathse {command}" in capsys.readouterr().out


def test_all_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"\n    {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["query"], ["query", "select 1", "--limit", "-1"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == cli.USER_ERROR
    assert "usage: mathse" in capsys.readouterr().err


def test_the_version_names_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"mathse \d+\.\d+\.\d+ \([0-9a-f]{7,}(-dirty)?\)\n", capsys.readouterr().out)


def test_a_user_error_is_one_clean_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(tmp_path), "check"]) == cli.USER_ERROR
    printed = capsys.readouterr()
    assert (
        printed.err
        == f"mathse: {tmp_path}/params.yaml: not found; run from the project's root, or `mathse preset default`\n"
    )
    assert not printed.out


def test_check_accepts_the_default(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("models", "mathse"):
        (project / name).symlink_to(ROOT / name)
    assert cli.main(["-C", str(project), "check"]) == 0
    assert "fine" in capsys.readouterr().out


def test_presets_are_listed_and_put(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "preset", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["default", "smoke"]
    assert cli.main(["-C", str(project), "preset", "smoke"]) == 0
    assert (project / "params.yaml").read_bytes() == (project / "presets" / "smoke.yaml").read_bytes()


def test_status_of_a_fresh_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "status"]) == 0
    assert "none yet" in capsys.readouterr().out


def test_query_needs_no_tables(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "query", "select 6 * 7 as answer", "--csv"]) == 0
    assert capsys.readouterr().out == "answer\n42\n"


def test_report_before_a_run_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "report"]) == cli.USER_ERROR
    assert "no model is measured yet; `dvc repro` runs the loop" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mathse.params.load", interrupted)
    assert cli.main(["-C", str(project), "check"]) == INTERRUPTED


def test_a_closed_pipe_is_no_complaint() -> None:
    process = spawn("query", "from range(1000000)", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert process.wait(timeout=60) == cli.BROKEN_PIPE
    assert complaint == b""


def test_help_is_quick() -> None:
    # Five times what is promised, since the machine may be busy; the imports themselves are tested elsewhere.
    process = spawn("--help")
    process.communicate(timeout=0.75)
    assert process.returncode == 0
