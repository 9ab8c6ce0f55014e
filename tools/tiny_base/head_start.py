"""Initial weights of the tiny base: random, but with a start in what takes a tiny model longest to find out.

A large model finds these on its way; a model of 1.5 million parameters stays on a plateau for thousands of steps before
it does (docs/LOG.md has the trials):

- matrices larger than the family's deviation of 0.02, which suits wide models;
- number embeddings that hold digits and phases, so that reading is to recognise digits and adding is to turn phases;
- heads that look a fixed number of tokens back (biases of query and key, turned against each other as rotary
  embedding turns them), so that a token knows what stands before it;
- heads that look for a token like their own (query and key share their weights), so that equal things find each other:
  comparing two numbers, or finding the option that holds a value, is to look back from where the like one was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import Qwen2VLForConditionalGeneration

_VISION_SCALE, _TEXT_SCALE, _EMBEDDING_SCALE = 3.0, 1.5, 6.0
_NUMBER_SCALE = 0.2
_PERIODS = (2, 5, 10, 20, 40, 100, 200, 400)
_BACK: Mapping[int, Sequence[int]] = {0: (1, 2), 2: (1,)}
"""By layer, how many tokens back each of its first heads looks; the others are free."""
_BACK_STRENGTH, _BACK_FREQUENCIES = 5.0, 5
_ALIKE = (1,)
"""Layers whose heads look for their like."""
_ALIKE_STRENGTH = 3.5


def give_head_start(model: Qwen2VLForConditionalGeneration, numbers: Mapping[int, Sequence[int]], seed: int) -> None:
    """Change a new model's random weights in place.

    Args:
        model: Just made, with the family's own initial weights.
        numbers: The tokens of each whole number.
        seed: Of what is added to the numbers' embeddings.
    """
    with torch.no_grad():
        _scale(model)
        _mark_numbers(model.get_input_embeddings().weight, numbers, torch.Generator().manual_seed(seed))
        text = model.config.get_text_config()
        width = text.hidden_size // text.num_attention_heads
        theta = text.rope_parameters["rope_theta"]
        for place, layer in enumerate(model.model.language_model.layers):
            attention = layer.self_attn
            for head, distance in enumerate(_BACK.get(place, ())):
                _look_back(attention.q_proj.bias, attention.k_proj.bias, head * width, distance, width, theta)
            if place in _ALIKE:
                attention.q_proj.weight.mul_(_ALIKE_STRENGTH)
                attention.k_proj.weight.copy_(attention.q_proj.weight)


def _scale(model: Qwen2VLForConditionalGeneration) -> None:
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            in_vision = ".visual." in name
            weight.mul_(_VISION_SCALE if in_vision else _EMBEDDING_SCALE if "embed" in name else _TEXT_SCALE)


def _mark_numbers(embeddings: torch.Tensor, numbers: Mapping[int, Sequence[int]], noise: torch.Generator) -> None:
    """Add to each number's embedding its three digits and its phase at several periods."""
    width = embeddings.shape[1]
    digits = torch.randn(3, 10, width, generator=noise)
    waves = torch.randn(len(_PERIODS), 2, width, generator=noise)
    for number, tokens in numbers.items():
        by_digit = sum(digits[place][number // 10**place % 10] for place in range(3)) / math.sqrt(3)
        turns = [2 * math.pi * number / period for period in _PERIODS]
        by_phase = sum(math.cos(t) * w[0] + math.sin(t) * w[1] for t, w in zip(turns, waves, strict=True))
        for token in tokens:
            embeddings[token] += _NUMBER_SCALE * (by_digit + by_phase / math.sqrt(len(_PERIODS)))


def _look_back(query: torch.Tensor, key: torch.Tensor, start: int, distance: int, width: int, theta: float) -> None:
    """Make a head prefer the token `distance` places before.

    Rotary embedding turns the pair of components `i` and `i + width / 2` by `theta ** (-2 i / width)` a place, so a
    query that is turned by `distance` places the other way meets the key of just that token at its largest. The
    fastest pairs are enough to tell neighbours apart.
    """
    for pair in range(_BACK_FREQUENCIES):
        turn = distance * theta ** (-2 * pair / width)
        key[start + pair] += _BACK_STRENGTH
        query[start + pair] += _BACK_STRENGTH * math.cos(turn)
        query[start + pair + width // 2] -= _BACK_STRENGTH * math.sin(turn)
