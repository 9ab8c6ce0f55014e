"""kill -9 at random moments, with each engine: no row lost, none doubled, nothing that is journaled made again.

The engines are those of the folders that params take their names from, and Ray around one of them. `small_engine` in an
engine's own tests opens it.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

from mathse.params import answering_names, runtime_names, teacher_names
from tests.loop.ask.engines import generation

ROOT = Path(__file__).parents[4]
ELSEWHERE = {
    "model": "stands for the runtimes",
    "api": "test_api_faults kills it beside a server",
    "solver": "test_solver: knows drawn figures only, and answers at once",
}
KINDS = sorted({*runtime_names(), *answering_names(), *teacher_names(), "ray"} - ELSEWHERE.keys())
KILLS = {"replay": 4}
"""One, where an engine takes long to start."""
VARIES = ("vllm",)
"""Engines whose last bits depend on what else is being computed: a resumed run need not be the undisturbed one."""
pytestmark = pytest.mark.slow


def started(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.loop.ask.engines.generation", kind, str(folder)]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def journaled(folder: Path) -> set[str]:
    if not (folder / "journal.sqlite").exists():
        return set()
    with closing(sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True)) as db:
        try:
            return {key for (key,) in db.execute("select key from completions")}
        except sqlite3.OperationalError:  # not yet made
            return set()


def taken(folder: Path, process: int) -> Counter[str]:
    lines = (folder / "taken.txt").read_text(encoding="utf-8").splitlines() if (folder / "taken.txt").exists() else []
    return Counter(line.split()[1] for line in lines if line.split()[0] == str(process))


def killed_midway(kind: str, folder: Path, rng: random.Random) -> int:
    """Start the step and kill it a moment after it has journaled something; returns its process id."""
    before, process = len(journaled(folder)), started(kind, folder)
    while process.poll() is None and len(journaled(folder)) == before:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.05))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return process.pid


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_step_goes_on_where_it_was(kind: str, tmp_path: Path) -> None:
    import_module(f"tests.loop.ask.engines.test_{kind}")  # skips what is not installed
    rng, folder = random.Random(kind), tmp_path / "killed"
    for _ in range(KILLS.get(kind, 1)):
        before = journaled(folder)
        process = killed_midway(kind, folder, rng)
        assert not before & taken(folder, process).keys(), "a journaled completion was asked for again"
    before = journaled(folder)
    assert before, "the step was killed before it had done anything"
    last = started(kind, folder)
    assert last.wait(timeout=120) == 0, (folder / "log.txt").read_text(encoding="utf-8")
    again = taken(folder, last.pid)
    assert not before & again.keys(), "a journaled completion was asked for again"
    assert set(again.values()) <= {1}, "a request was taken twice in one run"
    made = json.loads((folder / "outcomes.json").read_text(encoding="utf-8"))
    asked = [[request.problem_id, request.sample_idx] for request in generation.requests()]
    assert [row[:2] for row in made] == asked
    assert len(journaled(folder)) == len(asked)
    if kind not in VARIES:
        assert started(kind, tmp_path / "undisturbed").wait(timeout=120) == 0
        assert made == json.loads((tmp_path / "undisturbed" / "outcomes.json").read_text(encoding="utf-8"))
