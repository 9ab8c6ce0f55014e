import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mathse.training.checkpoints import COMPLETE, Checkpoints
from mathse.training.job import TrainingReport
from tests.training.mixes import ROWS, run

ROOT = Path(__file__).parents[2]
HOW: dict[str, Any] = {"max_steps": -1, "epochs": 3, "save_steps": 2, "checkpoints": True, "live": True}


def saved(checkpoints: Checkpoints, step: int, text: str) -> Path:
    folder = checkpoints.folder / f"checkpoint-{step}"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "weights").write_text(text)
    checkpoints.complete(step)
    return folder


def test_the_newest_whole_checkpoint_is_used(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "0", {"seed": 1})
    assert checkpoints.newest() is None
    first, second, third = (saved(checkpoints, step, "weights") for step in (2, 4, 10))
    assert checkpoints.newest() == third
    (third / "parts" / "weights").write_text("weighty")  # as long, and damaged
    assert checkpoints.newest() == second
    (second / COMPLETE).write_text('{"parts/wei')
    assert checkpoints.newest() == first
    checkpoints.remove_newer(first)
    assert [folder.name for folder in checkpoints.folder.iterdir()] == ["checkpoint-2"]
    (first / "parts" / "weights").unlink()
    assert checkpoints.newest() is None


def test_another_training_has_other_checkpoints(tmp_path: Path) -> None:
    one, other = (Checkpoints(tmp_path / "0", {"seed": seed}) for seed in (1, 2))
    saved(one, 2, "weights")
    assert other.newest() is None
    other.remove()
    assert not list(tmp_path.iterdir())


def losses(folder: Path) -> str:
    return (folder / "live.tsv").read_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, TrainingReport]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, run(folder, tiny_model, ROWS[:12], **HOW)


KINDS: dict[str, dict[str, Any]] = {
    "muon, grouped, accumulated": {"matrix_learning_rate": 0.01, "group_by_length": True, "per_device": 2},
    "adapters with dropout": {"lora": {"rank": 2, "dropout": 0.1}},
    "adapters with dropout, fed by others": {"lora": {"rank": 2, "dropout": 0.1}, "workers": 2},
}


def test_losses_are_written_while_it_runs(undisturbed: tuple[Path, TrainingReport]) -> None:
    folder, report = undisturbed
    lines = [line.split("\t") for line in losses(folder).splitlines()]
    assert lines[0] == ["step", "loss"]
    assert [(int(step), float(loss)) for step, loss in lines[1:]] == [
        (point.step, point.loss) for point in report.loss_curve
    ]
    assert not (folder / "checkpoints").exists()


def stopped(folder: Path, start: Path, step: int, monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    """Train until the checkpoint of a step is complete."""
    complete = Checkpoints.complete

    def then_stop(self: Checkpoints, saved: int) -> None:
        complete(self, saved)
        if saved == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "complete", then_stop)
        run(folder, start, ROWS[:12], **HOW, **how)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_training_ends_with_the_same_bytes(
    kind: str, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path, tiny_model, ROWS[:12], out="whole", **HOW, **KINDS[kind])
    curve = losses(tmp_path)
    stopped(tmp_path, tiny_model, 4, monkeypatch, **KINDS[kind])  # in the midst of the second epoch of three steps
    rest = run(tmp_path, tiny_model, ROWS[:12], **HOW, **KINDS[kind])
    made, wanted = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("out", "whole"))
    assert made == wanted
    assert (rest.loss_curve, rest.tokens, rest.steps) == (whole.loss_curve, whole.tokens, 9)
    assert losses(tmp_path) == curve
    assert not (tmp_path / "checkpoints").exists()


def test_a_damaged_checkpoint_is_left_out(
    undisturbed: tuple[Path, TrainingReport], tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(tmp_path, tiny_model, 6, monkeypatch)
    newest = next((tmp_path / "checkpoints").glob("*/checkpoint-6"))
    weights = newest / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])  # half-written
    shutil.copytree(newest, newest.with_name("checkpoint-8"))  # begun, and not complete
    (newest.with_name("checkpoint-8") / COMPLETE).unlink()
    run(tmp_path, tiny_model, ROWS[:12], **HOW)
    wanted = (undisturbed[0] / "out" / "model.safetensors").read_bytes()
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == wanted


KILLED = """
import sys
from pathlib import Path
from tests.training.mixes import ROWS, run
from tests.training.test_checkpoints import HOW
run(Path(sys.argv[1]), Path(sys.argv[2]), ROWS[:12], **HOW)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    undisturbed: tuple[Path, TrainingReport], tmp_path: Path, tiny_model: Path
) -> None:
    whole, report = undisturbed
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(tiny_model)], env=environment, cwd=ROOT
    )
    try:
        while not list((tmp_path / "checkpoints").glob(f"*/checkpoint-2/{COMPLETE}")):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "out").exists()
    rest = run(tmp_path, tiny_model, ROWS[:12], **HOW)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (whole / "out" / "model.safetensors").read_bytes()
    assert (rest.loss_curve, rest.tokens) == (report.loss_curve, report.tokens)
    assert losses(tmp_path) == losses(whole)
