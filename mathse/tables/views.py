"""SQL over the tables: every Parquet file a view, read by DuckDB, with nothing else within its reach.

A connection may read the files of its views and no others, write none, load no extension and change no setting, so
that a mix or a question written by somebody else can be run without fear. One thread, unless more are asked for: equal
questions of equal tables get equal answers, row for row.

    with opened({"mix": Path("data/mix/0.parquet")}) as connection:
        query(connection, "select kind, count(*) from mix group by all").rows   -> ("distilled", 174)
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from mathse import layout
from mathse.errors import HOW_TO_GET, UserError
from mathse.tables import store
from mathse.tables.files import is_running

MEMORY_LIMIT = "2GB"
"""Beyond this, DuckDB spills to `.mathse/duckdb`."""
FETCHED_ROWS = 1024


class QueryError(UserError):
    """A table is missing or unreadable, or a query cannot be run; carries DuckDB's own explanation."""


@dataclass(frozen=True)
class Answer:
    """What a query returned.

    Attributes:
        columns: Names, in the query's order.
        rows: One tuple per row, fetched as they are taken.
    """

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def connect(
    views: Mapping[str, Path | tuple[Path, ...]],
    threads: int = 1,
    memory: str | None = None,
    unverified: Collection[str] = (),
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with a view on each table, closed to everything else.

    Args:
        views: Parquet files by view name; several with the same columns are one view.
        threads: With more than one, rows without an order come as they are found.
        memory: Beyond this, DuckDB spills to `.mathse/duckdb`; `MEMORY_LIMIT` if None.
        unverified: Views of files that are not tables of this project, or whose rows nobody will read. All others are
            verified first: DuckDB compares no checksum, and would give other rows of a damaged table.

    Raises:
        QueryError: A file is missing or damaged; names it.
    """
    ordered = threads == 1
    config: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory or MEMORY_LIMIT,
        "preserve_insertion_order": ordered,
    }
    connection = duckdb.connect(":memory:", config=config)
    # Without these, DuckDB would fetch extensions from the network when a query mentions one.
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    spill = layout.STATE.resolve() / "duckdb"
    with suppress(OSError):  # in a read-only project, only what does not fit in memory fails
        spill.mkdir(parents=True, exist_ok=True)
        for folder in spill.iterdir():
            if not is_running(folder.name):  # of a process that was killed
                shutil.rmtree(folder, ignore_errors=True)
    # A folder of this process alone, as DuckDB's temporary files have the same names in each; made when needed.
    spill /= str(os.getpid())
    connection.execute(f"set timezone = 'UTC'; set temp_directory = {literal(str(spill))}")
    allowed: list[str] = []
    for name, place in views.items():
        files = place if isinstance(place, tuple) else (place,)
        for file in files:
            if not file.is_file():
                raise QueryError(f"{file}: not found; {HOW_TO_GET}")
            if name not in unverified:
                try:
                    store.require_whole(file)
                except store.StoreError as error:
                    raise QueryError(str(error)) from error
        source = ", ".join(literal(str(file.resolve())) for file in files)
        try:
            connection.execute(f"create view {identifier(name)} as select * from read_parquet([{source}])")
        except duckdb.Error as error:
            raise QueryError(f"{files[0]}: cannot be read ({error}); delete it and run `dvc repro`") from error
        allowed.append(source)
    connection.execute(f"set allowed_paths = [{', '.join(allowed)}]")
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


@contextmanager
def opened(
    views: Mapping[str, Path | tuple[Path, ...]], threads: int = 1, memory: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `connect`, closed after the block.

    Raises:
        QueryError: A table cannot be read, or there is no room for what does not fit in memory.
    """
    with connect(views, threads, memory) as connection:
        try:
            yield connection
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise QueryError(f"a table cannot be read, or the disk is full: {error}") from error


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run one SELECT (or `from ...`, `describe ...`, `show tables`, `summarize ...`).

    Raises:
        QueryError: It is none or more than one statement, changes something, or fails.
    """
    select_statement(sql, "query")
    with _explained("query"):
        result = connection.execute(sql)
    return Answer([column[0] for column in result.description or ()], _fetched(result))


def dicts(result: duckdb.DuckDBPyConnection, most: int | None = None) -> list[dict[str, Any]]:
    """The rows of a result by column; the first so many where there is a limit."""
    columns = [column[0] for column in result.description or ()]
    rows = result.fetchall() if most is None else result.fetchmany(most)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def records(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream the rows of a result by column, a batch in memory; a table selected by its name is one nested value."""
    reader: pa.RecordBatchReader = connection.sql(sql, params=values or {}).to_arrow_reader(FETCHED_ROWS)
    for batch in reader:
        yield from batch.to_pylist()


def select_statement(sql: str, name: str) -> duckdb.Statement:
    """The one SELECT that `sql` consists of.

    Args:
        name: What to call it in an error, such as its file.

    Raises:
        QueryError: It does not parse, or is not one SELECT.
    """
    with _explained(name):
        statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        found = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise QueryError(f"{name}: must be one SELECT statement, which reads and changes nothing; found {found}")
    return statements[0]


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    with _explained("query"):
        while rows := result.fetchmany(FETCHED_ROWS):
            yield from rows


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise QueryError(f"{name}: takes more than the {MEMORY_LIMIT} there are; ask for less at once") from error
    except duckdb.Error as error:
        raise QueryError(f"{name}: {error}") from error


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name of a view or column in SQL."""
    return '"' + name.replace('"', '""') + '"'
