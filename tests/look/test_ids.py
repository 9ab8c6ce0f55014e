"""The row that an id stands for."""

from pathlib import Path

import pytest

from mathse import layout
from mathse.look.ids import Match, RowNotFound, lookup
from mathse.tables import store
from mathse.tables.schemas import Prediction, Verdict


def test_any_id_has_its_page(run: Path) -> None:
    (verdict,) = store.read(run / layout.verdicts("final"), Verdict)
    (prediction, _) = store.read(run / layout.predictions("0"), Prediction)
    path = Match("path", "refl", "1abc1")
    for given, match, page in (
        ("ref", path, "/path/refl"),
        (verdict.row_hash[:12], path, "/path/refl"),
        ("1abc", Match("problem", "1abc1", "1abc1"), "/problem/1abc1"),
        (prediction.row_hash, Match("prediction", prediction.row_hash, "2abc2"), "/problem/2abc2"),
    ):
        assert lookup(run, given) == match
        assert match.page == page
    with pytest.raises(RowNotFound, match="benchmark 'mathvista' has no item '1'"):
        lookup(run, "mathvista/1")
