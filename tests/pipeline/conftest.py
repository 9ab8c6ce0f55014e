"""A real `dvc repro` of the smoke preset in a temporary clone, once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.clones import Clone, clone
from tests.pipeline.forks import Forks


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The loop, run once."""
    made = clone(tmp_path_factory.mktemp("loop") / "mathse")
    made.dvc("repro")
    return made


@pytest.fixture(scope="session")
def forks() -> Iterator[Path]:
    """Folder of a `python` whose stages are forks; for loops after the first."""
    with Forks() as running:
        yield running.path


@pytest.fixture
def edited(loop: Clone) -> Iterator[Clone]:
    """The loop, for a test that edits params.yaml; they are put back afterwards."""
    before = (loop.folder / "params.yaml").read_bytes()
    yield loop
    (loop.folder / "params.yaml").write_bytes(before)
