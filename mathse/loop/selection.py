"""Which candidate paths enter a mix: one SQL file decides, and is held to its contract.

The file is one SELECT over plain view names with named `$parameters`. It returns one row per candidate path:

    path_id      reason           rejected_path_id
    0a51...      null             77e2...             in the mix; beside it a wrong path, if the mix has such a column
    7be2...      judged WRONG     null                left out, and why: short, as it is counted

A candidate that it does not return is left out with the reason `not returned by the query`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from mathse.errors import UserError
from mathse.params import Query
from mathse.tables.views import select_statement

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
        optional: What it may return besides; null where it does not.
    """

    section: str
    candidates: tuple[str, ...]
    columns: tuple[str, ...] = ("path_id", "reason")
    optional: tuple[str, ...] = ()


def select(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    contract: Contract,
    optional: Mapping[str, int | float | str] | None = None,
) -> Selected:
    """Run a mix's query; its result stays in the connection as `selection`, one row per candidate.

    Args:
        connection: Has the views that the query names.
        query: The file and the values of its parameters.
        optional: Values of parameters that the file may use, but need not.

    Raises:
        SelectionError: The file or the parameters do not fit, or the result breaks the contract.
        QueryError: The file does not hold one SELECT.
    """
    given = {**(optional or {}), **query.parameters}
    sql, parameters = statement(query, contract.section, optional or {})
    try:
        connection.execute(f"create table returned as {sql}", {name: given[name] for name in parameters})
    except duckdb.Error as error:
        raise SelectionError(f"{query.query}: {error}") from error
    columns = {row[0] for row in connection.execute("describe returned").fetchall()}
    for missing in sorted(set(contract.columns) - columns):
        raise SelectionError(f"{query.query}: column {missing} is missing; found {', '.join(sorted(columns))}")
    # A column of nothing but nulls would otherwise have no type to which a reason can be added.
    texts = [f"{column}::varchar as {column}" for column in contract.columns]
    texts += [f"{name if name in columns else 'null'}::varchar as {name}" for name in contract.optional]
    decided = f"select {', '.join(texts)} from returned"
    if not _returns_every_candidate(connection, contract):
        _hold_to_contract(connection, query, contract)
        decided += f" union all by name select path_id, '{NOT_RETURNED}' as reason from not_returned"
    connection.execute(f"create view chosen as {decided}")
    connection.execute("create view selection as from chosen")
    return counted(connection)


def statement(query: Query, section: str, optional: Iterable[str]) -> tuple[str, set[str]]:
    """The SELECT of a mix's file, and the `$parameters` that it uses.

    Args:
        section: Where the query stands in params.yaml, for errors.
        optional: Parameters that the file may use without a value in params.yaml.

    Raises:
        SelectionError: The file cannot be read, or its parameters are not those that the query has values for.
        QueryError: It does not hold one SELECT.
    """
    try:
        sql = query.query.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SelectionError(f"{query.query}: cannot be read ({error}); see {section}.query in params.yaml") from error
    parameters = set(select_statement(sql, str(query.query)).named_parameters)
    for missing in sorted(parameters - query.parameters.keys() - set(optional)):
        raise SelectionError(f"{query.query}: needs ${missing}; add {section}.parameters.{missing} to params.yaml")
    for unused in sorted(query.parameters.keys() - parameters):
        raise SelectionError(f"params.yaml: {section}.parameters.{unused}: {query.query} has no ${unused}")
    return sql, parameters


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what `select` has left, so that another query can be run."""
    connection.execute("drop view if exists chosen_texts; drop view selection; drop view chosen")
    connection.execute("drop view if exists returned_ids; drop table returned")
    for table in ("expected", "not_returned", "screened_out", "pairs"):
        connection.execute(f"drop table if exists {table}")


def _returns_every_candidate(connection: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether the ids returned are those of the candidates, each once: then nothing of the contract is left to check.

    Two bags of ids with the same number, the same sum and the same XOR of their 64-bit hashes are taken as equal; no
    sort or hash table of all ids is needed for it.
    """
    print_of = "select count(*), sum(hash(path_id)), bit_xor(hash(path_id)) from"
    first, *others = contract.candidates
    parts = [f"select path_id from {first}"]
    parts += [f"select path_id from {view} anti join {first} using (path_id)" for view in others]
    candidates = connection.execute(f"{print_of} ({' union all '.join(parts)})").fetchone()
    returned = connection.execute(f"{print_of} (select path_id::varchar as path_id from returned)").fetchone()
    return candidates == returned


def _hold_to_contract(connection: duckdb.DuckDBPyConnection, query: Query, contract: Contract) -> None:
    """Name what breaks the contract; what is merely missing goes to the table `not_returned`."""
    connection.execute("create view returned_ids as select path_id::varchar as path_id from returned")
    everyone = " union ".join(f"select path_id from {view}" for view in contract.candidates)
    connection.execute(f"create table expected as {everyone}")
    _refuse(connection, query, "rows without a path_id", "select 'null' from returned_ids where path_id is null")
    _refuse(
        connection, query, "path_id returned more than once",
        "select path_id from returned_ids group by path_id having count(*) > 1 order by path_id",
    )  # fmt: skip
    _refuse(
        connection, query, "path_id that is no candidate",
        "select path_id from returned_ids anti join expected using (path_id) order by path_id",
    )  # fmt: skip
    connection.execute(
        "create table not_returned as select path_id from expected anti join returned_ids using (path_id)"
    )


def _refuse(connection: duckdb.DuckDBPyConnection, query: Query, fault: str, offenders: str) -> None:
    ids = [str(row[0]) for row in connection.execute(offenders).fetchmany(SHOWN_IDS + 1)]
    if ids:
        listed = ", ".join(ids[:SHOWN_IDS]) + (", ..." if len(ids) > SHOWN_IDS else "")
        raise SelectionError(f"{query.query}: {fault}: {listed}; it must return one row per candidate path")


def counted(connection: duckdb.DuckDBPyConnection) -> Selected:
    """The candidates of `selection`, by reason."""
    counts = connection.execute(
        "select reason, count(*) from selection group by all order by count(*) desc, 1"
    ).fetchall()
    left_out = {reason: count for reason, count in counts if reason is not None}
    total = sum(count for _, count in counts)
    return Selected(total, total - sum(left_out.values()), left_out)
