"""Print the rows of a query: as a table for people, as CSV or as JSON lines for programs."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

Cells = Iterable[Sequence[Any]]


def as_table(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print rows as a table that fits the terminal; nulls are blank."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    Console(file=out, markup=False, highlight=False, emoji=False).print(table)


def as_csv(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print a header and rows as CSV (RFC 4180, but with line feeds); nulls are empty."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(cell) for cell in row] for row in rows)


def as_json(columns: Sequence[str], rows: Cells, out: TextIO) -> None:
    """Print one JSON object a row, keys in the query's order."""
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
