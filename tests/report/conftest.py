"""The finished run that reports are made of: that of `tests.share`, with every table that a step writes."""

from pathlib import Path

import pytest

from mathse import layout
from mathse.tables import schemas, store
from mathse.tables.schemas import MixRow, PathKind, Status, Verdict
from tests.share.conftest import path, verdict
from tests.share.conftest import run as finished  # noqa: F401  a fixture


@pytest.fixture
def run(finished: Path) -> Path:  # noqa: F811  the fixture
    """The root of a run whose tables are all there."""
    store.write(finished / layout.paths("0"), schemas.Path, [path("dist", PathKind.DISTILLED)])
    store.write(finished / layout.verdicts("0"), Verdict, [verdict("dist", Status.CORRECT)])
    rows = [
        MixRow(path_id=name, problem_id="1abc1", kind=kind, round=0, image_ids=(), prompt=(), completion=())
        for name, kind in (("dist", PathKind.DISTILLED), ("refl", PathKind.REFLECTION))
    ]
    for step, mixed in {"0": rows[:1], "1": rows[:1], "final": rows}.items():
        store.write(finished / layout.mix(step), MixRow, mixed)
    return finished
