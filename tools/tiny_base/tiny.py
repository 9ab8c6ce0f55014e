"""The tiny base's body: a Qwen2-VL of about 1.5 million parameters, with a tokenizer and a processor of its own.

The architecture and the files are the real family's (the paper's backbone), only small: `save_pretrained` folders that
transformers, TRL and vLLM load by path. The tokenizer is a byte-level BPE that holds whole words and whole numbers up
to 199 as single tokens (a tiny model does not learn arithmetic on digits) and spells out any other text in bytes.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mathse.loop.ask.engines.local import loading  # noqa: F401  makes torchvision importable
from mathse.synthetic.pictures import SIDE
from tools.tiny_base.head_start import give_head_start

# isort: split
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
_PATCH = 14
LARGEST_NUMBER = 199
"""Whole numbers up to this one are single tokens, with and without a leading space."""
_CONTEXT = 2048
_ROPE_BASE, _ROPE_SECTIONS = 1_000_000.0, [1, 1, 14]
"""Rotary base (the family's own) and the shares of a head's frequencies: time, row, column. The fastest come first.
With these shares rows and columns get some that tell neighbours apart, and many hardly turn: like finds like far away.
"""
_PAPER_IS_ZERO = {"image_mean": [1.0, 1.0, 1.0], "image_std": [0.26862954, 0.26130258, 0.27577711]}
"""White paper enters as zero, so that what is drawn stands out."""

CHAT_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\n' -}}
{%- if message.content is string -%}{{- message.content -}}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif part.type == 'text' -%}{{- part.text -}}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
"""


def build_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """Make a byte-level BPE tokenizer in which the given texts' words are single tokens.

    Args:
        words: Texts whose words (with their leading space) become tokens; so do the numbers up to `LARGEST_NUMBER`.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1_000_000,  # no limit: merging stops when every word of the texts is one token
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(_SPECIAL),
        show_progress=False,
    )
    numbers = (f"{space}{number}" for number in range(LARGEST_NUMBER + 1) for space in ("", " "))
    pieces = sorted({piece for text in words for piece in re.findall(r"\s?\S+", text)})
    tokenizer.train_from_iterator([*numbers, *pieces], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        model_max_length=_CONTEXT, chat_template=CHAT_TEMPLATE, clean_up_tokenization_spaces=False,
        extra_special_tokens={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
    )  # fmt: skip
    return fast


def number_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[int, list[int]]:
    """The tokens of each whole number up to `LARGEST_NUMBER`, without and with a leading space."""
    return {
        number: [tokenizer.convert_tokens_to_ids(f"{space}{number}") for space in ("", "\u0120")]
        for number in range(LARGEST_NUMBER + 1)
    }


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLProcessor:
    """Join a tokenizer with image and video processors that give a `SIDE`-pixel image 16 tokens."""
    pixels = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    vision = {"patch_size": _PATCH, "merge_size": 2, "temporal_patch_size": 2, "size": pixels, **_PAPER_IS_ZERO}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**vision),
        video_processor=Qwen2VLVideoProcessor(**vision),
        tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen2VLForConditionalGeneration:
    """Make the untrained model.

    Args:
        tokenizer: Gives vocabulary size and special tokens' ids.
        seed: Of the initial weights.
    """
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in _SPECIAL}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4,
            "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": _CONTEXT,
            "bos_token_id": None, "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"],
            "rope_parameters": {"rope_type": "default", "rope_theta": _ROPE_BASE, "mrope_section": _ROPE_SECTIONS},
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 2, "embed_dim": 96, "num_heads": 4, "mlp_ratio": 4, "hidden_size": 128, "patch_size": _PATCH,
            "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config)
    give_head_start(model, number_tokens(tokenizer), seed)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    return model


def save(model: Qwen2VLForConditionalGeneration, processor: Qwen2VLProcessor, folder: Path) -> None:
    """Write model and processor as any Hugging Face model is written."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
