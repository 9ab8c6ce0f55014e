import errno
import json
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mathse import layout, processes, stage, tally
from mathse.errors import UserError, explained
from mathse.tables.schemas import Status
from tests import rows

ROOT = Path(__file__).parent.parent
PROGRAM = """
import os
import sys
from mathse import stage
from mathse.errors import UserError

def main(what: str) -> str:
    if what == "wait":
        print("working", flush=True)
        sys.stdin.read()
    if what == "fail":
        raise UserError("params.yaml: rounds: no such round; add it")
    if what == "crash":
        raise ZeroDivisionError("a bug")
    if what.startswith("disk"):
        raise OSError(int(what[4:]), os.strerror(int(what[4:])), "data/paths/1.parquet")
    return "7 paths in, 5 rows out; 2 judged WRONG"

stage.run("judge", main)
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stage.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "stage.py", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stage.py", *arguments])
    stage.run("judge", lambda *given: f"{len(given)} in")


def test_a_stage_ends_with_its_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="mathse"):
        run(monkeypatch, "1", "2")
    assert [record.message for record in caplog.records] == ["judge 1 2: 2 in; 0 s"]


def test_a_stage_that_ends_well_leaves_its_time(project: Path) -> None:
    assert finish(start("fail"))[0] == 1
    assert not (project / layout.TIMINGS).exists()
    assert finish(start("1"))[0] == 0
    (file,) = (project / layout.TIMINGS).rglob("*.json")
    assert file == project / layout.stage_timings("judge-1")
    assert json.loads(file.read_text())["seconds"] >= 0
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("a file where a folder should be")
    assert finish(start("1"))[0] == 0, "the work is done all the same"


def test_a_process_logs_the_line_and_ends_well() -> None:
    status, out, err = finish(start("1"))
    assert status == 0
    assert "judge 1: 7 paths in, 5 rows out; 2 judged WRONG; 0 s" in " ".join((out + err).split())


def test_a_user_error_is_its_message_alone() -> None:
    status, out, err = finish(start("fail"))
    assert status == 1
    assert err == "judge fail: params.yaml: rounds: no such round; add it\n"
    assert not out


def test_a_bug_shows_its_traceback() -> None:
    status, _, err = finish(start("crash"))
    assert status != 0
    assert "Traceback" in err
    assert "ZeroDivisionError: a bug" in err


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_cannot_be_written_is_told_without_a_traceback(fault: int) -> None:
    status, _, err = finish(start(f"disk{fault}"))
    assert status == 1
    words = explained(OSError(fault, os.strerror(fault), "data/paths/1.parquet"))
    assert words is not None and "; " in words, "no remedy"
    assert err == f"judge disk{fault}: {words}\n"


def test_the_lock_of_a_read_only_project_is_told(project: Path) -> None:
    (project / ".mathse").write_text("a file where a folder should be")
    status, _, err = finish(start("1"))
    assert status == 1
    assert ".mathse/lock" in err
    assert "Traceback" not in err


def test_a_second_process_is_refused_until_the_first_has_ended() -> None:
    first = start("wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "working\n"
    status, _, err = finish(start("wait"))
    assert status == 1
    assert err == "judge wait: the same stage is still running in another process; wait for it or end it\n"
    assert finish(start("2"))[0] == 0
    assert finish(first)[0] == 0
    assert finish(start("wait"))[0] == 0


def test_a_killed_stage_leaves_no_lock() -> None:
    first = start("wait")
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.communicate(timeout=60)
    assert finish(start("wait"))[0] == 0


def test_an_error_gives_the_lock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> str:
        raise UserError("no")

    monkeypatch.setattr(sys, "argv", ["stage.py"])
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            stage.run("judge", fails)
        assert ended.value.code == 1


def test_of_several_processes_the_first_takes_the_lock_and_speaks() -> None:
    launcher = {"MATHSE_LAUNCHED": str(os.getpid())}
    first = start("wait", RANK="0", **launcher)
    assert first.stdout is not None
    assert first.stdout.readline() == "working\n"
    assert finish(start("wait", RANK="1", **launcher)) == (0, "working\n", "")
    assert finish(start("wait"))[0] == 1  # another stage finds the lock
    status, out, _ = finish(first)
    assert status == 0
    assert "judge wait: 7 paths in" in out


def test_a_process_ends_when_its_launcher_has_gone() -> None:
    process = start("wait", RANK="1", MATHSE_LAUNCHED="1")  # which is not its parent
    assert process.wait(timeout=60) == 1
    process.communicate()


def test_an_error_of_one_process_alone_is_said_when_the_first_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        raise UserError("no")

    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr(processes, "end_with_launcher", lambda: None)
    monkeypatch.setattr(sys, "argv", ["stage.py"])
    for rank in ("1", "0"):
        monkeypatch.setenv(processes.LAUNCHED, "1")
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(SystemExit):
            stage.run("judge", fails)
        assert capsys.readouterr().err == "judge: no\n"
    assert waited == [processes.PATIENCE]  # the first does not wait


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ({}, "nothing left out"),
        ({"judged WRONG": 0}, "nothing left out"),
        ({"judged WRONG": 3, "truncated": 12, "a": 3}, "12 truncated, 3 a, 3 judged WRONG"),
    ],
)
def test_reasons_are_counted_most_frequent_first(reasons: dict[str, int], said: str) -> None:
    assert tally.counts(reasons) == said


def test_failures_and_truncations_are_counted() -> None:
    paths = [
        rows.path("a"),
        rows.path("b", finish_reason="length"),
        rows.path("c", finish_reason="error", error="timeout: after 30 s"),
        rows.path("d", finish_reason="error", error="timeout: after 31 s"),
    ]
    every, sound = tally.PathTally(paths), tally.PathTally(paths[:1])
    assert [list(every), list(sound)] == [paths, paths[:1]]
    assert (str(every), str(sound)) == ("4 paths out; 2 timeout, 1 truncated", "1 paths out; nothing left out")


def test_what_paths_cost_is_said() -> None:
    paid = tally.PathTally([rows.path("a", cost=0.25), rows.path("b", cost=1.0)])
    list(paid)
    assert str(paid) == "2 paths out; nothing left out; cost 1.25"


def test_verdicts_are_counted_by_status_and_beside_the_rule_grader() -> None:
    verdicts = [
        rows.verdict("a", cost=0.5),
        rows.verdict("b", rule_status=Status.WRONG),
        rows.verdict("c", status=Status.WRONG),
    ]
    told = tally.StatusTally(verdicts)
    assert list(told) == verdicts
    assert str(told) == "3 paths in, 2 CORRECT, 1 WRONG; the rule grader differs on 1; cost 0.50"


def test_feedback_is_counted_by_status() -> None:
    told = tally.StatusTally([rows.feedback("a"), rows.feedback("b", status=Status.UNDECIDED)])
    assert len(list(told)) == 2
    assert str(told) == "2 paths in, 1 CORRECT, 1 UNDECIDED"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc for it")
def test_a_stage_keeps_memory_that_it_freed() -> None:
    program = "\n".join([
        "import resource, sys",
        "import stages  # python -m stages.<name> begins with it",
        "before = [bytes([1]) * 2**26 for _ in range(2)]",
        "del before",
        "faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt",
        "for _ in range(20): bytes([1]) * 2**26",
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)",
    ])  # fmt: skip
    faults = int(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True))
    assert faults < 2**26 // os.sysconf("SC_PAGESIZE"), "one after the other is cleared page by page"
