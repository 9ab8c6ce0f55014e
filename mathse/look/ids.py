"""The row that an id stands for, whichever table has it: what `mathse show`, `trace` and `view` are given.

    5b57c533         a problem, by its id or the first digits of it
    81c0a2d4         a path, and with it every training row made of it
    0fbea093         any row of a path or problem, such as that of a mix, a verdict or a prediction, by its `row_hash`
    mathvista/17     a benchmark's item

Of tables sorted by id DuckDB reads only the groups of rows that can hold it.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import duckdb

from mathse.errors import UserError
from mathse.look import catalogue
from mathse.tables import views

SHOWN_MATCHES = 5
_LAST = "\U0010ffff"
"""Comes after every character of an id."""
_BY_ID = (
    ("problem", "problems", "problem_id"), ("path", "paths", "path_id"), ("path", "mix", "path_id"),
    ("path", "held_out", "path_id"),
)  # fmt: skip
_BY_HASH = (
    *_BY_ID, ("path", "verdicts", "path_id"), ("path", "feedback", "path_id"),
    ("prediction", "predictions", "row_hash"), ("problem", "origins", "problem_id"), ("problem", "leaks", "problem_id"),
    ("problem", "remaining", "problem_id"),
)  # fmt: skip
"""What a row is followed as, its view, and the id it is followed by."""


class RowNotFound(UserError):
    """No row has an id that begins so, or more than one."""


@dataclass(frozen=True)
class Match:
    """A row.

    Attributes:
        kind: `problem`, `path`, `prediction` or `item`.
        id: Of a problem, path or item its own, of a prediction its `row_hash`.
        problem_id: Of the problem that it is, or belongs to; of an item, as its predictions have it.
    """

    kind: str
    id: str
    problem_id: str

    @property
    def page(self) -> str:
        """Where `mathse view` shows it: a path's page, or that of the problem."""
        return f"/path/{quote(self.id)}" if self.kind == "path" else f"/problem/{quote(self.problem_id)}"


def lookup(root: Path, prefix: str) -> Match:
    """The one row of a run whose id or `row_hash` begins so.

    Raises:
        RowNotFound: There is none, or more than one: lists them.
        QueryError: A table cannot be read.
    """
    with catalogue.connect(root) as connection:
        try:
            return find(connection, prefix)
        except duckdb.Error as error:
            raise views.QueryError(f"a table cannot be read: {error}") from error


def find(connection: duckdb.DuckDBPyConnection, prefix: str) -> Match:
    """The one row that the connection's views have under an id that begins so, or else a `row_hash`.

    Args:
        connection: As `mathse.look.catalogue.connect` opens it.

    Raises:
        RowNotFound: There is none, or more than one: lists them.
    """
    there = {row[0] for row in connection.execute("show tables").fetchall()}
    if not there:
        raise RowNotFound(catalogue.NONE_YET)
    if "/" in prefix:
        return _item(connection, there, prefix)
    matches = _beginning(connection, there, prefix, [(*place, place[-1]) for place in _BY_ID])
    matches = matches or _beginning(connection, there, prefix, [(*place, "row_hash") for place in _BY_HASH])
    exact = [match for match in matches if match.id == prefix]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if not matches:
        raise RowNotFound(f"no row's id begins with {prefix!r}; `mathse query 'select path_id from paths'` lists some")
    first = "\n  ".join(f"{match.kind} {match.id}" for match in matches[:SHOWN_MATCHES])
    more = "" if len(matches) <= SHOWN_MATCHES else "\n  ..."
    raise RowNotFound(f"more than one id begins with {prefix!r}; give more digits:\n  {first}{more}")


def _item(connection: duckdb.DuckDBPyConnection, there: set[str], name: str) -> Match:
    benchmark, _, item_id = name.partition("/")
    sql = "select 1 from benchmark_items where benchmark = $benchmark and item_id = $item_id limit 1"
    values = {"benchmark": benchmark, "item_id": item_id}
    if "benchmark_items" in there and connection.execute(sql, values).fetchall():
        return Match("item", name, name)
    raise RowNotFound(
        f"benchmark {benchmark!r} has no item {item_id!r}; "
        "`mathse query 'select benchmark, item_id from benchmark_items'` lists them"
    )


def _beginning(
    connection: duckdb.DuckDBPyConnection, there: set[str], prefix: str, places: list[tuple[str, str, str, str]]
) -> list[Match]:
    """Rows whose key begins so, a few of each view; asked as a range, which skips groups of rows."""
    selects = [
        f"(select '{kind}' as kind, {column} as id, min(problem_id) as problem_id from {view} "
        f"where {key} >= $first and {key} < $last group by {column} order by id limit {SHOWN_MATCHES + 1})"
        for kind, view, column, key in places
        if view in there
    ]
    if not selects:
        return []
    sql = f"from ({' union '.join(selects)}) order by all"
    return [Match(*row) for row in connection.execute(sql, {"first": prefix, "last": prefix + _LAST}).fetchall()]
