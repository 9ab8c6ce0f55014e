"""SQL over the tables: every Parquet file a view, read by DuckDB, with nothing else within its reach.

A connection may read the files of its views and no others, write none, load no extension and change no setting, so
that a mix or a question written by somebody else can be run without fear. One thread, unless more are asked for: equal
questions of equal tables get equal answers, row for row.

    problems, images, origins, rejects          the problems, whence they came, and what could not become one
    benchmark_items, benchmark_rejects          the public benchmarks that models are measured on
    distill_paths, round_1_verdicts, ...        each step's tables
    mix_0, mix_final, eval_base, ...            what each model was trained on, what it answered
    paths, verdicts, predictions                the same over all steps, with a column that names the step or model
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mathse import layout
from mathse.errors import UserError

MEMORY_LIMIT = "2GB"
"""Beyond this, DuckDB spills to `.mathse/duckdb`."""
FETCHED_ROWS = 1024

_FIXED = {
    "problems": layout.PROBLEMS,
    "images": layout.IMAGES,
    "rejects": layout.REJECTS,
    "leaks": layout.LEAKS,
    "origins": layout.ORIGINS,
    "benchmark_items": layout.BENCHMARK_ITEMS,
    "benchmark_images": layout.BENCHMARK_IMAGES,
    "benchmark_rejects": layout.BENCHMARK_REJECTS,
    "student_paths": layout.STUDENT_PATHS,
    "student_mix": layout.STUDENT_MIX,
    "orm_paths": layout.ORM_PATHS,
    "orm_feedback": layout.ORM_FEEDBACK,
    "orm_mix": layout.ORM_MIX,
    "orm_held_out": layout.ORM_HELD_OUT,
    "orm_verdicts": layout.ORM_VERDICTS,
}
_UNIONS = {
    "paths": ("step", "", "_paths"),
    "verdicts": ("step", "", "_verdicts"),
    "predictions": ("model_name", "eval_", ""),
}
"""A view over all steps: the column that names the step, and what stands before and after that name in its views."""


class QueryError(UserError):
    """A table is missing or unreadable, or a query cannot be run; carries DuckDB's own explanation."""


@dataclass(frozen=True)
class Answer:
    """What a query returned.

    Attributes:
        columns: Names, in the query's order.
        rows: One tuple a row, fetched as they are taken.
    """

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def connect(views: Mapping[str, Path], threads: int = 1, memory: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with a view on each table, closed to everything else.

    Args:
        views: Parquet files by view name.
        threads: With more than one, rows without an order come as they are found.
        memory: Beyond this, DuckDB spills to `.mathse/duckdb`; `MEMORY_LIMIT` if None.

    Raises:
        QueryError: A file is missing or is not Parquet; names it.
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
    connection.execute(f"set timezone = 'UTC'; set temp_directory = {_literal(str(_spill_folder()))}")
    for name, file in views.items():
        _add_view(connection, name, file)
    files = ", ".join(_literal(str(file.resolve())) for file in views.values())
    connection.execute(f"set allowed_paths = [{files}]")
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


def connect_project(root: Path) -> duckdb.DuckDBPyConnection:
    """Open every table below `root`, and the views over all steps: `paths`, `verdicts`, `predictions`.

    Raises:
        QueryError: A table is not Parquet.
    """
    tables = all_tables(root)
    connection = connect(tables)
    for union, (column, before, after) in _UNIONS.items():
        members = [name for name in tables if name.startswith(before) and name.endswith(after)]
        selects = [
            f"select {_literal(name.removeprefix(before).removesuffix(after))} as {column}, * from {_identifier(name)}"
            for name in members
        ]
        if selects:
            connection.execute(f"create view {union} as {' union all by name '.join(selects)}")
    return connection


def all_tables(root: Path) -> dict[str, Path]:
    """Every table that exists below `root`, by view name, in the order of the loop."""
    tables = {name: root / file for name, file in _FIXED.items()}
    tables |= _step_tables("distill", root / layout.DISTILL)
    for folder in sorted((root / layout.ROUNDS).glob("*"), key=_in_loop_order):
        tables |= _step_tables(f"round_{folder.name}", folder)
    tables |= _step_tables("reflect", root / layout.REFLECT)
    mixes = sorted((root / layout.MIXES).glob("[!.]*.parquet"), key=_in_loop_order)
    tables |= {f"mix_{file.stem}": file for file in mixes}
    evaluated = sorted((root / layout.EVAL).glob("*"), key=_in_loop_order)
    tables |= {f"eval_{folder.name}": root / layout.predictions(folder.name) for folder in evaluated}
    return {name: file for name, file in tables.items() if file.is_file()}


def table_file(name: str) -> Path | None:
    """Where a view's table lies, relative to the root, whether it exists or not; None if no view can have that name."""
    if name in _FIXED:
        return _FIXED[name]
    if step := re.fullmatch(r"(distill|reflect|round_\d+)_(paths|verdicts)", name):
        folder = layout.step_dir(step[1].removeprefix("round_"))
        return layout.paths(folder) if step[2] == "paths" else layout.verdicts(folder)
    if named := re.fullmatch(r"(mix|eval)_(\w[\w.-]*)", name):
        return layout.mix(named[2]) if named[1] == "mix" else layout.predictions(named[2])
    return None


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run one SELECT (or `from ...`, `describe ...`, `show tables`, `summarize ...`).

    Raises:
        QueryError: It is none or more than one statement, changes something, or fails.
    """
    select_statement(sql, "query")
    with _explained("query"):
        result = connection.execute(sql)
    return Answer([column[0] for column in result.description or ()], _fetched(result))


def select_statement(sql: str, name: str) -> duckdb.Statement:
    """The one SELECT that `sql` consists of.

    Args:
        sql: The text.
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


def _spill_folder() -> Path:
    """A folder of this process alone, as DuckDB's temporary files have the same names in each; made when needed."""
    folder = layout.STATE.resolve() / "duckdb"
    with suppress(OSError):  # in a read-only project, only what does not fit in memory fails
        folder.mkdir(parents=True, exist_ok=True)
    return folder / str(os.getpid())


def _add_view(connection: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    if not file.is_file():
        raise QueryError(f"{file}: not found; make it with `dvc repro`")
    try:
        source = f"read_parquet({_literal(str(file.resolve()))})"
        connection.execute(f"create view {_identifier(name)} as select * from {source}")
    except duckdb.Error as error:
        raise QueryError(f"{file}: cannot be read ({error}); delete it and run `dvc repro`") from error


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    with _explained("query"):
        while rows := result.fetchmany(FETCHED_ROWS):
            yield from rows


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise QueryError(f"{name}: {error}") from error


def _step_tables(step: str, folder: Path) -> dict[str, Path]:
    return {f"{step}_paths": layout.paths(folder), f"{step}_verdicts": layout.verdicts(folder)}


def _in_loop_order(file: Path) -> tuple[int, int, str]:
    """base, 0, 1, ..., 10, then names such as final."""
    name = file.name.removesuffix(".parquet")
    return (0, 0, "") if name == "base" else (1, int(name), "") if name.isdecimal() else (2, 0, name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
