"""Rows of a mix on their way: out of DuckDB as a stream, and written once every check has passed.

Sample: `write(Path("data/mix/1.parquet"), rows, layout.PROBLEMS)` raises `CheckFailed` and leaves the old table in
place where one of `mathse/loop/checks` returns a row.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from mathse.loop.mix_checks import require_sound
from mathse.loop.rendering import MixError
from mathse.tables import schemas, store, views
from mathse.tables.schemas import MixRow, Problem, Row

BATCH_ROWS = 1024

R = TypeVar("R", bound=Row)


def write(file: Path, rows: Iterable[MixRow], problems: Path) -> int:
    """Write a mix once every check has passed.

    Raises:
        CheckFailed: One has not; what was at `file` before is still there.
    """
    return store.write(file, MixRow, rows, check=lambda fresh: check(fresh, problems, named=file))


def check(mix: Path, problems: Path, named: Path | None = None) -> None:
    """Run every check of `mathse/loop/checks` on a mix.

    Args:
        mix: The mix.
        problems: The `problems` table.
        named: What to call the mix in an error, if it is not yet in its place.

    Raises:
        CheckFailed: One returns rows.
    """
    with views.connect({"mix": mix, "problems": problems}) as connection:
        require_sound(connection, str(named or mix))


def records(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream a result, a batch of rows in memory; a table selected by its name is one nested value."""
    reader: pa.RecordBatchReader = connection.sql(sql, params=values or {}).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield from batch.to_pylist()


def parsed(model: type[R], stored: Mapping[str, Any]) -> R:
    """A row as DuckDB gives it, checked; what it has beside the model's fields is left out."""
    return model.model_validate({name: stored[name] for name in model.model_fields})


def problem_of(stored: Mapping[str, Any], path: schemas.Path) -> Problem:
    """The problem that a record has beside a path.

    Raises:
        MixError: There is none: `problems` does not have it.
    """
    if stored["problems"] is None or stored["problems"]["problem_id"] is None:
        raise MixError(
            f"path {path.path_id}: its problem {path.problem_id} is not in `problems`; leave it out of the mix"
        )
    return parsed(Problem, stored["problems"])
