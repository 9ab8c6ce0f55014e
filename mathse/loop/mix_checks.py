"""What no mix may have: queries over a mix that must return no rows, one file of `mathse/loop/checks` each.

    known_images          a row shows the images of its problem
    known_problems        a row is of a problem that `problems` has
    no_duplicate_text     no problem has the same prompt and completion twice
    no_empty_completion   a row has something to learn
    no_test_problem       no row is of a test problem, or shows an image of one
    one_row_per_path      a path is there at most once
    rejected_is_another   the wrong path beside a row says something, and something else

A check sees the views `mix` and `problems`. Whoever adds a file adds a check.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mathse.errors import UserError

CHECKS = Path(__file__).with_name("checks")
SHOWN_ROWS = 3


class CheckFailed(UserError):
    """A mix has rows that a check forbids; names the check and the first of them."""


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        name: The check's file without its ending.
        offenders: The first rows it returned, by column; none if the mix is sound.
    """

    name: str
    offenders: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"check {self.name} failed; first rows: {json.dumps(self.offenders, default=str)}"


def run(connection: duckdb.DuckDBPyConnection) -> Iterator[Checked]:
    """Run every check.

    Args:
        connection: Has the views `mix` and `problems`.
    """
    for file in sorted(CHECKS.glob("*.sql")):
        result = connection.execute(file.read_text(encoding="utf-8"))
        columns = [column[0] for column in result.description or ()]
        yield Checked(file.stem, [dict(zip(columns, row, strict=True)) for row in result.fetchmany(SHOWN_ROWS)])


def require_sound(connection: duckdb.DuckDBPyConnection, mix: str) -> None:
    """Run every check until one fails.

    Args:
        connection: Has the views `mix` and `problems`.
        mix: What to call the mix in the error.

    Raises:
        CheckFailed: One returns rows.
    """
    for checked in run(connection):
        if checked.offenders:
            raise CheckFailed(f"{mix}: {checked}")
