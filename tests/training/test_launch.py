import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mathse.training.launch import LaunchFailed
from mathse.training.report import TrainingReport

from mathse.backbones.loading import load_model
from mathse.training.checkpoints import COMPLETE
from tests.training.mixes import ROWS, furthest, run

ROOT = Path(__file__).parents[2]
ACCELERATE = ROOT / "presets" / "accelerate"
HOW: dict[str, Any] = {"batch_size": 8, "max_steps": 6, "epochs": 3}
SHARDED: dict[str, Any] = {
    **HOW,
    "per_device": 2,
    "launch": {"processes": 2, "config": ACCELERATE / "fsdp.yaml"},
    "save_steps": 2,
    "checkpoints": True,
    "live": True,
}


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


Made = tuple[Path, TrainingReport]


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Made:
    folder = tmp_path_factory.mktemp("sharded")
    return folder, run(folder, tiny_model, ROWS, **SHARDED)


def assert_alike(one: Made, other: Made, start: Path) -> None:
    (folder, report), (other_folder, other_report) = one, other
    assert (report.steps, report.rows) == (other_report.steps, other_report.rows)
    for (step, loss), (same, shared) in zip(report.loss_curve, other_report.loss_curve, strict=True):
        assert step == same
        assert loss == pytest.approx(shared, abs=1e-4)
    assert furthest(folder / "out", other_folder / "out") < 2e-3
    assert furthest(start, folder / "out") > 2e-3


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path, tiny_model: Path) -> None:
    (alone, both) = (tmp_path / "alone", tmp_path / "both")
    for folder in (alone, both):
        folder.mkdir()
    one = run(alone, tiny_model, ROWS, lora={"rank": 4}, **HOW)
    two = run(both, tiny_model, ROWS, lora={"rank": 4}, per_device=2, launch={"processes": 2}, **HOW)
    assert_alike((alone, one), (both, two), tiny_model)
    assert one.tokens == two.tokens


@pytest.mark.slow
def test_two_processes_that_share_the_weights_train_as_one(sharded: Made, tmp_path: Path, tiny_model: Path) -> None:
    alone = run(tmp_path, tiny_model, ROWS, **HOW)
    folder, report = sharded
    assert_alike((tmp_path, alone), sharded, tiny_model)
    assert report.tokens > alone.tokens  # batches without an image were lent one
    load_model(folder / "out", "float32", "cpu")
    assert len((folder / "live" / "plots" / "metrics" / "loss.tsv").read_text().splitlines()) == report.steps + 1
    assert not (folder / "checkpoints").exists()


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
from tests.training.test_launch import SHARDED
run(Path(sys.argv[1]), Path(sys.argv[2]), ROWS, **SHARDED)
"""


@pytest.mark.slow
def test_processes_end_with_their_stage_and_go_on_with_the_next(
    sharded: Made, tmp_path: Path, tiny_model: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    stage = subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path), str(tiny_model)], env=environment, cwd=ROOT)
    try:
        while not list((tmp_path / "checkpoints").glob(f"*/checkpoint-2/{COMPLETE}")):
            assert stage.poll() is None, "it ended before it was killed"
            time.sleep(0.005)
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
    assert not (tmp_path / "out").exists()
    rest = run(tmp_path, tiny_model, ROWS, **SHARDED)
    folder, whole = sharded
    assert (rest.loss_curve, rest.tokens) == (whole.loss_curve, whole.tokens)
    made, wanted = ((place / "out" / "model.safetensors").read_bytes() for place in (tmp_path, folder))
    assert made == wanted
