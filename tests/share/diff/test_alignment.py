from pathlib import Path

import pytest

from mathse.share.diff import merge
from mathse.share.diff.sides import DiffError
from mathse.tables import schemas, store
from mathse.tables.schemas import Path as PathRow
from tests import rows
from tests.share.diff.tables import aligned, parquet


def name(number: int) -> str:
    return schemas.content_id(number)


def table(file: Path, numbers: range | list[int], changed: tuple[int, ...] = (), ids: bool = True) -> Path:
    made = [
        rows.path(name(number) if ids else f"a{number:04}", text="other" if number in changed else "same")
        for number in numbers
    ]
    store.write(file, PathRow, made)
    return file


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_sorted_tables_are_matched_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: bool, block: int
) -> None:
    monkeypatch.setattr("mathse.tables.spill.GROUP_ROWS", 5)
    monkeypatch.setattr(merge, "RANGE_ROWS", block)
    old = table(tmp_path / "old.parquet", range(0, 60), ids=ids)
    new = table(tmp_path / "new.parquet", [*range(7, 40), *range(50, 73)], changed=(8, 55), ids=ids)
    found = aligned(old, new)
    assert (merge.merged(old, new, "path_id") is not None) == ids
    assert (len(found.old), len(found.added), len(found.removed)) == (2, 13, 17)
    assert found.unchanged == 41
    assert len(set(found.old) | set(found.removed)) == 19


def test_an_empty_table_has_nothing_in_common(tmp_path: Path) -> None:
    empty, full = table(tmp_path / "empty.parquet", []), table(tmp_path / "full.parquet", range(3))
    assert len(aligned(empty, full).added) == 3
    assert len(aligned(full, empty).removed) == 3
    assert aligned(empty, empty).unchanged == 0


def test_what_is_not_sorted_by_digits_is_left_to_the_other_way(tmp_path: Path) -> None:
    keys = [name(number) for number in range(4)]
    file = parquet(tmp_path / "a.parquet", path_id=keys[::-1] + keys, row_hash=keys + keys)
    assert merge.merged(file, file, "path_id") is None
    assert merge.merged(file, file, "missing") is None


def test_equal_keys_are_matched_in_order_and_nulls_with_nulls(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=["b", None, "a", "b"], v=[1, 2, 3, 4])
    new = parquet(tmp_path / "b.parquet", k=["b", "b", "b", None], v=[1, 4, 9, 2])
    found = aligned(old, new, "k")
    assert list(zip(found.old.tolist(), found.new.tolist(), strict=True)) == [(0, 0), (1, 3), (3, 1)]
    assert found.removed.tolist() == [2]
    assert found.added.tolist() == [2]
    assert found.duplicates == (1, 2)


def test_nan_is_a_key_like_any_other(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=[1.0, float("nan")], v=[1, 2])
    assert len(aligned(old, old, "k").old) == 2


def test_a_key_that_became_text_is_still_a_key(tmp_path: Path) -> None:
    old, new = parquet(tmp_path / "a.parquet", k=[1, 2], v=[1, 2]), parquet(tmp_path / "b.parquet", k=["2"], v=[2])
    assert aligned(old, new, "k").new.tolist() == [0]


def test_two_kinds_of_tables_are_refused(tmp_path: Path) -> None:
    paths = table(tmp_path / "a.parquet", range(2))
    store.write(tmp_path / "b.parquet", schemas.Problem, [rows.problem()])
    with pytest.raises(DiffError, match=r"holds Path rows.*--key"):
        aligned(paths, tmp_path / "b.parquet")
    assert len(aligned(paths, tmp_path / "b.parquet", "problem_id").removed) == 1
    with pytest.raises(DiffError, match="no column nothing"):
        aligned(paths, paths, "nothing")


def test_a_foreign_file_needs_a_key(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", k=[1])
    with pytest.raises(DiffError, match="--key COLUMN, of k"):
        aligned(file, file)
