"""kill -9 at random moments, with each engine: no row lost, none doubled, nothing that is journaled made again.

The engines are those of the folders that params take their names from, and Ray around one of them. `small_engine` in an
engine's own tests opens it.
"""

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mathse.params import answering_names, runtime_names, teacher_names
from tests.forked import Forked, lives
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
AS = {"ray": "transformers"}
"""Engines whose outcomes are those of another, which an actor of theirs runs."""
LOAD = "from tests.loop.ask.engines import generation; import mathse.loop.ask.engines.runtimes.transformers"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """The step, in processes that need not load what its engines do."""
    log = tmp_path_factory.mktemp("step") / "log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Forked(LOAD, "generation.main(*sys.argv[1:])", ROOT, log, environment) as forked:
        yield forked


@pytest.fixture(scope="module")
def undisturbed(step: Forked, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The outcomes of an engine whose step nobody kills."""

    @cache
    def outcomes(kind: str) -> Any:
        folder = tmp_path_factory.mktemp(kind)
        step.finish(kind, folder)
        return json.loads((folder / "outcomes.json").read_text(encoding="utf-8"))

    return outcomes


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


def killed_midway(step: Forked, kind: str, folder: Path, rng: random.Random) -> int:
    """Start the step and kill it a moment after it has journaled something; returns its process id."""
    before, process = len(journaled(folder)), step.start(kind, folder)
    while lives(process) and len(journaled(folder)) == before:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.05))
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    step.end()
    return process


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_step_goes_on_where_it_was(
    kind: str, step: Forked, undisturbed: Callable[[str], Any], tmp_path: Path
) -> None:
    import_module(f"tests.loop.ask.engines.test_{kind}")  # skips what is not installed
    rng = random.Random(kind)
    for _ in range(KILLS.get(kind, 1)):
        before = journaled(tmp_path)
        process = killed_midway(step, kind, tmp_path, rng)
        assert not before & taken(tmp_path, process).keys(), "a journaled completion was asked for again"
    before = journaled(tmp_path)
    assert before, "the step was killed before it had done anything"
    last = step.finish(kind, tmp_path)
    again = taken(tmp_path, last)
    assert not before & again.keys(), "a journaled completion was asked for again"
    assert set(again.values()) <= {1}, "a request was taken twice in one run"
    made = json.loads((tmp_path / "outcomes.json").read_text(encoding="utf-8"))
    asked = [[request.problem_id, request.sample_idx] for request in generation.requests()]
    assert [row[:2] for row in made] == asked
    assert len(journaled(tmp_path)) == len(asked)
    if kind not in VARIES:
        assert made == undisturbed(AS.get(kind, kind))
