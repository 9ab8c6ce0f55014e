"""The row that an id stands for."""

from pathlib import Path

import pytest

from mathse import layout
from mathse.look.ids import Match, RowNotFound, lookup
from mathse.tables import store
from mathse.tables.schemas import Feedback, Origin, Prediction, Split, Verdict
from tests import rows


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


def test_a_row_that_only_belongs_to_a_path_or_problem_leads_to_it(run: Path) -> None:
    origin = Origin(problem_id="1abc1", source="figures", source_id="1", licence="MIT", split=Split.TRAIN)
    store.write(run / layout.orm_feedback("orm"), Feedback, [rows.feedback("roll", "1abc1")])
    store.write(run / layout.ORIGINS, Origin, [origin])
    (annotation,) = store.read(run / layout.orm_feedback("orm"), Feedback)
    (stored,) = store.read(run / layout.ORIGINS, Origin)
    assert lookup(run, annotation.row_hash) == Match("path", "roll", "1abc1")
    assert lookup(run, stored.row_hash[:12]) == Match("problem", "1abc1", "1abc1")


@pytest.mark.parametrize("name", ["1abc", "mathvista/1"])
def test_where_there_are_no_tables_that_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(RowNotFound, match="there are no tables here yet"):
        lookup(tmp_path, name)
