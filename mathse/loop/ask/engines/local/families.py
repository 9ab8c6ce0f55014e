"""The model families the loop can be run on, and all that differs between them: the one place for it.

A family is known by the `model_type` of its config.json. One that is not listed works on `DEFAULT`, with a warning:
its vision tower is looked for under the usual names, its images' tokens are counted by its own processor, and their
size can be limited where the processor's settings name a least and a most number of pixels.

What a chat template lacks (a closed turn, an opening token) is a template's matter, not a family's; it is seen to in
`mathse.loop.ask.engines.local.chat`, for every model alike.

Sample: `internvl` has its vision tower at `model.vision_tower`, and cuts an image into tiles of 448 x 448 pixels, of
which `base.image` limits the number.
"""

import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathse.errors import UserError

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]
"""Settings of an image processor, as its file has them."""
Limit = str | Callable[[Settings, int], dict[str, Any]]
"""A key of `base.image` for an image processor: the name of its setting, or what makes its settings from the value."""

TOWERS = ("model.visual", "model.vision_tower", "visual", "vision_tower", "model.vision_model", "vision_model")
"""Where vision towers are found, as families name them."""


class ImageLimitError(UserError):
    """`base.image` asks for what the model's family does not have."""


@dataclass(frozen=True)
class Family:
    """What is particular to a family of models.

    Attributes:
        model_type: As config.json names it.
        vision: Path of the vision tower from the model's root.
        defaults: Settings of the image processor of the family's public checkpoints, and those that the processor
            around it counts an image's tokens by, where a folder does not say.
        limits: Which keys of `base.image` the family has, and how its image processor knows them.
        frames: How often its limits in pixels count an image.
    """

    model_type: str
    vision: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    frames: int = 1

    def limited(self, settings: Settings, limits: Mapping[str, int]) -> dict[str, Any]:
        """The settings of an image processor that change when `base.image` says so.

        Args:
            limits: Values by key of `base.image`.

        Raises:
            ImageLimitError: The family has no such limit, or the least is above the most.
        """
        changes: dict[str, Any] = {}
        allowed = _named_limits(settings) if self == DEFAULT else self.limits
        for key, value in limits.items():
            if key not in allowed:
                known = ", ".join(allowed) or "none"
                raise ImageLimitError(
                    f"base.image.{key}: {self.model_type or 'the model'} has no such limit; it has: {known}"
                )
            limit = allowed[key]
            if not isinstance(limit, str):
                changes |= limit({**self.defaults, **settings}, value)
                continue
            outer, _, inner = limit.partition(".")
            if inner:
                now = {**self.defaults, **settings}
                edges = _sides(now)
                least = now.get("min_pixels") or edges.get("shortest_edge") or edges.get("min_pixels")
                most = now.get("max_pixels") or edges.get("longest_edge") or edges.get("max_pixels")
                size = changes.setdefault(outer, {"shortest_edge": int(least or 0), "longest_edge": int(most or 2**62)})
                size[inner] = value * self.frames
            else:
                changes[outer] = value
        result = {**self.defaults, **settings, **changes}
        low, high = 0, 0
        if "shortest_edge" in changes.get("size", {}):
            low, high = result["size"]["shortest_edge"], result["size"]["longest_edge"]
        elif "min_patches" in result:
            low, high = result["min_patches"], result["max_patches"]
        if changes and low > high:
            raise ImageLimitError(
                f"base.image: the least, {low // self.frames}, is above the most, {high // self.frames}"
            )
        return changes


_QWEN_IMAGES = {
    "patch_size": 14, "merge_size": 2, "size": {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384},
}  # fmt: skip
_GLM_IMAGES = {
    "patch_size": 14, "merge_size": 2, "temporal_patch_size": 2,
    "size": {"shortest_edge": 112 * 112, "longest_edge": 28 * 28 * 60000},
}  # fmt: skip
_INTERN_IMAGES = {
    "size": {"height": 448, "width": 448}, "min_patches": 1, "max_patches": 12, "crop_to_patches": True,
    "image_seq_length": 256,
}  # fmt: skip
_LLAVA_IMAGES = {
    "crop_size": {"height": 336, "width": 336}, "patch_size": 14, "num_additional_image_tokens": 1,
    "vision_feature_select_strategy": "default",
}  # fmt: skip
_QWEN3_IMAGES = {
    "patch_size": 16, "merge_size": 2, "size": {"shortest_edge": 256 * 256, "longest_edge": 4096 * 4096},
}  # fmt: skip
_GEMMA_IMAGES = {"size": {"height": 896, "width": 896}, "image_seq_length": 256}
_ONEVISION_IMAGES = {
    "size": {"height": 384, "width": 384}, "num_image_tokens": 729, "vision_feature_select_strategy": "full",
    "vision_aspect_ratio": "anyres_max_9",
    "image_grid_pinpoints": [[384 * high, 384 * wide] for high in range(1, 7) for wide in range(1, 7)],
}  # fmt: skip
_PIXTRAL_IMAGES = {"patch_size": 14, "spatial_merge_size": 2, "size": {"longest_edge": 1540}}
_SMOL_IMAGES = {"size": {"longest_edge": 4 * 384}, "max_image_size": {"longest_edge": 384}}


def _longest_side(settings: Settings, pixels: int) -> dict[str, Any]:
    """For a processor that knows a longest side alone: no image has more pixels than a square of it."""
    return {"size": {"longest_edge": math.isqrt(pixels)}}


def _tiled_side(settings: Settings, tiles: int) -> dict[str, Any]:
    """For a processor that scales an image and then cuts it: a square of the longest side is so many tiles."""
    return {"size": {"longest_edge": math.isqrt(tiles) * int(settings["max_image_size"]["longest_edge"])}}


_PIXELS: Mapping[str, Limit] = {"min_pixels": "size.shortest_edge", "max_pixels": "size.longest_edge"}
_TILES: Mapping[str, Limit] = {"min_tiles": "min_patches", "max_tiles": "max_patches"}

FAMILIES: Mapping[str, Family] = {
    family.model_type: family
    for family in (
        Family(
            "qwen2_vl", "model.visual", _QWEN_IMAGES, _PIXELS,
        ),
        Family(
            "qwen2_5_vl", "model.visual", _QWEN_IMAGES, _PIXELS,
        ),
        Family(
            "qwen3_vl", "model.visual", _QWEN3_IMAGES, _PIXELS,
        ),
        Family(
            "qwen3_vl_moe", "model.visual", _QWEN3_IMAGES, _PIXELS,
        ),
        Family(
            "qwen3_5", "model.visual", _QWEN3_IMAGES, _PIXELS,
        ),
        Family(
            "qwen3_5_moe", "model.visual", _QWEN3_IMAGES, _PIXELS,
        ),
        Family(
            "internvl", "model.vision_tower", _INTERN_IMAGES, _TILES,
        ),
        Family(
            "glm4v", "model.visual", _GLM_IMAGES, _PIXELS, frames=2,
        ),
        Family(
            "glm4v_moe", "model.visual", _GLM_IMAGES, _PIXELS, frames=2,
        ),
        Family(
            "glm46v", "model.visual", _GLM_IMAGES, _PIXELS, frames=2,
        ),
        Family(
            "llava", "model.vision_tower", _LLAVA_IMAGES,
        ),
        Family(
            "llava_onevision", "model.vision_tower", _ONEVISION_IMAGES,
        ),
        Family(
            "gemma3", "model.vision_tower", _GEMMA_IMAGES,
        ),
        Family(
            "mistral3", "model.vision_tower", _PIXTRAL_IMAGES, {"max_pixels": _longest_side},
        ),
        Family(
            "smolvlm", "model.vision_model", _SMOL_IMAGES, {"max_tiles": _tiled_side},
        ),
    )
}  # fmt: skip

DEFAULT = Family("")


def family(model_type: str) -> Family:
    """The family of a `model_type`; `DEFAULT` with a warning if it is not listed."""
    if model_type not in FAMILIES:
        log.warning(
            "model_type %r is not among those the loop was tested with (%s): defaults are used",
            model_type, ", ".join(FAMILIES),
        )  # fmt: skip
    return FAMILIES.get(model_type, DEFAULT)


def family_of(folder: Path) -> Family:
    """The family of a model folder, by its config.json."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return family(str(config.get("model_type", "")))


def image_settings(folder: Path) -> dict[str, Any]:
    """The settings of a folder's image processor, with those that the processor around it has for images.

    Empty where the folder holds neither `processor_config.json` nor `preprocessor_config.json`.
    """
    files = folder / "processor_config.json", folder / "preprocessor_config.json"
    whole, images = (json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {} for file in files)
    around = {key: value for key, value in whole.items() if not isinstance(value, dict)}
    return {**images, **whole.get("image_processor", {}), **around}


def _named_limits(settings: Settings) -> Mapping[str, Limit]:
    """The limits of a processor that nobody has listed, by the names of its settings."""
    size = _sides(settings)
    # Some processors name an image's sides by the words by which others name its area.
    areas = {"shortest_edge", "longest_edge"} <= size.keys() and size["longest_edge"] > 2**16
    if areas or {"min_pixels", "max_pixels"} <= {**settings, **size}.keys():
        return _PIXELS
    if size.keys() == {"longest_edge"}:
        return {"max_pixels": _longest_side}
    return _TILES if {"min_patches", "max_patches"} <= settings.keys() else {}


def _sides(settings: Settings) -> Settings:
    """What `size` names; older processors write one number there, which names nothing."""
    size = settings.get("size")
    return size if isinstance(size, Mapping) else {}


def vision_tower(model: Any) -> "nn.Module | None":
    """The vision tower of a loaded model; None if it is not found.

    Args:
        model: With or without the wrapper of an adapter (peft).
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    listed = FAMILIES.get(inner.config.model_type, DEFAULT).vision
    for path in filter(None, (listed, *TOWERS)):
        tower: nn.Module | None = inner
        for name in path.split("."):
            tower = getattr(tower, name, None)
        if tower is not None:
            return tower
    return None
