"""Sample problems with their images, for a contact sheet: the run's own, or figures drawn now where there are none."""

from pathlib import Path

from mathse import layout
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.synthetic.sheet import chosen
from mathse.tables import store
from mathse.tables.images import stored
from mathse.tables.schemas import Image, Problem

FRESH = FigureSource(name="figures", seed=0, train=600, orm=1, test=1)
"""Enough that every family comes in every level."""


def of_run(root: Path) -> tuple[list[Problem], dict[str, Image]]:
    """Problems that a contact sheet shows, and their images by id.

    Args:
        root: The project's root.

    Raises:
        StoreError: A table is damaged, or the images are missing while the problems are there.
    """
    if not (root / layout.PROBLEMS).exists():
        problems, images = figures.load(FRESH)
        return problems, {image.image_id: image for image in images}
    shown = chosen(store.scan(root / layout.PROBLEMS, Problem))
    wanted = {image_id for problem in shown for image_id in problem.image_ids}
    return shown, stored(root / layout.IMAGES, wanted)
