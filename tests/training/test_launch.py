import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse import processes
from mathse.errors import UserError
from mathse.loop.ask.engines.local.loading import load_model
from mathse.params.training import Launch
from mathse.tables.schemas import MixRow
from mathse.training.checkpoints import COMPLETE
from mathse.training.job import TrainingReport
from tests.training.mixes import PREFERENCES, ROWS, furthest, job, run

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


def test_without_a_file_of_ones_own_every_process_has_a_copy() -> None:
    config = yaml.safe_load(processes._DDP.read_text(encoding="utf-8"))
    assert (config["distributed_type"], config["num_machines"]) == ("MULTI_GPU", 1)


Made = tuple[Path, TrainingReport]


def start(folder: Path, model: Path, rows: list[MixRow], **how: Any) -> subprocess.Popen[str]:
    """Begin to train in processes of their own, in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(job(folder, model, rows, **how).model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "tests.training.launched", "job.json", "answer.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def launched(folder: Path, model: Path, rows: list[MixRow], **how: Any) -> TrainingReport:
    """Train in processes of their own, to the end."""
    process = start(folder, model, rows, **how)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert out.count("train job.json answer.json: 6 steps; ") == 1  # the first process says it for all
    return TrainingReport.model_validate_json((folder / "answer.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Made:
    folder = tmp_path_factory.mktemp("sharded")
    return folder, launched(folder, tiny_model, ROWS, **SHARDED)


def assert_alike(one: Made, other: Made, start: Path) -> None:
    (folder, report), (other_folder, other_report) = one, other
    assert (report.steps, report.rows) == (other_report.steps, other_report.rows)
    for (step, loss), (same, shared) in zip(report.loss_curve, other_report.loss_curve, strict=True):
        assert step == same
        assert loss == pytest.approx(shared, abs=1e-4)
    assert furthest(folder / "out", other_folder / "out") < 2e-3
    assert furthest(start, folder / "out") > 2e-3


TOGETHER: dict[str, dict[str, Any]] = {"sft": {"rows": ROWS}, "dpo": {"rows": PREFERENCES, "method": "dpo"}}


@pytest.mark.slow
@pytest.mark.parametrize("method", TOGETHER)
def test_two_processes_train_as_one(method: str, tmp_path: Path, tiny_model: Path) -> None:
    how = {**HOW, **TOGETHER[method], "lora": {"rank": 4}}
    (tmp_path / "alone").mkdir()
    one = run(tmp_path / "alone", tiny_model, **how)
    two = launched(tmp_path / "both", tiny_model, per_device=2, launch={"processes": 2}, **how)
    assert_alike((tmp_path / "alone", one), (tmp_path / "both", two), tiny_model)
    assert one.tokens == two.tokens


@pytest.mark.slow
def test_two_processes_that_share_the_weights_train_as_one(sharded: Made, tmp_path: Path, tiny_model: Path) -> None:
    alone = run(tmp_path, tiny_model, ROWS, **HOW)
    folder, report = sharded
    assert_alike((tmp_path, alone), sharded, tiny_model)
    assert report.tokens > alone.tokens  # batches without an image were lent one
    load_model(folder / "out", "float32", "cpu")
    assert len((folder / "live.tsv").read_text().splitlines()) == report.steps + 1
    assert not (folder / "checkpoints").exists()


@pytest.mark.slow
def test_what_the_processes_refuse_is_said_once(tmp_path: Path, tiny_model: Path) -> None:
    process = start(tmp_path, tiny_model, [], launch={"processes": 2})
    out, err = process.communicate(timeout=600)
    assert process.returncode == 1
    assert (out + err).count("no rows to train on") == 1
    assert err.startswith("train job.json answer.json: ") or "\ntrain job.json answer.json: " in err
    assert "UnfitMix" not in err  # no traceback of ours; the launcher says which process it was
    assert not (tmp_path / "out").exists()


def test_settings_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(processes.LAUNCHED, raising=False)
    with pytest.raises(UserError, match=r"train.launch.config: no\.yaml: not found"):
        processes.become_several(Launch(processes=2, config=Path("no.yaml")), 1, "stages.train", "0")


def test_one_process_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it became another"))
    processes.become_several(None, 1, "stages.train", "0")
    monkeypatch.setenv(processes.LAUNCHED, "1")
    processes.become_several(Launch(processes=2), 1, "stages.train", "0")


def test_the_first_process_is_known_by_its_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # of something else that was launched
    assert processes.is_first()
    monkeypatch.setenv(processes.LAUNCHED, "1")
    assert not processes.is_first()
    monkeypatch.setenv("RANK", "0")
    assert processes.is_first()


def descendants(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(child) for thread in threads for child in thread.read_text().split()]
    return found + [further for child in found for further in descendants(child)]


def runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_processes_end_with_their_stage_and_go_on_with_the_next(
    sharded: Made, tmp_path: Path, tiny_model: Path
) -> None:
    stage = start(tmp_path, tiny_model, ROWS, **SHARDED)
    try:
        while not list((tmp_path / "checkpoints").glob(f"*/checkpoint-2/{COMPLETE}")):
            assert stage.poll() is None, "it ended before it was killed"
            time.sleep(0.005)
        children = descendants(stage.pid)
        assert len(children) >= 2  # the stage has become accelerate, which has two workers
        stage.send_signal(signal.SIGKILL)
        stage.wait()
        until = time.monotonic() + 120
        while any(runs(child) for child in children):
            assert time.monotonic() < until, "they live on"
            time.sleep(0.05)
    finally:
        stage.kill()
        stage.communicate()
    assert not (tmp_path / "out").exists()
    rest = launched(tmp_path, tiny_model, ROWS, **SHARDED)
    folder, whole = sharded
    assert (rest.loss_curve, rest.tokens) == (whole.loss_curve, whole.tokens)
    made, wanted = ((place / "out" / "model.safetensors").read_bytes() for place in (tmp_path, folder))
    assert made == wanted
    assert (tmp_path / "live.tsv").read_bytes() == (folder / "live.tsv").read_bytes()
