"""Query the tables in SQL and print the rows: as a table for people, as CSV or as JSON lines for programs."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import duckdb

from mathse import terminal
from mathse.errors import UserError, described
from mathse.limits import bounded_memory
from mathse.look import catalogue
from mathse.report import columns
from mathse.tables import views

ROWS_SHOWN = 100
"""Rows of a table for people, if no limit is given; what is printed for programs is never cut."""

LARGEST = 2**20
"""Bytes of a file with a statement."""

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


def statement(file: Path) -> str:
    """The statement that a file holds.

    Raises:
        UserError: It cannot be read, or has more than `LARGEST` bytes.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UserError(f"{file}: more than {LARGEST:,} bytes; a query of `mathse query -f` is one statement")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read as SQL ({described(error)})") from error


def as_table(heads: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print rows as a table, or one below the other where it is too wide; numbers end at the right, nulls are blank."""
    cells = [list(row) for row in rows]
    numbers = [_are_numbers(row[place] for row in cells) for place in range(len(heads))]
    shown = [[terminal.visible(_text(cell)) for cell in row] for row in cells]
    print(
        *columns.texts([terminal.visible(head) for head in heads], shown, terminal.width(out), numbers),
        sep="\n",
        file=out,
    )


def _are_numbers(cells: Iterable[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) for cell in known)


def as_csv(heads: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print a header and rows as CSV (RFC 4180, but with line feeds); nulls are empty."""
    writer = csv.writer(terminal.faithful(out), lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_text(cell) for cell in row] for row in rows)


def as_json(heads: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print one JSON object per row, keys in the query's order."""
    for row in rows:
        cells = dict(zip(heads, row, strict=True))
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
