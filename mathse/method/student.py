"""Opens a local model, student or ORM, with the engine that params name."""

from pathlib import Path

from mathse import layout
from mathse.engines.protocol import Engine
from mathse.engines.transformers import TransformersEngine
from mathse.params import Params
from mathse.sources.images import ImageStore


def open_model(folder: Path, batch_size: int, settings: Params) -> Engine:
    """Load the model in `folder`; the problems' images are at hand.

    Raises:
        UserError: The folder holds no model, or there is no image table.
    """
    images = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    return TransformersEngine(folder, images, settings.compute, batch_size)
