"""What no mix may have: queries over a mix that must return no rows, one file of `mathse/loop/checks` each.

A mix is written through here, so that it takes its place once every check has passed, and not before.

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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mathse.errors import UserError
from mathse.tables import store, views
from mathse.tables.schemas import MixRow

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
    """Run every check."""
    for file in sorted(CHECKS.glob("*.sql")):
        result = connection.execute(file.read_text(encoding="utf-8"))
        yield Checked(file.stem, views.dicts(result, SHOWN_ROWS))


def write(file: Path, rows: Iterable[MixRow], problems: Path) -> int:
    """Write a mix once every check has passed; returns how many rows it has.

    Raises:
        CheckFailed: One has not; what was at `file` before is still there.
    """
    return store.write(file, MixRow, rows, check=lambda fresh: check(fresh, problems, named=file))


def check(mix: Path, problems: Path, named: Path | None = None) -> None:
    """Run every check on a mix until one fails.

    Args:
        problems: The `problems` table.
        named: What to call the mix in an error, if it is not yet in its place.

    Raises:
        CheckFailed: One returns rows.
    """
    with views.opened({"mix": mix, "problems": problems}) as connection:
        for checked in run(connection):
            if checked.offenders:
                raise CheckFailed(f"{named or mix}: {checked}")
