"""Kill -9 at random moments of a real rollout: nothing is lost, nothing is made twice, the table is the same."""

import fcntl
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.pipeline.clones import Clone

KILLS = 20
TABLE = "data/paths/1.parquet"
JOURNAL = ".mathse/journal/paths-1.sqlite"

# Loads torch once, then runs the stage in forked children, so that a kill costs no start-up. Prints a line when a child
# starts, and how it ended.
RUNNER = """
import os, sys
import stages.paths
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = ["paths", "1"]
        stages.paths.stage.run("paths", stages.paths.main)
        sys.stdout.flush()
        os._exit(0)
    print("started", child, flush=True)
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


REFUSE = """
create trigger if not exists made_again before insert on completions
when exists (select 1 from completions where key = new.key)
begin select raise(abort, 'a journaled completion is made again'); end
"""


def entries(folder: Path) -> dict[str, str]:
    """The journaled completions; from now on the journal refuses one that it has, and the stage would fail."""
    if not (folder / JOURNAL).exists():
        return {}
    with closing(sqlite3.connect(folder / JOURNAL)) as db:
        if db.execute("select 1 from sqlite_master where name = 'completions'").fetchone() is None:
            return {}
        db.execute(REFUSE)
        return dict(db.execute("select key, payload from completions"))


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_twenty_kills_leave_the_table_as_an_undisturbed_run_does(loop: Clone, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(loop.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".mathse", "cache"))
    killed = Clone(folder)
    killed.edit_params(student={"batch_size": 2})
    undisturbed_seconds = timed(killed)
    undisturbed = fingerprint(folder / TABLE)
    (folder / TABLE).unlink()
    (folder / JOURNAL).unlink()
    survived, hits = kill_often(killed, undisturbed_seconds)
    assert hits == KILLS
    assert fingerprint(folder / TABLE) == undisturbed
    assert entries(folder).items() >= survived.items()


def timed(clone: Clone) -> float:
    """Run the stage undisturbed; its seconds without start-up."""
    with runner(clone) as process:
        start(process)
        began = time.monotonic()
        assert ended(process) == 0
        return time.monotonic() - began


def kill_often(clone: Clone, seconds: float) -> tuple[dict[str, str], int]:
    """Kill the stage at random moments, then let it finish; what was journaled before, and how many kills hit."""
    rng, journaled, hits = random.Random(7), dict[str, str](), 0
    with runner(clone) as process:
        while hits < KILLS:
            child = start(process)
            time.sleep(rng.uniform(0, seconds / KILLS * 1.5) + seconds * 0.05)
            os.kill(child, signal.SIGKILL)
            hits += ended(process) == signal.SIGKILL
            found = entries(clone.folder)
            assert found.items() >= journaled.items(), "a journaled completion was lost or changed"
            journaled = found
            assert not (clone.folder / TABLE).exists() or len(found) > 0
        start(process)
        assert ended(process) == 0
    return journaled, hits


def runner(clone: Clone) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER],
        cwd=clone.folder, env=clone.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def start(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return int(answer(process, "started"))


def ended(process: subprocess.Popen[str]) -> int:
    return int(answer(process, "ended"))


def answer(process: subprocess.Popen[str], word: str) -> str:
    """The number behind a word of the runner; the stage's own log lines are passed over."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"{word} "):
            return line.split()[1]
    raise AssertionError("the runner ended early")


def test_a_killed_dvc_leaves_one_writer_and_the_same_table(loop: Clone) -> None:
    before = fingerprint(loop.folder / TABLE)
    shutil.rmtree(loop.folder / ".mathse")
    again = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", "paths@1"]
    lock = loop.folder / ".mathse/lock/paths-1.lock"
    with subprocess.Popen(again, cwd=loop.folder, env=loop.environment(), stdout=subprocess.DEVNULL) as first:
        wait_for(lock.exists)
        first.kill()
    second = subprocess.run(again, cwd=loop.folder, env=loop.environment(), capture_output=True, text=True, check=False)
    assert second.returncode == 0 or "still running in another process" in second.stdout + second.stderr
    wait_for(lambda: (loop.folder / TABLE).exists() and is_free(lock))
    assert fingerprint(loop.folder / TABLE) == before
    loop.dvc("repro", "--single-item", "paths@1")
    assert "Running stage" not in loop.dvc("repro")


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def is_free(lock: Path) -> bool:
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
