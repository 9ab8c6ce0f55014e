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

from tests.forked import Forked
from tests.pipeline.clones import Clone

KILLS = 20
TABLE = "data/paths/1.parquet"
JOURNAL = ".mathse/journal/paths-1.sqlite"

LOAD = "import sys, stages.paths, mathse.loop.ask.engines.runtimes.transformers"
STAGE = 'sys.argv = ["paths", "1"]; stages.paths.stage.run("paths", stages.paths.main)'

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
    with Forked(LOAD, STAGE, folder, tmp_path / "log", killed.environment()) as stage:
        began = time.monotonic()
        stage.finish()
        undisturbed_seconds = time.monotonic() - began
        undisturbed = fingerprint(folder / TABLE)
        (folder / TABLE).unlink()
        (folder / JOURNAL).unlink()
        survived, hits = kill_often(stage, folder, undisturbed_seconds)
        stage.finish()
    assert hits == KILLS
    assert fingerprint(folder / TABLE) == undisturbed
    assert entries(folder).items() >= survived.items()


def kill_often(stage: Forked, folder: Path, seconds: float) -> tuple[dict[str, str], int]:
    """Kill the stage at random moments; what was journaled by then, and how many kills hit."""
    rng, journaled, hits = random.Random(7), dict[str, str](), 0
    while hits < KILLS:
        process = stage.start()
        time.sleep(rng.uniform(0, seconds / KILLS * 1.5) + seconds * 0.05)
        os.kill(process, signal.SIGKILL)
        hits += stage.end() == -signal.SIGKILL
        found = entries(folder)
        assert found.items() >= journaled.items(), "a journaled completion was lost or changed"
        journaled = found
        assert not (folder / TABLE).exists() or len(found) > 0
    return journaled, hits


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
