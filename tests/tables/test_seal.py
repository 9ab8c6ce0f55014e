"""A seal: any change of a table's bytes is noticed, and equal rows have equal seals."""

from pathlib import Path

import pytest

from mathse.tables import seal, store
from mathse.tables.schemas import Reject

ROWS = [Reject(source="s", source_id=str(place), reason="duplicate") for place in range(20)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    store.write(tmp_path / "rejects.parquet", Reject, ROWS)
    return tmp_path / "rejects.parquet"


def test_every_byte_of_a_table_is_sealed(table: Path) -> None:
    assert seal.is_whole(table)
    content = table.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        table.write_bytes(changed)
        with pytest.raises(store.StoreError, match=r"(?s)rejects\.parquet: .*`dvc repro`"):
            store.read(table, Reject)
    table.write_bytes(content)
    assert store.read(table, Reject) == sorted(ROWS, key=lambda row: row.source_id)


@pytest.mark.parametrize("length", [0, 1, 4, 8, 12, 100])
def test_what_is_cut_short_or_has_grown_has_no_seal_or_another(table: Path, length: int) -> None:
    content = table.read_bytes()
    for changed in (content[:length], content[: -length - 1], content + bytes(length + 1), content[length + 1 :]):
        table.write_bytes(changed)
        with pytest.raises(store.StoreError, match=r"(?s)rejects\.parquet: .*`dvc repro`"):
            store.require_whole(table)


def test_a_file_of_others_is_not_broken(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no table")
    assert not seal.is_broken(tmp_path / "text")
    with pytest.raises(seal.Unsealed):
        seal.is_whole(tmp_path / "text")
