"""Several image tables as one: a model that is measured is shown the run's own images and those of the benchmarks.

Sample: `ImageStores([ImageStore(layout.IMAGES, ...), ImageStore(layout.BENCHMARK_IMAGES, ...)]).load("9f86d081...")`
"""

from collections.abc import Sequence
from typing import Protocol

import PIL.Image

from mathse.tables.images import MISSING, ImageError, Images, ImageStore

BENCHMARK_PIXELS = 20_000_000
"""The most an image of a benchmark may have: MathVista has pictures of 18 million pixels."""


class StoredImages(Images, Protocol):
    """Images by id, decoded or as they were stored."""

    @property
    def max_pixels(self) -> int:
        """Images above are refused undecoded."""

    def encoded(self, image_id: str) -> bytes:
        """The image's file, undecoded.

        Raises:
            ImageError: `missing image`.
        """
        ...


class ImageStores:
    """The first table that has an image gives it, within that table's own limit of pixels."""

    def __init__(self, stores: Sequence[ImageStore]) -> None:
        self._stores = stores

    @property
    def max_pixels(self) -> int:
        """The largest of the tables' limits."""
        return max(store.max_pixels for store in self._stores)

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: It is missing, unreadable or too large.
        """
        return self._with(image_id).load(image_id)

    def encoded(self, image_id: str) -> bytes:
        """The image's file, undecoded.

        Raises:
            ImageError: `missing image`.
        """
        return self._with(image_id).encoded(image_id)

    def _with(self, image_id: str) -> ImageStore:
        holder = next((store for store in self._stores if image_id in store), None)
        if holder is None:
            raise ImageError(
                MISSING, f"{image_id} is in none of {', '.join(str(store.file) for store in self._stores)}"
            )
        return holder
