from collections.abc import Callable
from pathlib import Path

import pytest

from mathse.tables import store
from mathse.tables.lookup import ProblemLookup, source_ids
from mathse.tables.schemas import Problem
from tests import rows

PROBLEMS = [
    rows.problem(f"p{number}", source_id=f"s{number}", choices=("3", "4"), question="½ ?", solution="long")
    for number in range(5)
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    store.write(tmp_path / "problems.parquet", Problem, PROBLEMS)
    return tmp_path / "problems.parquet"


def test_a_problem_is_found_as_it_was_but_for_its_solution(table: Path) -> None:
    lookup = ProblemLookup(table)
    assert dict(lookup) == {one.problem_id: one.model_copy(update={"solution": None}) for one in PROBLEMS}
    assert len(lookup) == 5
    with pytest.raises(KeyError):
        lookup["p9"]


def test_source_ids(table: Path) -> None:
    assert source_ids(table) == {f"p{number}": f"s{number}" for number in range(5)}


@pytest.mark.parametrize("read", [ProblemLookup, source_ids])
def test_a_missing_table_is_said_at_once(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(store.StoreError, match="not found"):
        read(tmp_path / "problems.parquet")
