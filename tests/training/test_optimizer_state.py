"""A training that goes on with the optimizer's state of the one before."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from mathse.loop.ask.engines.local.fingerprint import LINEAGE, model_fingerprint
from mathse.params import Train
from mathse.tables.files import sha256
from mathse.training import optimizer_state
from mathse.training.checkpoints import Checkpoints
from mathse.training.optimizer_state import STATE, OptimizerMismatch
from tests.training.mixes import ROWS, SETTINGS, furthest, run

MUON: dict[str, Any] = {"matrix_learning_rate": 0.01}
KEPT: dict[str, Any] = {"optimizer": "kept"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Two steps, with Muon for the matrices, whose state was kept."""
    folder = tmp_path_factory.mktemp("first")
    run(folder, tiny_model, ROWS[:8], keep_optimizer=True, **MUON)
    return folder / "out"


def test_the_state_lies_beside_the_weights_and_is_no_part_of_the_model(first: Path) -> None:
    state = load_file(first / STATE)
    kinds = {key.rpartition("/")[2] for key in state}
    assert kinds == {"exp_avg", "exp_avg_sq", "step", "momentum"}
    assert {float(tensor) for key, tensor in state.items() if key.endswith("/step")} == {2.0}
    assert {file.suffix for file in (first / "optimizer").iterdir()} == {".safetensors"}
    kept = model_fingerprint(first)
    (first / STATE).rename(first / "away")
    try:
        assert model_fingerprint(first) == kept == json.loads((first / LINEAGE).read_text())["model"]
    finally:
        (first / "away").rename(first / STATE)


def test_the_next_training_begins_with_the_saved_state(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[dict[str, torch.Tensor]] = []
    take_up = optimizer_state.take_up

    def recorded(start: Path, optimizer: Any, model: Any) -> None:
        take_up(start, optimizer, model)
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        begun.append({f"{names[id(p)]}/{k}": v.clone() for p, s in optimizer.state.items() for k, v in s.items()})

    monkeypatch.setattr(optimizer_state, "take_up", recorded)
    run(tmp_path, first, ROWS[8:], "kept", keep_optimizer=True, **KEPT, **MUON)
    saved = load_file(first / STATE)
    assert begun[0].keys() == saved.keys()
    assert all(torch.equal(begun[0][key], saved[key]) for key in saved)
    after = load_file(tmp_path / "kept" / STATE)
    assert {float(tensor) for key, tensor in after.items() if key.endswith("/step")} == {4.0}, "the counters go on"
    lineage = json.loads((tmp_path / "kept" / LINEAGE).read_text())
    assert lineage["start"]["optimizer"] == sha256(first / STATE)
    run(tmp_path, first, ROWS[8:], "new", **MUON)
    assert furthest(tmp_path / "kept", tmp_path / "new") > 1e-4
    run(tmp_path, first, ROWS[8:], "again", keep_optimizer=True, **KEPT, **MUON)
    for file in ("model.safetensors", STATE):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "kept" / file).read_bytes()


def test_a_stopped_training_ends_with_the_same_state(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"keep_optimizer": True, "save_steps": 1, "checkpoints": True, **KEPT, **MUON}
    run(tmp_path, first, ROWS[8:], "whole", **how)
    complete = Checkpoints.complete

    def then_stop(self: Checkpoints, saved: int) -> None:
        complete(self, saved)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "complete", then_stop)
        run(tmp_path, first, ROWS[8:], **how)
    assert run(tmp_path, first, ROWS[8:], **how).steps == 2
    for file in ("model.safetensors", STATE):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_start_without_a_state_is_named(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptimizerMismatch, match=r"state.safetensors: not found.*keep_optimizer: true"):
        run(tmp_path, tiny_model, ROWS[:8], **KEPT)
    assert not (tmp_path / "out").exists()


def test_a_state_of_another_optimizer_is_named(first: Path, tmp_path: Path) -> None:
    with pytest.raises(OptimizerMismatch, match=r"state.safetensors: does not fit model\..*matrix_learning_rate"):
        run(tmp_path, first, ROWS[:8], **KEPT)


def test_a_state_of_other_weights_is_named(tmp_path: Path) -> None:
    made = torch.nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(made.parameters())
    made(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer_state.write(tmp_path, optimizer, made)
    saved = load_file(tmp_path / STATE)
    save_file({**saved, "weight/exp_avg": torch.ones(3, 4)}, tmp_path / STATE)
    with pytest.raises(OptimizerMismatch, match="does not fit weight"):
        optimizer_state.take_up(tmp_path, optimizer, made)
    save_file({**saved, "gone/exp_avg": torch.ones(3)}, tmp_path / STATE)
    with pytest.raises(OptimizerMismatch, match="does not fit gone"):
        optimizer_state.take_up(tmp_path, optimizer, made)
    (tmp_path / STATE).write_bytes(b"\0" * 20)
    with pytest.raises(OptimizerMismatch, match="damaged"):
        optimizer_state.take_up(tmp_path, optimizer, made)


@pytest.mark.parametrize("keys", [KEPT, {"keep_optimizer": True}])
def test_adapters_and_shards_keep_no_state(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="adapters are merged"):
        Train.model_validate({**SETTINGS.model_dump(), **keys, "lora": {"rank": 2}})
    with pytest.raises(ValidationError, match="the state lies in shards"):
        Train.model_validate({**SETTINGS.model_dump(), **keys, "launch": {"processes": 2, "config": "fsdp.yaml"}})
