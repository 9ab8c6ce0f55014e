"""Which of a model's weights are trained: all, all but the vision tower's, or low-rank adapters beside them.

Adapters (LoRA, arXiv 2106.09685) exist only while a model is trained: `merged` adds them to the weights, so that the
folder of the model is one that transformers and vLLM load like any other.
"""

from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from mathse.errors import UserError
from mathse.loop.ask.engines.local.families import vision_tower
from mathse.params.training import Lora, Train


class TargetMissing(UserError):
    """A layer that shall be adapted or frozen is not in the model."""


def prepare(model: Any, settings: Train, seed: int) -> Any:
    """Freeze what is not to be trained, and put adapters in if the settings ask for them.

    Args:
        model: Changed in place.
        seed: Of the adapters' first weights.

    Returns:
        The model itself, or the one with adapters around it.

    Raises:
        TargetMissing: The model has no vision tower that could be frozen, or no layer of a target's name.
    """
    if settings.freeze_vision:
        tower = vision_tower(model)
        if tower is None:
            raise TargetMissing(f"train.freeze_vision: no vision tower was found in {type(model).__name__}")
        tower.requires_grad_(False)
    if settings.lora is None:
        return model
    adapter = LoraConfig(
        r=settings.lora.rank,
        lora_alpha=settings.lora.alpha,  # type: ignore[arg-type]  # a float counts as well as a whole number
        lora_dropout=settings.lora.dropout,
        target_modules=_targets(model, settings.lora, settings.freeze_vision),
        bias="none",
    )
    torch.manual_seed(seed)
    return get_peft_model(model, adapter)


def merged(model: Any) -> Any:
    """The model with its adapters added to its weights; one without adapters as it is."""
    return model.merge_and_unload() if isinstance(model, PeftModel) else model


def _targets(model: Any, lora: Lora, freeze_vision: bool) -> list[str]:
    """Full names of the linear layers to adapt."""
    linear = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    tower = vision_tower(model)
    vision = set() if tower is None else {id(module) for module in tower.modules()}
    seen = {name for name, module in linear.items() if id(module) not in vision}
    if lora.targets is None:
        inner = getattr(model, "model", model)
        text = getattr(inner, "language_model", None) or getattr(inner, "text_model", model)
        within = {id(module) for module in text.modules()} - {id(model.get_output_embeddings())}
        return sorted(name for name in seen if id(linear[name]) in within)
    allowed = seen if freeze_vision else set(linear)
    matching = {
        target: {name for name in allowed if name == target or name.endswith(f".{target}")} for target in lora.targets
    }
    for target, names in matching.items():
        if not names:
            known = sorted({last for name in allowed if not (last := name.rpartition(".")[2]).isdigit()})
            raise TargetMissing(
                f"train.lora.targets: no linear layer is named {target!r}; there are {', '.join(known)}"
            )
    return sorted(set().union(*matching.values()))
