"""How large a model is: from the table of known checkpoints, from a folder's weight files, or from its configuration.

Nothing heavy is imported and no weights are read: a safetensors file tells its tensors' shapes in its first bytes.

Sample: `Qwen/Qwen2-VL-7B-Instruct` has 8.29 billion parameters in 28 layers of width 3584 and a vocabulary of 152,064.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse.errors import UserError


class SizeUnknown(UserError):
    """A model's size cannot be told: no weights, no configuration, and its id is not in the table."""


@dataclass(frozen=True)
class Size:
    """What a plan needs to know of a model.

    Attributes:
        model_type: As its config.json names it.
        parameters: All of them, the vision tower's included; a tied embedding counts once.
        layers: Of the language model.
        width: Of the language model (`hidden_size`).
        vocabulary: Rows of the output layer.
        context: The longest sequence, in tokens.
    """

    model_type: str
    parameters: int
    layers: int
    width: int
    vocabulary: int
    context: int


KNOWN: Mapping[str, Size] = {
    "Qwen/Qwen2-VL-2B-Instruct": Size("qwen2_vl", 2_208_985_600, 28, 1536, 151_936, 32_768),
    "Qwen/Qwen2-VL-7B-Instruct": Size("qwen2_vl", 8_291_375_616, 28, 3584, 152_064, 32_768),
    "Qwen/Qwen2.5-VL-3B-Instruct": Size("qwen2_5_vl", 3_754_622_976, 36, 2048, 151_936, 128_000),
    "Qwen/Qwen2.5-VL-7B-Instruct": Size("qwen2_5_vl", 8_292_166_656, 28, 3584, 152_064, 128_000),
    "OpenGVLab/InternVL2_5-8B-MPO-hf": Size("internvl", 8_075_365_376, 32, 4096, 92_553, 32_768),
    "zai-org/GLM-4.1V-9B-Base": Size("glm4v", 10_292_777_472, 40, 4096, 151_552, 65_536),
    "zai-org/GLM-4.1V-9B-Thinking": Size("glm4v", 10_292_777_472, 40, 4096, 151_552, 65_536),
    "llava-hf/llava-1.5-7b-hf": Size("llava", 7_063_427_072, 32, 4096, 32_064, 4_096),
}
"""Public checkpoints. Tests build each shape without its weights and count."""


def of_folder(folder: Path) -> Size:
    """The size of a model folder.

    Raises:
        SizeUnknown: There is no config.json, or it has no sizes.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SizeUnknown(f"{folder}: not a model folder, config.json is missing") from error
    text = config.get("text_config") or config
    shards = sorted(folder.glob("*.safetensors"))
    shapes = [shape for shard in shards for shape in tensor_shapes(shard).values()]
    try:
        return Size(
            model_type=str(config.get("model_type", "")),
            parameters=sum(math.prod(shape) for shape in shapes) or _by_formula(config, text),
            layers=text["num_hidden_layers"],
            width=text["hidden_size"],
            vocabulary=text["vocab_size"],
            context=text.get("max_position_embeddings", 32_768),
        )
    except KeyError as error:
        raise SizeUnknown(f"{folder / 'config.json'}: does not say {error}") from error


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of a safetensors file's tensors by name, read from its header alone.

    Raises:
        SizeUnknown: It is no safetensors file.
    """
    try:
        with file.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        return {name: tuple(one["shape"]) for name, one in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, MemoryError, OverflowError) as error:
        raise SizeUnknown(f"{file}: not a safetensors file: {error}") from error


def _by_formula(config: Mapping[str, Any], text: Mapping[str, Any]) -> int:
    """Matrices of a decoder with gated MLPs, its embeddings, and a vision tower of plain blocks; within a few percent.

    Per layer: queries and outputs `width x width`, keys and values `width x width of the key heads`, three of
    `width x intermediate`.
    """
    width, heads = text["hidden_size"], text["num_attention_heads"]
    keys = width * text.get("num_key_value_heads", heads) // heads
    layer = 2 * width * width + 2 * width * keys + 3 * width * text["intermediate_size"]
    tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))
    embeddings = text["vocab_size"] * width * (1 if tied else 2)
    return int(text["num_hidden_layers"] * layer + embeddings + _vision(config.get("vision_config") or {}))


def _vision(vision: Mapping[str, Any]) -> int:
    width = vision.get("embed_dim") or vision.get("hidden_size") or 0
    blocks = vision.get("depth") or vision.get("num_hidden_layers") or 0
    inner = vision.get("intermediate_size") or width * vision.get("mlp_ratio", 4)
    return int(blocks * (4 * width * width + 2 * width * inner))
