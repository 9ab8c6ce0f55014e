"""Query the tables in SQL and print the rows: as a table for people, as CSV or as JSON lines for programs."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import duckdb
from rich.table import Table

from mathse import terminal
from mathse.limits import bounded_memory
from mathse.look import catalogue
from mathse.tables import views

ROWS_SHOWN = 100
"""Rows of a table for people, if no limit is given; what is printed for programs is never cut."""

Cells = Iterable[Sequence[Any]]
Writer = Callable[[Sequence[str], Cells, TextIO], None]


def query(root: Path, sql: str, writer: Writer, limit: int | None = None) -> None:
    """Run one statement over the tables of a run and print its rows.

    Args:
        sql: One reading statement.
        writer: `as_table`, `as_csv` or `as_json`.

    Raises:
        UserError: The statement is wrong, or does more than read.
    """
    if limit is None and writer is as_table:
        limit = ROWS_SHOWN
    with bounded_memory(), catalogue.connect(root, sql) as connection:
        try:
            answer = views.query(connection, sql)
        except views.QueryError as error:
            if catalogue.catalogue(root) or not isinstance(error.__cause__, duckdb.CatalogException):
                raise
            raise views.QueryError(f"{error}\n{catalogue.NONE_YET}") from error
        writer(answer.columns, islice(answer.rows, limit), sys.stdout)
        if next(answer.rows, None) is not None:
            terminal.complain(f"first {limit} rows; --limit N prints more")


def as_table(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print rows as a table that fits the terminal; nulls are blank."""
    table = Table(*map(terminal.visible, columns))
    for row in rows:
        table.add_row(*(terminal.visible(_text(cell)) for cell in row))
    terminal.console(out, markup=False, emoji=False).print(table)


def as_csv(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print a header and rows as CSV (RFC 4180, but with line feeds); nulls are empty."""
    writer = csv.writer(terminal.faithful(out), lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(cell) for cell in row] for row in rows)


def as_json(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print one JSON object per row, keys in the query's order."""
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        print(json.dumps(cells, ensure_ascii=False, default=_text), file=out)


def _text(cell: object) -> str:
    """A cell for people; an image's bytes as their number."""
    match cell:
        case None:
            return ""
        case bytes():
            return f"<{len(cell)} bytes>"
        case list() | dict():
            return json.dumps(cell, ensure_ascii=False, default=_text)
        case _:
            return str(cell)
