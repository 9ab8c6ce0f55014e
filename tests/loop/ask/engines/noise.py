"""Small pictures of noise: no two alike, and nothing to see on them."""

import numpy as np
import PIL.Image

from mathse.sources.images import encode
from mathse.tables.schemas import Image


def noise(seed: int, height: int = 112, width: int = 112) -> Image:
    """A picture, the same for a seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return encode(PIL.Image.fromarray(pixels))


IMAGES = [noise(seed) for seed in range(6)]
