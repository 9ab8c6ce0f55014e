from pathlib import Path

import polars as pl
import pytest

from mathse.diff import changes
from mathse.diff.sides import DiffError, open_side, relate
from mathse.tables import schemas, store
from mathse.tables.schemas import Path as PathRow
from tests import rows
from tests.diff.tables import parquet, written


def name(number: int) -> str:
    return schemas.content_id(number)


def table(file: Path, numbers: range | list[int], changed: tuple[int, ...] = (), ids: bool = True) -> Path:
    made = [
        rows.path(name(number) if ids else f"a{number:04}", text="other" if number in changed else "same")
        for number in numbers
    ]
    store.write(file, PathRow, made)
    return file


def pairs(changes: pl.DataFrame, value: str) -> set[tuple[object, object]]:
    return set(changes.select(f"old_{value}", f"new_{value}").iter_rows())


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("trusted", [True, False])
def test_rows_are_told_apart_by_hashes_as_by_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: bool, trusted: bool
) -> None:
    monkeypatch.setattr("mathse.tables.spill.GROUP_ROWS", 5)
    old = table(tmp_path / "old.parquet", range(0, 60), ids=ids)
    new = table(tmp_path / "new.parquet", [*range(7, 40), *range(50, 73)], changed=(8, 55), ids=ids)
    sides = open_side(old, "old"), open_side(new, "new")
    columns = relate(*sides, trust_hashes=trusted)
    assert columns.hashed == trusted
    with changes.Changes(*sides, columns) as found:
        counts = found.counts()
    assert (counts.changed, counts.added, counts.removed, counts.unchanged) == (2, 13, 17, 41)
    _, made = written(old, new)
    removed = {name(number) if ids else f"a{number:04}" for number in (*range(7), *range(40, 50))}
    assert set(made.filter(change="removed")["path_id"]) == removed


def test_an_empty_table_has_nothing_in_common(tmp_path: Path) -> None:
    empty, full = table(tmp_path / "empty.parquet", []), table(tmp_path / "full.parquet", range(3))
    assert written(empty, full)[0].added == 3
    assert written(full, empty)[0].removed == 3
    assert written(empty, empty)[0].unchanged == 0


def test_a_table_that_repeats_the_keys_it_is_compared_by(tmp_path: Path) -> None:
    old, new = table(tmp_path / "a.parquet", range(4)), table(tmp_path / "b.parquet", range(5), changed=(1,))
    counts, _ = written(old, new, "problem_id")
    assert (counts.duplicates, counts.added) == ((3, 4), 1)
    assert counts.changed + counts.unchanged == 4


def test_equal_keys_are_matched_in_order_and_nulls_with_nulls(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=["b", None, "a", "b"], v=[1, 2, 3, 4])
    new = parquet(tmp_path / "b.parquet", k=["b", "b", "b", None], v=[10, 40, 90, 20])
    counts, made = written(old, new, "k")
    assert pairs(made, "v") == {(1, 10), (2, 20), (4, 40), (3, None), (None, 90)}
    assert made["change"].to_list() == ["changed"] * 3 + ["added", "removed"]
    assert counts.duplicates == (1, 2)


def test_nan_is_a_key_like_any_other(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=[1.0, float("nan")], v=[1, 2])
    assert written(old, old, "k")[0].unchanged == 2


def test_nan_is_itself_whatever_stands_beside_it(tmp_path: Path) -> None:
    """A Parquet file's statistics say nothing of NaN, and a database that goes by them would lose it."""
    nan = float("nan")
    old = parquet(tmp_path / "a.parquet", k=[1.0, nan], v=[nan, 1.0], l=[[nan], [1.0]])
    new = parquet(tmp_path / "b.parquet", k=[nan, 5.0], v=[nan, 9.0], l=[[nan], [9.0]])
    counts, _ = written(old, new, "k")
    assert (counts.changed, counts.added, counts.removed) == (1, 1, 1)
    assert written(old, new, "v")[1]["changed_columns"].to_list() == [["k"], [], []]
    assert written(old, new, "l")[1]["changed_columns"].to_list() == [["k"], [], []]


def test_a_key_that_became_text_is_still_a_key(tmp_path: Path) -> None:
    old, new = parquet(tmp_path / "a.parquet", k=[1, 2], v=[1, 2]), parquet(tmp_path / "b.parquet", k=["2"], v=[3])
    assert pairs(written(old, new, "k")[1], "v") == {(2, 3), (1, None)}


def test_a_key_may_be_a_list(tmp_path: Path) -> None:
    old, new = parquet(tmp_path / "a.parquet", k=[["a"], []]), parquet(tmp_path / "b.parquet", k=[["a"], ["b"]])
    counts, _ = written(old, new, "k")
    assert (counts.unchanged, counts.added, counts.removed) == (1, 1, 1)


def test_columns_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", k=[1], v=[1], V=[2])
    with pytest.raises(DiffError, match="column V has the name of another one"):
        written(file, file, "k")


def test_two_kinds_of_tables_are_refused(tmp_path: Path) -> None:
    paths = table(tmp_path / "a.parquet", range(2))
    store.write(tmp_path / "b.parquet", schemas.Problem, [rows.problem()])
    with pytest.raises(DiffError, match=r"holds Path rows.*--key"):
        written(paths, tmp_path / "b.parquet")
    assert written(paths, tmp_path / "b.parquet", "problem_id")[0].removed == 1
    with pytest.raises(DiffError, match="no column nothing"):
        written(paths, paths, "nothing")


def test_a_foreign_file_needs_a_key(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", k=[1])
    with pytest.raises(DiffError, match="--key COLUMN, of k"):
        written(file, file)
