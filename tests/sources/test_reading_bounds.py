"""What a small Parquet file can become: a row, or a reject that says why not, in bounded memory."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse.sources import reading
from mathse.sources.rows.raw import Damaged, SourceRow

ROOT = Path(__file__).parents[2]
READ = """
import sys
from pathlib import Path
from mathse.sources import reading
for row in reading.rows(Path(sys.argv[1])):
    print(getattr(row, "reason", "a row"))
(most,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(most.split()[1]) // 1024)
"""
MEBIBYTES = 600
BOMBS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "one text in many rows": (["0" * 4_000_000] * 300, {}, "a row"),
    "different texts": ([f"{n}{'0' * 4_000_000}" for n in range(100)], {"use_dictionary": False}, "unreadable file"),
    "a list of one text": ([["0" * 1000] * 1_000_000], {}, "row too large"),
    "a list of lists": ([[["0" * 1000] * 1000] * 500], {}, "row too large"),
    "a list of objects": ([[{"role": "user", "content": "0" * 1000}] * 500_000], {}, "row too large"),
    "numbers": ([[1] * 5_000_000], {}, "row too large"),
}


@pytest.mark.parametrize(("values", "settings", "reason"), BOMBS.values(), ids=BOMBS)
def test_a_small_file_stays_small_in_memory(
    values: list[Any], settings: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"question": values}), file, compression="zstd", **settings)
    assert file.stat().st_size < 2**20
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    read = subprocess.run(
        [sys.executable, "-c", READ, file], env=environment, capture_output=True, text=True, check=True
    )
    *outcomes, memory = read.stdout.splitlines()
    assert {*outcomes} == {reason}
    assert int(memory) < MEBIBYTES


def test_rows_beside_a_bomb_are_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    rows = [{"id": 1, "parts": ["a", "b"]}, {"id": 2, "parts": ["0" * 1000] * 500_000}, {"id": 3, "parts": ["c"]}]
    pq.write_table(pa.Table.from_pylist(rows), file, compression="zstd")
    first, second, third = reading.rows(file)
    assert [row.fields for row in (first, third) if isinstance(row, SourceRow)] == [rows[0], rows[2]]
    assert isinstance(second, Damaged)
    assert (second.place, second.reason) == ("rows.parquet:1", "row too large")


def test_large_rows_that_are_not_packed_are_read(tmp_path: Path) -> None:
    file = tmp_path / "images.parquet"
    rows = [{"images": [{"bytes": os.urandom(3_000_000), "path": "1.png"}] * 3} for _ in range(20)]
    pq.write_table(pa.Table.from_pylist(rows), file)
    assert [row.fields for row in reading.rows(file) if isinstance(row, SourceRow)] == rows
