"""How many tokens an image takes in a model's prompt: each family's rule, in plain arithmetic.

A rule reads the settings of the model's image processor (`processor_config.json` or `preprocessor_config.json`) and
needs no model, so that a run can be planned before a model is there. Tests hold every rule to the processor itself.

Sample: 448 x 336 pixels under `resized` with patches of 14 pixels, merged 2 x 2: 16 x 12 = 192 tokens.
"""

import math
from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]
"""Settings of an image processor, as its file has them."""


def resized(height: int, width: int, settings: Settings) -> int:
    """Qwen2-VL, Qwen2.5-VL: the image keeps its shape and is scaled into a range of pixels (arXiv 2409.12191, 2.1).

    Args:
        height: In pixels.
        width: In pixels.
        settings: `patch_size`, `merge_size` and the range, `size.shortest_edge` to `size.longest_edge` (in pixels of
            area, in spite of their names) or `min_pixels` to `max_pixels`.
    """
    step = settings["patch_size"] * settings["merge_size"]
    least, most = pixel_range(settings)
    return _cells(height, width, step, least, most, frames=1)


def resized_frames(height: int, width: int, settings: Settings) -> int:
    """GLM-4.1V: as `resized`, but the range counts an image as the two frames of a still video."""
    step = settings["patch_size"] * settings["merge_size"]
    grown = max(1.0, step / height, step / width)
    least, most = pixel_range(settings)
    frames = settings.get("temporal_patch_size", 2)
    return _cells(int(height * grown), int(width * grown), step, least, most, frames)


def tiled(height: int, width: int, settings: Settings) -> int:
    """InternVL: cut into tiles of one size, with a thumbnail if there are two or more (arXiv 2412.05271, 3.1).

    Args:
        height: In pixels.
        width: In pixels.
        settings: `size.height` and `size.width` of a tile, `min_patches` and `max_patches` tiles an image,
            `crop_to_patches`, and `image_seq_length` tokens a tile.

    Returns:
        Tokens of all tiles, and the two that open and close the image.
    """
    tiles = _tiles(height, width, settings) if settings.get("crop_to_patches", True) else 1
    return int(settings.get("image_seq_length", 256)) * (tiles + (tiles > 1)) + 2


def fixed(height: int, width: int, settings: Settings) -> int:
    """LLaVA: every image is brought to one size; one token a patch (arXiv 2310.03744).

    Args:
        height: In pixels; does not matter.
        width: In pixels; does not matter.
        settings: `crop_size` of the image, and the processor's `patch_size`, `num_additional_image_tokens` and
            `vision_feature_select_strategy` (`default` drops the first token).
    """
    side, patch = settings["crop_size"], settings["patch_size"]
    dropped = settings.get("vision_feature_select_strategy") == "default"
    patches = (side["height"] // patch) * (side["width"] // patch)
    return int(patches + settings.get("num_additional_image_tokens", 0) - dropped)


def pixel_range(settings: Settings) -> tuple[int, int]:
    """The least and the most pixels to which an image is scaled."""
    size = settings.get("size") or {}
    least = settings.get("min_pixels") or size.get("shortest_edge") or size.get("min_pixels")
    most = settings.get("max_pixels") or size.get("longest_edge") or size.get("max_pixels")
    return int(least or 0), int(most or 2**62)


def _cells(height: int, width: int, step: int, least: int, most: int, frames: int) -> int:
    """Cells of `step` pixels after the image was scaled into the range; one token each."""
    rows, columns = round(height / step), round(width / step)
    area = rows * columns * step * step * frames
    if area > most:
        shrink = math.sqrt(frames * height * width / most)
        rows, columns = (max(1, math.floor(side / shrink / step)) for side in (height, width))
    elif area < least:
        grow = math.sqrt(least / (frames * height * width))
        rows, columns = (math.ceil(side * grow / step) for side in (height, width))
    return rows * columns


def _tiles(height: int, width: int, settings: Settings) -> int:
    """The grid whose shape is nearest the image's; of equally near ones the larger, while it is not half empty."""
    tile = settings["size"]["height"] * settings["size"]["width"]
    least, most = settings.get("min_patches", 1), settings.get("max_patches", 12)
    sides = range(1, most + 1)
    grids = [(columns, rows) for columns in sides for rows in sides if least <= columns * rows <= most]
    best, nearest = (1, 1), math.inf
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        distance = abs(width / height - columns / rows)
        fills = height * width > 0.5 * tile * columns * rows
        if distance < nearest or (distance == nearest and fills):
            best, nearest = (columns, rows), distance
    return best[0] * best[1]
