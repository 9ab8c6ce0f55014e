"""What a step leaves unsolved: the paper's D_remain, which the next step asks about.

In: problems, the step's mix, paths and verdicts, and the remaining problems before. Out: one row per training problem
that no row of the mix solves, with all its wrong paths, the newest step's first, and what the judge said of them:

    problem_id c3d0...
    wrong      [{"path_id": "77e2...", "step": "1", "sample_idx": 0, "text": "...", "error_step": "Step 2", ...}, ...]

A rollout asks about these problems again; a reflection is shown their wrong paths.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mathse.tables import store
from mathse.tables.schemas import Remaining, WrongPath

SQL = Path(__file__).with_name("remaining.sql")
BATCH_ROWS = 1024


def write(connection: duckdb.DuckDBPyConnection, step: str, file: Path) -> int:
    """Write the problems that a step leaves unsolved.

    Args:
        connection: Has the step's views, those of `candidates.sql`, and its `mix`.
        step: The step.
        file: Where the table goes.

    Returns:
        How many problems remain.
    """
    sql = SQL.read_text(encoding="utf-8")
    # One row per wrong path, in order: DuckDB sorts on disk what it cannot in memory, but gathers lists in memory only.
    reader: pa.RecordBatchReader = connection.sql(sql, params={"step": step}).to_arrow_reader(BATCH_ROWS)
    stored = (row for batch in reader for row in batch.to_pylist())
    return store.write(file, Remaining, _problems(stored))


def _problems(rows: Iterator[dict[str, Any]]) -> Iterator[Remaining]:
    for problem_id, own in groupby(rows, key=lambda row: str(row.pop("problem_id"))):
        wrong = tuple(WrongPath(**row) for row in own if row["path_id"] is not None)
        yield Remaining(problem_id=problem_id, wrong=wrong)
