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
from mathse.training.checkpoints import COMPLETE
from mathse.training.job import TrainingReport
from tests.forked import lives
from tests.training.mixes import PREFERENCES, ROWS, furthest, job, run

ROOT = Path(__file__).parents[2]
ACCELERATE = ROOT / "presets" / "accelerate"
HOW: dict[str, Any] = {"batch_size": 8, "max_steps": 6, "epochs": 3}
TOGETHER: dict[str, dict[str, Any]] = {
    "sft": {**HOW, "rows": ROWS, "lora": {"rank": 4}},
    "dpo": {**HOW, "rows": PREFERENCES, "method": "dpo", "lora": {"rank": 4}},
}
SHARDED: dict[str, Any] = {
    **HOW,
    "rows": ROWS,
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


def start(folder: Path, model: Path, **jobs: dict[str, Any]) -> subprocess.Popen[str]:
    """Begin to train in processes of their own, each job in a folder of its name in `folder`."""
    for name, how in jobs.items():
        (folder / name).mkdir(exist_ok=True)
        text = job(folder / name, model, **how).model_dump_json()
        (folder / name / "job.json").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "tests.training.launched", *jobs]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def report(folder: Path) -> TrainingReport:
    return TrainingReport.model_validate_json((folder / "answer.json").read_text(encoding="utf-8"))


def launched(folder: Path, model: Path, name: str, **how: Any) -> Made:
    """Train in processes of their own, to the end."""
    process = start(folder, model, **{name: how})
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert out.count(f"train {name}: 6 steps; ") == 1  # the first process says it for all
    return folder / name, report(folder / name)


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Made:
    return launched(tmp_path_factory.mktemp("whole"), tiny_model, "sharded", **SHARDED)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, int, str, str]:
    """Both methods and a mix without rows, by the same two processes: their folder, exit code and what they said."""
    folder = tmp_path_factory.mktemp("together")
    two = {"per_device": 2, "launch": {"processes": 2}}
    process = start(folder, tiny_model, **{name: how | two for name, how in TOGETHER.items()}, empty={"rows": []} | two)
    out, err = process.communicate(timeout=600)
    return folder, process.returncode, out, err


def assert_alike(one: Made, other: Made, start: Path) -> None:
    (folder, made), (other_folder, other_made) = one, other
    assert (made.steps, made.rows) == (other_made.steps, other_made.rows)
    for (step, loss), (same, shared) in zip(made.loss_curve, other_made.loss_curve, strict=True):
        assert step == same
        assert loss == pytest.approx(shared, abs=1e-4)
    assert furthest(folder / "out", other_folder / "out") < 2e-3
    assert furthest(start, folder / "out") > 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("method", TOGETHER)
def test_two_processes_train_as_one(
    method: str, together: tuple[Path, int, str, str], tmp_path: Path, tiny_model: Path
) -> None:
    folder, _, out, err = together
    assert (folder / method / "answer.json").is_file(), out + err
    one, two = run(tmp_path, tiny_model, **TOGETHER[method]), report(folder / method)
    assert_alike((tmp_path, one), (folder / method, two), tiny_model)
    assert one.tokens == two.tokens


@pytest.mark.slow
def test_two_processes_that_share_the_weights_train_as_one(sharded: Made, tmp_path: Path, tiny_model: Path) -> None:
    alone = run(tmp_path, tiny_model, ROWS, **HOW)
    folder, whole = sharded
    assert_alike((tmp_path, alone), sharded, tiny_model)
    assert whole.tokens > alone.tokens  # batches without an image were lent one
    load_model(folder / "out", "float32", "cpu")
    assert len((folder / "live.tsv").read_text().splitlines()) == whole.steps + 1
    assert not (folder / "checkpoints").exists()


@pytest.mark.slow
def test_in_bfloat16_too_the_losses_are_those_of_one_process(tmp_path: Path, tiny_model: Path) -> None:
    """Gradients are added up in float32, over two micro-batches too: bfloat16 has steps of 0.03 at a loss of 5."""
    (tmp_path / "alone").mkdir()
    alone = run(tmp_path / "alone", tiny_model, ROWS, **HOW, dtype="bfloat16")
    _, shared = launched(tmp_path, tiny_model, "shared", **SHARDED, dtype="bfloat16")
    one, two = ([point.loss for point in made.loss_curve] for made in (alone, shared))
    assert two == pytest.approx(one, abs=4e-3)
    assert [loss for loss in two if loss * 64 % 1]  # not rounded to a bfloat16


@pytest.mark.slow
def test_what_the_processes_refuse_is_said_once(together: tuple[Path, int, str, str]) -> None:
    folder, code, out, err = together
    assert code == 1, out + err
    assert (out + err).count("no rows to train on") == 1
    title = f"train {' '.join(TOGETHER)} empty: "
    assert err.startswith(title) or f"\n{title}" in err
    assert "UnfitMix" not in err  # no traceback of ours; the launcher says which process it was
    assert not (folder / "empty" / "out").exists()


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


@pytest.mark.slow
def test_processes_end_with_their_stage_and_go_on_with_the_next(
    sharded: Made, tmp_path: Path, tiny_model: Path
) -> None:
    place = tmp_path / "sharded"
    stage = start(tmp_path, tiny_model, sharded=SHARDED)
    try:
        while not list((place / "checkpoints").glob(f"*/checkpoint-2/{COMPLETE}")):
            assert stage.poll() is None, "it ended before it was killed"
            time.sleep(0.005)
        children = descendants(stage.pid)
        assert len(children) >= 2  # the stage has become accelerate, which has two workers
        stage.send_signal(signal.SIGKILL)
        stage.wait()
        until = time.monotonic() + 120
        while any(lives(child) for child in children):
            assert time.monotonic() < until, "they live on"
            time.sleep(0.05)
    finally:
        stage.kill()
        stage.communicate()
    assert not (place / "out").exists()
    _, rest = launched(tmp_path, tiny_model, "sharded", **SHARDED)
    folder, whole = sharded
    assert (rest.loss_curve, rest.tokens) == (whole.loss_curve, whole.tokens)
    made, wanted = ((folder / "out" / "model.safetensors").read_bytes() for folder in (place, folder))
    assert made == wanted
    assert (place / "live.tsv").read_bytes() == (folder / "live.tsv").read_bytes()
