"""The table of known checkpoints, held to models of their shapes, built without weights."""

from typing import Any

import pytest
import torch

from mathse.loop.ask.engines.local import loading  # noqa: F401 (makes torchvision importable)
from mathse.plan.sizes import KNOWN

from transformers import (  # isort: skip
    AutoModelForImageTextToText,
    Glm4vConfig,
    InternVLConfig,
    LlamaConfig,
    LlavaConfig,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
)


def text(vocabulary: int, width: int, inner: int, layers: int, heads: int, key_heads: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary, "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": key_heads,
    }  # fmt: skip


def qwen2_vl(language: dict[str, Any], tied: bool = False) -> Any:
    vision = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4, "hidden_size": language["hidden_size"]}
    return Qwen2VLConfig(text_config=language, vision_config=vision, tie_word_embeddings=tied)


def qwen2_5_vl(language: dict[str, Any], tied: bool = False) -> Any:
    vision = {
        "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
        "out_hidden_size": language["hidden_size"],
    }  # fmt: skip
    return Qwen2_5_VLConfig(text_config=language, vision_config=vision, tie_word_embeddings=tied)


INTERNLM = {**text(92_553, 4096, 14_336, 32, 32, 8), "model_type": "llama"}
CONFIGS = {
    "Qwen/Qwen2-VL-2B-Instruct": qwen2_vl(text(151_936, 1536, 8960, 28, 12, 2), tied=True),
    "Qwen/Qwen2-VL-7B-Instruct": qwen2_vl(text(152_064, 3584, 18_944, 28, 28, 4)),
    "Qwen/Qwen2.5-VL-3B-Instruct": qwen2_5_vl(text(151_936, 2048, 11_008, 36, 16, 2), tied=True),
    "Qwen/Qwen2.5-VL-7B-Instruct": qwen2_5_vl(text(152_064, 3584, 18_944, 28, 28, 4)),
    "OpenGVLab/InternVL2_5-8B-MPO-hf": InternVLConfig(
        text_config=INTERNLM, vision_config={"attention_bias": True}, tie_word_embeddings=False
    ),
    "zai-org/GLM-4.1V-9B-Base": Glm4vConfig(),
    "zai-org/GLM-4.1V-9B-Thinking": Glm4vConfig(),
    "llava-hf/llava-1.5-7b-hf": LlavaConfig(text_config=LlamaConfig(vocab_size=32_064)),
}


def test_every_known_checkpoint_is_held_to_its_shape() -> None:
    assert CONFIGS.keys() == KNOWN.keys()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_of_the_shape_has_so_many_parameters(name: str) -> None:
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(CONFIGS[name])
    model.tie_weights()
    assert sum(weight.numel() for weight in model.parameters()) == KNOWN[name].parameters
    language = model.config.get_text_config()
    assert (language.num_hidden_layers, language.hidden_size) == (KNOWN[name].layers, KNOWN[name].width)
    assert (language.vocab_size, model.config.model_type) == (KNOWN[name].vocabulary, KNOWN[name].model_type)
