"""A real `dvc repro` of the smoke preset in a temporary clone, once for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.pipeline.clones import Clone, clone
from tests.pipeline.forks import Forks


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """The server of forks, for all loops."""
    with Forks() as running:
        yield running


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Clone:
    """The loop, run once; of each kind of stage the first is a process of its own, as it is for a user."""
    made = clone(tmp_path_factory.mktemp("loop") / "mathse", forks=forks.repeated)
    made.dvc("repro")
    return made


@pytest.fixture
def edited(loop: Clone) -> Iterator[Clone]:
    """The loop, for a test that edits params.yaml; they are put back afterwards."""
    before = (loop.folder / "params.yaml").read_bytes()
    yield loop
    (loop.folder / "params.yaml").write_bytes(before)
