from pathlib import Path

import pytest
import torch

from mathse.loop.ask.engines.local.loading import load_model
from mathse.params.training import Lora
from mathse.training import adapters
from tests.training.mixes import ROWS, SETTINGS, run, weights

LORA = Lora(rank=4, alpha=8)


def changed(start: Path, made: Path) -> set[str]:
    before, after = weights(start), weights(made)
    assert before.keys() == after.keys()  # merged: no adapter is left
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_adapters_of_the_language_model_are_merged_into_a_plain_model(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, ROWS[:4], max_steps=12, learning_rate=5e-3, lora=LORA)
    names = changed(tiny_model, tmp_path / "out")
    assert {name.split(".")[-2] for name in names} == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
    assert not [name for name in names if "visual" in name]
    assert report.final_loss < 0.9 * report.loss_curve[0].loss
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {"config.json", "model.safetensors"}
    assert not list((tmp_path / "out").glob("adapter*"))


def test_adapters_of_a_bfloat16_model_are_merged_into_one(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, ROWS[:4], max_steps=12, learning_rate=5e-3, lora=LORA, dtype="bfloat16")
    assert {weight.dtype for weight in weights(tmp_path / "out").values()} == {torch.bfloat16}
    assert report.final_loss < 0.9 * report.loss_curve[0].loss


def test_a_merged_model_says_what_the_adapted_one_did(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"lora": LORA})
    model = adapters.prepare(load_model(tiny_model, "float32", "cpu"), settings, seed=1).eval()
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    tokens = torch.arange(12).reshape(1, 12)
    with torch.inference_mode():
        adapted = model(input_ids=tokens).logits
        merged = adapters.merged(model).eval()(input_ids=tokens).logits
    assert torch.allclose(adapted, merged, atol=1e-4)


def test_only_named_layers_are_adapted(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"lora": Lora(rank=2, targets=("q_proj", "visual.blocks.0.attn.qkv"))})
    model = adapters.prepare(load_model(tiny_model, "float32", "cpu"), settings, seed=1)
    adapted = {name.partition(".lora_A")[0] for name, _ in model.named_parameters() if ".lora_A" in name}
    assert {name.rpartition("model.")[2] for name in adapted} >= {"visual.blocks.0.attn.qkv"}
    assert len(adapted) == 5  # four layers' q_proj, and one block
    assert all("lora" in name for name, weight in model.named_parameters() if weight.requires_grad)


@pytest.mark.parametrize("freeze_vision, target", [(False, "no_proj"), (True, "visual.blocks.0.attn.qkv")])
def test_a_layer_that_is_not_there_is_named(tiny_model: Path, freeze_vision: bool, target: str) -> None:
    lora = Lora(targets=("q_proj", target))
    settings = SETTINGS.model_copy(update={"lora": lora, "freeze_vision": freeze_vision})
    with pytest.raises(adapters.TargetMissing, match=rf"no linear layer is named '{target}'; there are .*q_proj"):
        adapters.prepare(load_model(tiny_model, "float32", "cpu"), settings, seed=1)


def test_a_frozen_vision_tower_stays(tmp_path: Path, tiny_model: Path) -> None:
    run(tmp_path, tiny_model, ROWS, freeze_vision=True, gradient_checkpointing=True)
    names = changed(tiny_model, tmp_path / "out")
    assert names
    assert not [name for name in names if "visual" in name]


def test_a_model_without_a_tower_cannot_have_it_frozen(tiny_model: Path) -> None:
    model = load_model(tiny_model, "float32", "cpu")
    del model.model.visual
    settings = SETTINGS.model_copy(update={"freeze_vision": True})
    with pytest.raises(adapters.TargetMissing, match="no vision tower was found in Qwen2VL"):
        adapters.prepare(model, settings, seed=1)
