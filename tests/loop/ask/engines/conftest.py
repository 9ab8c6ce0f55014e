"""Fixtures that tests of several engines share."""

import pytest

from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image
from tests.loop.ask.engines.noise import IMAGES


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """A table of small pictures."""
    file = tmp_path_factory.mktemp("images") / "images.parquet"
    store.write(file, Image, IMAGES)
    return ImageStore(file, max_pixels=10**6)
