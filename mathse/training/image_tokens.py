"""Tokens that stand for images: how many a size of image takes, and whether an example's images arrive whole.

A model adds an image's features to the tokens that stand for it. Where a processor or a limit on the length drops some
of these tokens, the training ends with an error in its midst, or goes on with a wrong picture.
"""

from collections.abc import Mapping
from typing import Any


def tokens_of_size(processor: Any, height: int, width: int) -> int | None:
    """Tokens of an image of so many pixels, by the processor's own rule; None where it has none or refuses the shape.

    vLLM asks the same method, so it is kept in step with what the processor does. Most count the tokens that open and
    close an image too.
    """
    count = getattr(processor, "_get_num_multimodal_tokens", None)
    try:
        return None if count is None else int(count(image_sizes=[(height, width)])["num_image_tokens"][0])
    except ValueError:
        return None


def token_id(config: Any, processor: Any) -> int | None:
    """The token that stands for an image's features, as the model's configuration or the processor names it."""
    named = getattr(config, "image_token_id", None)
    return getattr(processor, "image_token_id", None) if named is None else named


class ImageTokens:
    """Counts the tokens that stand for images in a batch."""

    def __init__(self, processor: Any, token_id: int | None) -> None:
        """Remember which token it is.

        Args:
            token_id: Stands for one of an image's features; None: unknown, and nothing is counted.
        """
        self._processor, self.token_id = processor, token_id

    def needed_length(self, batch: Mapping[str, Any]) -> list[int]:
        """How many of its first tokens each row cannot do without: those up to its last image's end.

        Args:
            batch: With `input_ids` `(rows, length)`, padded on the right.
        """
        if self.token_id is None:
            return [0] * len(batch["input_ids"])
        places = (batch["input_ids"] == self.token_id).cumsum(1)
        counts = [row.tolist() for row in places]
        return [row.index(row[-1]) + 1 if row[-1] else 0 for row in counts]

    def count(self, batch: Mapping[str, Any]) -> tuple[int, int] | None:
        """How many tokens stand for images in a batch, and how many its images need; None where that is unknown."""
        needed = self._features(batch)
        if needed is None or self.token_id is None:
            return None
        return int((batch["input_ids"] == self.token_id).sum()), needed

    def _features(self, batch: Mapping[str, Any]) -> int | None:
        """Features that a batch's images will have, by what the processor made of them."""
        processor, pixels = self._processor, batch.get("pixel_values")
        if pixels is None:
            return 0
        if "image_grid_thw" in batch:  # Qwen-VL, GLM-4V: patches by time, row and column, merged in squares
            merged = processor.image_processor.merge_size**2
            return int((batch["image_grid_thw"].prod(-1) // merged).sum())
        if hasattr(processor, "image_seq_length"):  # InternVL: so many a tile
            return int(pixels.shape[0] * processor.image_seq_length)
        strategy = getattr(processor, "vision_feature_select_strategy", None)
        if getattr(processor, "patch_size", None) and strategy and pixels.ndim == 4:  # LLaVA: a patch each, one for all
            patches = (pixels.shape[-2] // processor.patch_size) * (pixels.shape[-1] // processor.patch_size)
            more = processor.num_additional_image_tokens - (strategy == "default")
            return int(pixels.shape[0] * (patches + more))
        return None
