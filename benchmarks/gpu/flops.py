"""The floating-point operations a training step needs, and how many a GPU could do: model FLOPs utilisation.

A step on T text tokens (image tokens included, padding not) and P image patches needs

    6 N_text T + 6 N_tower P + 6 N_merger P / 4            matrices: 2 forward, 4 backward, a parameter and token
    + 6 L h sum(t^2) + 12 L_tower e sum(p^2)               attention: causal over a row's t, full over an image's p

with L layers of width h, L_tower of width e. What gradient checkpointing computes a second time does not count (the
definition of MFU in PaLM, arXiv 2204.02311, appendix B). A tied embedding counts once, as the output layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mathse.loop.ask.engines.local import loading  # noqa: F401  makes torchvision importable

# isort: split
from transformers import AutoConfig, AutoModelForImageTextToText

PEAK = {"H100 80GB HBM3": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 FLOP/s by a part of the GPU's name, from NVIDIA's data sheets; H100 is the SXM one."""


@dataclass(frozen=True)
class Needs:
    """What decides the operations of a step: parameters by what passes through them, and the attentions' sizes."""

    text: int
    tower: int
    merger: int
    text_attention: int
    """Layers times width."""
    tower_attention: int

    def flops(self, lengths: Sequence[int], patches: Sequence[int]) -> float:
        """Operations of a step, forward and backward.

        Args:
            lengths: Tokens of each row.
            patches: Patches of each image.
        """
        matrices = self.text * sum(lengths) + (self.tower + self.merger / 4) * sum(patches)
        attention = self.text_attention * _squares(lengths) + 2 * self.tower_attention * _squares(patches)
        return 6.0 * (matrices + attention)


def needs(folder: Path) -> Needs:
    """Count a Qwen2-VL's parameters by its configuration; no weights are read."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    sizes = {"text": 0, "tower": 0, "merger": 0}
    for name, parameter in model.named_parameters():
        if "embed_tokens" in name and not config.tie_word_embeddings:
            continue
        part = "text" if ".visual." not in name else "merger" if ".merger." in name else "tower"
        sizes[part] += parameter.numel()
    text, tower = config.get_text_config(), config.vision_config
    return Needs(
        **sizes,
        text_attention=text.num_hidden_layers * text.hidden_size,
        tower_attention=tower.depth * tower.embed_dim,
    )


def peak() -> float | None:
    """FLOP/s that the GPU could do at most; None on a CPU, or if the GPU is not in the table."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((rate for part, rate in PEAK.items() if part in name and "NVL" not in name), None)


def _squares(numbers: Sequence[int]) -> int:
    return sum(number**2 for number in numbers)
