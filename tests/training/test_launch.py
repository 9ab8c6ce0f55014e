import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mathse.engines.loading import load_model
from mathse.training.launch import LaunchFailed
from tests.training.mixes import ROWS, furthest, run

ROOT = Path(__file__).parents[2]
ACCELERATE = ROOT / "presets" / "accelerate"
HOW: dict[str, Any] = {"batch_size": 8, "max_steps": 4, "epochs": 2}


def accelerate_config(name: str) -> dict[str, object]:
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

    config = load_config_from_file(str(ACCELERATE / name))
    assert isinstance(config, ClusterConfig)
    content: dict[str, object] = config.to_dict()
    return content


def known_keys(prefix: str) -> set[str]:
    """What `accelerate launch` takes of a section, by the names of its options."""
    from accelerate.commands.launch import launch_command_parser

    options = vars(launch_command_parser().parse_args(["script"]))
    return {name for name in options if name.startswith(prefix)}


def test_fsdps_settings_are_accelerates() -> None:
    config = accelerate_config("fsdp.yaml")
    assert config["distributed_type"] == "FSDP"
    section = config["fsdp_config"]
    assert isinstance(section, dict)
    assert section["fsdp_version"] == 2
    assert set(section) <= known_keys("fsdp_")


def test_zero3s_settings_are_accelerates() -> None:
    config = accelerate_config("zero3.yaml")
    assert config["distributed_type"] == "DEEPSPEED"
    section = config["deepspeed_config"]
    assert isinstance(section, dict)
    assert section["zero_stage"] == 3
    assert section["zero3_save_16bit_model"] is True
    assert set(section) <= known_keys("zero") | known_keys("offload")


def test_every_file_for_accelerate_is_tested() -> None:
    assert {file.name for file in ACCELERATE.iterdir()} == {"fsdp.yaml", "zero3.yaml"}


@pytest.mark.slow
@pytest.mark.parametrize("config", [None, ACCELERATE / "fsdp.yaml"], ids=["copies", "sharded"])
def test_two_processes_train_as_one(config: Path | None, tmp_path: Path, tiny_model: Path) -> None:
    lora = {"rank": 4} if config is None else None
    alone = run(tmp_path, tiny_model, ROWS, "alone", lora=lora, **HOW)
    launch = {"processes": 2, "config": config}
    both = run(tmp_path, tiny_model, ROWS, "both", lora=lora, launch=launch, per_device=2, live=True, **HOW)
    assert (both.steps, both.rows) == (alone.steps, alone.rows)
    lent = both.tokens - alone.tokens  # of images to batches without one
    assert lent > 0 if config else lent == 0
    for (step, loss), (same, shared) in zip(alone.loss_curve, both.loss_curve, strict=True):
        assert step == same
        assert loss == pytest.approx(shared, abs=1e-4)
    assert furthest(tmp_path / "alone", tmp_path / "both") < 1e-3
    assert furthest(tiny_model, tmp_path / "both") > 1e-3
    load_model(tmp_path / "both", "float32", "cpu")
    assert len((tmp_path / "live" / "plots" / "metrics" / "loss.tsv").read_text().splitlines()) == both.steps + 1


@pytest.mark.slow
def test_what_a_process_refuses_is_said(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(LaunchFailed, match="no rows to train on"):
        run(tmp_path, tiny_model, [], launch={"processes": 2})
    assert not (tmp_path / "out").exists()


def test_settings_that_are_not_there_are_named(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(LaunchFailed, match=r"train.launch.config: no\.yaml: not found"):
        run(tmp_path, tiny_model, ROWS, launch={"processes": 2, "config": "no.yaml"})


def descendants(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(child) for thread in threads for child in thread.read_text().split()]
    return found + [further for child in found for further in descendants(child)]


def runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


STAGE = """
import sys
from pathlib import Path
from tests.training.mixes import ROWS, run
run(Path(sys.argv[1]), Path(sys.argv[2]), ROWS, launch={"processes": 2}, epochs=10**6, max_steps=10**6, live=True)
"""


@pytest.mark.slow
def test_the_processes_end_with_their_stage(tmp_path: Path, tiny_model: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    stage = subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path), str(tiny_model)], env=environment, cwd=ROOT)
    try:
        while not (tmp_path / ".out.partial").exists():
            assert stage.poll() is None
            time.sleep(0.05)
        children = descendants(stage.pid)
        assert len(children) >= 3  # accelerate and two workers
        stage.send_signal(signal.SIGKILL)
        stage.wait()
        until = time.monotonic() + 120
        while any(runs(child) for child in children):
            assert time.monotonic() < until, "they live on"
            time.sleep(0.05)
    finally:
        stage.kill()
        stage.wait()
