"""A thousand mutated tables against what datacompy 1.1.0 counts in them (recorded by `benchmarks/diff.py --record`)."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.diff.mutations import CASES, KEY, VALUES, both
from tests.diff.tables import written

RECORDED = Path(__file__).parent / "datacompy.json"


def counted(folder: Path, old: pl.DataFrame, new: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The table of changes."""
    old.write_parquet(folder / "old.parquet")
    new.write_parquet(folder / "new.parquet")
    return written(folder / "old.parquet", folder / "new.parquet", *key)[1]


def numbers(found: pl.DataFrame, new_rows: int) -> list[int]:
    """Rows changed, added, removed and equal, then how many differ in each column: the order of the record."""
    changed, added, removed = (
        found.filter(pl.col("change") == kind).height for kind in ("changed", "added", "removed")
    )
    differing = [int(found["changed_columns"].list.contains(name).sum()) for name in VALUES]
    return [changed, added, removed, new_rows - changed - added, *differing]


def test_every_count_is_datacompys(tmp_path: Path) -> None:
    old, new = both()
    found = counted(tmp_path, old, new, ("case", *KEY)).partition_by("case", as_dict=True)
    rows = new.partition_by("case", as_dict=True)
    empty = next(iter(found.values())).clear()
    ours = [numbers(found.get((case,), empty), rows.get((case,), new.clear()).height) for case in range(CASES)]
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert ours == recorded
    assert len(recorded) == CASES
    assert sum(case[0] > 0 and case[1] > 0 and case[2] > 0 for case in recorded) > 300


@pytest.mark.parametrize("case", range(0, CASES, 50))
def test_a_case_alone_is_what_it_is_among_others(tmp_path: Path, case: int) -> None:
    old, new = (table.filter(pl.col("case") == case).drop("case") for table in both(case + 1))
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert numbers(counted(tmp_path, old, new, KEY), new.height) == recorded[case]
