import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.params import Train
from mathse.params.training import Launch, Lora
from mathse.training.batches import AlwaysAnImage, GroupedByLength
from tests.training.mixes import ROWS, SETTINGS, furthest, run


def changed(**keys: Any) -> Train:
    return Train.model_validate({**SETTINGS.model_dump(), **keys})


def test_the_global_batch_is_shared_out() -> None:
    settings = changed(batch_size=32, per_device=4, launch={"processes": 2})
    assert (settings.at_once, settings.processes, settings.accumulation) == (4, 2, 4)
    settings = changed(batch_size=32, launch={"processes": 2})
    assert (settings.at_once, settings.accumulation) == (16, 1)
    assert (SETTINGS.at_once, SETTINGS.processes, SETTINGS.accumulation) == (4, 1, 1)


@pytest.mark.parametrize(
    "keys, match",
    [
        ({"batch_size": 16, "per_device": 3}, r"16 is not a multiple of 3 \(per_device 3 x processes 1\)"),
        ({"batch_size": 3, "launch": {"processes": 2}}, r"3 is not a multiple of 2 \(processes 2\)"),
        ({"batch_size": 4, "per_device": 8}, "4 is not a multiple of 8"),
        ({"matrix_learning_rate": 0.01, "lora": {}}, "Muon trains whole matrices"),
        (
            {"matrix_learning_rate": 0.01, "launch": {"processes": 2, "config": "fsdp.yaml"}},
            "Muon needs whole matrices",
        ),
        ({"lora": {"targets": []}}, "at least 1"),
        ({"lora": {"rank": 0}}, "greater than or equal to 1"),
        ({"max_length": 0}, "greater than or equal to 1"),
        ({"save_steps": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(keys: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        changed(**keys)


def test_the_sections_defaults_are_bounded() -> None:
    assert Lora().targets is None
    assert Launch(processes=1).config is None


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path, tiny_model: Path) -> None:
    """Completions differ in length, so a mean of means would be another loss."""
    at_once = run(tmp_path, tiny_model, ROWS, "whole", batch_size=16, max_steps=3)
    in_parts = run(tmp_path, tiny_model, ROWS, "parts", batch_size=16, max_steps=3, per_device=4)
    assert (at_once.steps, at_once.tokens) == (in_parts.steps, in_parts.tokens)
    for whole, part in zip(at_once.loss_curve, in_parts.loss_curve, strict=True):
        assert whole.step == part.step
        assert whole.loss == pytest.approx(part.loss, abs=1e-5)
    assert furthest(tmp_path / "whole", tmp_path / "parts") < 2e-4  # of steps of 1e-3 each
    assert furthest(tiny_model, tmp_path / "parts") > 1e-3


def test_processes_that_prepare_the_rows_change_no_weight(tmp_path: Path, tiny_model: Path) -> None:
    how: dict[str, Any] = {"epochs": 2, "max_steps": -1, "lora": {"rank": 2, "dropout": 0.1}, "group_by_length": True}
    one = run(tmp_path, tiny_model, ROWS, "alone", **how)
    other = run(tmp_path, tiny_model, ROWS, "fed", workers=2, **how)
    assert one.loss_curve == other.loss_curve
    alone, fed = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("alone", "fed"))
    assert alone == fed
    lineages = [json.loads((tmp_path / name / LINEAGE).read_text()) for name in ("alone", "fed")]
    assert lineages[0] == {**lineages[1], "name": "alone"}


lengths = st.lists(st.integers(1, 500), min_size=1, max_size=300)


@given(lengths, st.integers(1, 16), st.integers(0, 5))
def test_grouping_takes_every_row_once(lengths: list[int], batch_size: int, epoch: int) -> None:
    order = GroupedByLength(lengths, batch_size, seed=1)
    order.set_epoch(epoch)
    assert sorted(order) == list(range(len(lengths)))
    assert list(order) == list(order)


def test_grouped_rows_are_alike_and_each_epoch_groups_anew() -> None:
    lengths = [(place * 37) % 101 for place in range(400)]
    order = GroupedByLength(lengths, 8, seed=1)
    rows = list(order)
    batches = [rows[at : at + 8] for at in range(0, 400, 8)]
    spread = [max(lengths[r] for r in batch) - min(lengths[r] for r in batch) for batch in batches]
    assert sum(spread) / len(spread) < 10  # of 100
    order.set_epoch(1)
    assert list(order) != rows
    assert list(GroupedByLength(lengths, 8, seed=2)) != rows


def test_a_training_takes_its_rows_by_length(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import SFTTrainer

    seen: list[list[int]] = []
    loss = SFTTrainer.compute_loss

    def noted(self: Any, model: Any, inputs: Any, **named: Any) -> Any:
        seen.append(sorted(inputs["attention_mask"].sum(1).tolist()))
        return loss(self, model, inputs, **named)

    monkeypatch.setattr(SFTTrainer, "compute_loss", noted)
    run(tmp_path, tiny_model, ROWS, max_steps=-1, group_by_length=True)
    assert [len(batch) for batch in seen] == [4, 4, 4, 4]
    ends = sorted((batch[0], batch[-1]) for batch in seen)
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


def test_a_batch_without_an_image_is_lent_one_that_does_not_count() -> None:
    rows = Dataset.from_dict({"image_ids": [[], ["a", "b"], ["c"], []], "text": ["one", "two", "three", "four"]})
    made = rows.with_transform(lambda batch: {"images": batch["image_ids"], "text": batch["text"]})

    def collate(examples: list[dict[str, Any]]) -> dict[str, Any]:
        return {"text": [one["text"] for one in examples], "labels": torch.ones(len(examples), 3)}

    batch = AlwaysAnImage(collate, made, lengths=[9, 20, 10, 9])([made[0], made[3]])
    assert batch["text"] == ["one", "four", "three"]
    assert batch["labels"].sum(1).tolist() == [3, 3, -300]
    batch = AlwaysAnImage(collate, made, lengths=[9, 20, 10, 9])([made[0], made[1]])
    assert batch["text"] == ["one", "two"]
    none = made.select([0, 3])
    assert AlwaysAnImage(collate, none, lengths=[9, 9])([none[0]])["text"] == ["one"]
