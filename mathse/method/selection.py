"""Which candidate paths enter a mix: one SQL file decides, and is held to its contract.

The file is one SELECT over plain view names with named `$parameters`. It returns one row a candidate path:

    path_id      reason
    0a51...      null             in the mix
    7be2...      judged WRONG     left out, and why: short, as it is counted

A candidate that it does not return is left out with the reason `not returned by the query`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from mathse.errors import UserError
from mathse.params import Query
from mathse.views import select_statement

NOT_RETURNED = "not returned by the query"
SHOWN_IDS = 3


class SelectionError(UserError):
    """A mix's SQL file is missing, fails, or breaks its contract; names the file and the key or rows."""


@dataclass(frozen=True)
class Selected:
    """What became of the candidate paths.

    Attributes:
        rows_in: Candidates.
        rows_kept: Those in the mix.
        left_out: How many were left out, by reason, the most frequent first.
    """

    rows_in: int
    rows_kept: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        reasons = "".join(f", {reason} {count}" for reason, count in self.left_out.items())
        return f"candidates {self.rows_in}, kept {self.rows_kept}{reasons}"


@dataclass(frozen=True)
class Contract:
    """What a mix's query is held to.

    Attributes:
        section: Where the query stands in params.yaml, such as `mix`, for errors.
        candidates: Views whose paths it decides on.
        columns: What it must return.
        given: Values of parameters that it may use, but need not.
    """

    section: str
    candidates: tuple[str, ...]
    columns: tuple[str, ...] = ("path_id", "reason")
    given: Mapping[str, int | float | str] = field(default_factory=dict)


def select(connection: duckdb.DuckDBPyConnection, query: Query, contract: Contract) -> Selected:
    """Run a mix's query; its result stays in the connection as table `selection`.

    Args:
        connection: Has the views that the query names.
        query: The file and the values of its parameters.
        contract: What it is held to.

    Raises:
        SelectionError: The file or the parameters do not fit, or the result breaks the contract.
        QueryError: The file does not hold one SELECT.
    """
    sql = _read(query, contract.section)
    values = _values(sql, query, contract)
    try:
        connection.execute(f"create table returned as {sql}", values)
    except duckdb.Error as error:
        raise SelectionError(f"{query.query}: {error}") from error
    _require_columns(connection, query, contract)
    # A column of nothing but nulls would otherwise have no type to which a reason can be added.
    texts = ", ".join(f"{column}::varchar as {column}" for column in contract.columns)
    connection.execute(f"create table selection as select {texts} from returned")
    everyone = " union ".join(f"select path_id from {view}" for view in contract.candidates)
    connection.execute(f"create table candidates as {everyone}")
    _hold_to_contract(connection, query)
    connection.execute(
        "insert into selection by name select path_id, $reason as reason from candidates anti join selection "
        "using (path_id)",
        {"reason": NOT_RETURNED},
    )
    return _counted(connection)


def _read(query: Query, section: str) -> str:
    try:
        return query.query.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SelectionError(f"{query.query}: cannot be read ({error}); see {section}.query in params.yaml") from error


def _values(sql: str, query: Query, contract: Contract) -> dict[str, int | float | str]:
    """The values of exactly the parameters that the file names."""
    section, given = contract.section, contract.given
    named = select_statement(sql, str(query.query)).named_parameters
    for missing in sorted(named - query.parameters.keys() - given.keys()):
        raise SelectionError(f"{query.query}: needs ${missing}; add {section}.parameters.{missing} to params.yaml")
    for unused in sorted(query.parameters.keys() - named):
        raise SelectionError(f"params.yaml: {section}.parameters.{unused}: {query.query} has no ${unused}")
    return {name: value for name, value in {**given, **query.parameters}.items() if name in named}


def _require_columns(connection: duckdb.DuckDBPyConnection, query: Query, contract: Contract) -> None:
    columns = {row[0] for row in connection.execute("describe returned").fetchall()}
    for missing in sorted(set(contract.columns) - columns):
        raise SelectionError(f"{query.query}: column {missing} is missing; found {', '.join(sorted(columns))}")


def _hold_to_contract(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    _refuse(connection, query, "rows without a path_id", "select reason from selection where path_id is null")
    _refuse(
        connection, query, "path_id returned more than once",
        "select path_id from selection group by path_id having count(*) > 1 order by path_id",
    )  # fmt: skip
    _refuse(
        connection, query, "path_id that is no candidate",
        "select path_id from selection anti join candidates using (path_id) order by path_id",
    )  # fmt: skip


def _refuse(connection: duckdb.DuckDBPyConnection, query: Query, fault: str, offenders: str) -> None:
    found = [str(row[0]) for row in connection.execute(offenders).fetchmany(SHOWN_IDS + 1)]
    if found:
        shown = ", ".join(found[:SHOWN_IDS]) + (", ..." if len(found) > SHOWN_IDS else "")
        raise SelectionError(f"{query.query}: {fault}: {shown}; it must return one row a candidate path")


def _counted(connection: duckdb.DuckDBPyConnection) -> Selected:
    counted = connection.execute(
        "select reason, count(*) from selection group by all order by count(*) desc, 1"
    ).fetchall()
    left_out = {reason: count for reason, count in counted if reason is not None}
    total = sum(count for _, count in counted)
    return Selected(total, total - sum(left_out.values()), left_out)
