"""How large a model is: from the table of known checkpoints, from a folder's weight files, or from its configuration.

No weights are read: a safetensors file tells its tensors' shapes in its first bytes.

Sample: `Qwen/Qwen2-VL-7B-Instruct` has 8.29 billion parameters in 28 layers of width 3584 and a vocabulary of 152,064.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    """The size of a model folder: of its weight files or, if it has none, of a model built by its configuration.

    Raises:
        SizeUnknown: There is no config.json, or it has no sizes.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SizeUnknown(f"{folder}: not a model folder, config.json is missing") from error
    text = config.get("text_config") or config
    try:
        width, layers, vocabulary = text["hidden_size"], text["num_hidden_layers"], text["vocab_size"]
    except KeyError as error:
        raise SizeUnknown(f"{folder / 'config.json'}: does not say {error}") from error
    shapes = [shape for shard in sorted(folder.glob("*.safetensors")) for shape in tensor_shapes(shard).values()]
    return Size(
        model_type=str(config.get("model_type", "")),
        parameters=sum(map(math.prod, shapes)) or _configured_parameters(folder),
        layers=layers,
        width=width,
        vocabulary=vocabulary,
        context=text.get("max_position_embeddings", 32_768),
    )


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of a safetensors file's tensors by name, read from its header alone.

    Raises:
        SizeUnknown: It is no safetensors file.
    """
    try:
        with file.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        return {name: tuple(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, MemoryError, OverflowError) as error:
        raise SizeUnknown(f"{file}: not a safetensors file: {error}") from error


def _configured_parameters(folder: Path) -> int:
    """Parameters of a model of this configuration; torch's `meta` device gives it shapes and no memory."""
    import torch

    from mathse.loop.ask.engines.local import loading  # noqa: F401 (makes torchvision importable)

    from transformers import AutoConfig, AutoModelForImageTextToText  # isort: skip

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config)
    except (ValueError, KeyError) as error:
        raise SizeUnknown(f"{folder}: has no weights, and no model can be built by its config.json: {error}") from error
    model.tie_weights()
    return int(model.num_parameters())
