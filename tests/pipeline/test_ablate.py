"""An experiment that is killed twice: nothing that was finished runs again, and nothing in common runs twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest
import yaml

from tests.pipeline.clones import Clone, clone
from tests.pipeline.forks import Forks
from tests.pipeline.test_kill import is_free, wait_for

GIT = ("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost")
MAIN = "import sys; sys.executable = {python!r}; from mathse.cli import main; sys.exit(main(sys.argv[1:]))"
EXPERIMENT = """
title: how much the teacher writes
source: a test
question: Does all of it teach more than half?
baseline: one
variants:
  - {name: one, title: half, params: {distill.fraction: 0.5}, measured: ["0"]}
  - {name: two, title: all, params: {distill.fraction: 1.0}, measured: ["0"]}
"""
FOLDER = ".mathse/ablate/epochs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Clone:
    """A project of a few problems, which a rule judges, and one step."""
    made = clone(tmp_path_factory.mktemp("ablate") / "mathse", forks=forks.all)
    file = made.folder / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8"))
    params["problems"]["sources"][0] |= {"train": 12, "orm": 40, "test": 8}
    params["orm"] |= {"warmup_problems": 10}
    params["orm"]["train"] |= {"epochs": 1}
    params["mix"]["require"] = "rule"
    params["steps"], params["models"] = ({"0": params[section]["0"]} for section in ("steps", "models"))
    params["measured"] = ["0"]
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (made.folder / "epochs.yaml").write_text(EXPERIMENT, encoding="utf-8")
    made.run("git", "add", "--all")
    made.run(*GIT, "commit", "--quiet", "--message", "start")
    return made


def command(*arguments: str) -> list[str]:
    """`mathse ablate`, whose stages are forks."""
    return [sys.executable, "-c", MAIN.format(python=os.environ["FORK"]), "ablate", "epochs.yaml", *arguments]


def killed_at(project: Clone, stage: str, variant: str) -> None:
    """Start the experiment and kill all of it where a stage begins."""
    log = project.folder / FOLDER / f"{variant}-1.log"
    began = log.read_text().count(f"Running stage '{stage}'") if log.exists() else 0
    with subprocess.Popen(
        command("--seeds", "1"), cwd=project.folder, env=project.environment(), stdout=subprocess.DEVNULL
    ) as process:
        wait_for(lambda: log.exists() and log.read_text().count(f"Running stage '{stage}'") > began, seconds=300)
        if stage == "train_orm@orm":
            said = subprocess.run(
                command(), cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
            )
            assert said.returncode == 2
            assert "another `mathse ablate` is running in this project" in said.stderr
        every = psutil.Process(process.pid).children(recursive=True)
        for one in (process, *every):
            os.kill(one.pid, signal.SIGKILL)
    locks = project.folder / FOLDER / f"{variant}-1" / ".mathse" / "lock"
    wait_for(lambda: all(is_free(lock) for lock in locks.glob("*.lock")))  # a fork is nobody's child


def ran(project: Clone, variant: str) -> Counter[str]:
    """How often DVC has begun each stage, over all attempts."""
    log = (project.folder / FOLDER / f"{variant}-1.log").read_text()
    return Counter(re.findall(r"^Running stage '(.+)':", log, re.MULTILINE))


def test_a_killed_experiment_goes_on_and_runs_nothing_twice(
    project: Clone, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORK", str(forks.all / "python"))
    killed_at(project, "train_orm@orm", "one")
    killed_at(project, "train@0", "two")
    printed = project.run(*command("--seeds", "1"))

    one, two = ran(project, "one"), ran(project, "two")
    assert len(one) == 16
    assert {stage for stage, times in one.items() if times > 1} == {"train_orm@orm"}, "a finished stage ran again"
    own = {f"{kind}@0" for kind in ("paths", "judge", "mix", "train", "evaluate")}
    assert set(two) == {*own, "accuracy"}, "what both have in common ran twice"
    assert {stage for stage, times in two.items() if times > 1} == {"train@0"}, "a finished stage ran again"
    assert re.search(r"two, seed 1\n(  .*\n)*  3 stages run, 13 from the run cache; 0 \d", printed)
    assert "| two     | 0     |" in printed

    file = project.folder / "reports/ablations/epochs.json"
    recorded = file.read_bytes()
    began = time.monotonic()
    again = project.run(*command("--seeds", "1"))
    assert time.monotonic() - began < 30
    assert "0 stages run, 0 taken from the run cache" in again
    assert file.read_bytes() == recorded
    assert json.loads(recorded)["runs"][0]["models"]["0"]["rows"] > 0

    # The user's own files are as they were, no clone is left, and DVC knows the runs, accuracy before all else.
    assert project.run("git", "status", "--porcelain").split() == ["??", "reports/ablations/epochs.json"]
    assert sorted(path.name for path in (project.folder / FOLDER).iterdir()) == ["one-1.log", "two-1.log"]
    shown = project.dvc("exp", "show", "--csv").splitlines()
    assert shown[0].split(",")[5].startswith("accuracy.")
    assert {line.split(",")[0] for line in shown if "branch_" in line} == {"epochs-one-1", "epochs-two-1"}


def test_code_that_is_not_committed_is_refused(project: Clone) -> None:
    module = project.folder / "mathse" / "loop" / "solve.py"
    before = module.read_bytes()
    module.write_bytes(before + b"\n")
    said = project.run(sys.executable, "-m", "mathse.cli", "ablate", "epochs.yaml", fails=True)
    assert "mathse/loop/solve.py: not committed; a run is known by the commit that made it" in said
    module.write_bytes(before)
