"""A mix's query looked at before anything is trained: does it keep its contract, and what would it change?

In: the tables of one step's mix, read only. Out: what a person wants to know of an SQL file of theirs.

    stable   True: the same rows in another order, on one core, give the same mix
    checks   no_test_problem: no rows
    reasons  judged WRONG  now 610, new 610      over the limit per problem  now 20, new 0
    parts    subject angles  now 40, new 52
    added    7be2...  p 9f86...  now: over the limit per problem

*Now* is what `mix.query` of params.yaml chooses, for the same step, from the same tables.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop import mix_checks
from mathse.loop.mix import Tables, choose, chosen, share, tables_of
from mathse.loop.mix_checks import Checked
from mathse.loop.mix_screen import Screens, screens_of
from mathse.loop.selection import forget
from mathse.params import Query
from mathse.tables import views

SHUFFLED_ROWS = 500_000
"""With more candidates than this the rows are read again in their own order."""
EXAMPLES = 3
PARTS = ("kind", "round", "subject", "level", "source")

_ROWS = """
    create view {name}_rows as
    select path_id, problem_id, kind, round, image_ids, prompt, completion, rejected_path_id, rejected from previous
    semi join (from {name} where reason is null) using (path_id)
    union all by name
    select
        path_id, problem_id, kind, round, image_ids, [{{'role': 'user', 'content': question}}] as prompt,
        [{{'role': 'assistant', 'content': paths.text}}] as completion, wrong.rejected_path_id,
        if(wrong.text is null, [], [{{'role': 'assistant', 'content': wrong.text}}]) as rejected
    from paths
    anti join previous using (path_id)
    semi join (from {name} where reason is null) using (path_id)
    left join problems using (problem_id)
    left join {name}_pairs as wrong using (path_id)
"""


@dataclass(frozen=True)
class Change:
    """A count now, and with the new query."""

    name: str
    now: int
    new: int


@dataclass(frozen=True)
class Explained:
    """What a query does, beside the one of params.yaml.

    Attributes:
        query: The file, as it was named.
        step: The step whose mix it would choose.
        candidates: Paths it decides on.
        stable: Whether another order of rows gives the same mix.
        stale: In how many rows the mix on disk differs from what `mix.query` chooses; None if there is none.
        checks: What each check found.
        reasons: Rows in the mix (`in the mix`) and left out, by reason.
        parts: Rows in the mix by kind, round, subject, level and source.
        added: How many rows only the new mix has, by the reason they are left out now.
        removed: How many rows only the mix now has, by the reason they would be left out.
        examples: A few of each.
    """

    query: str
    step: str
    candidates: int
    stable: bool
    stale: int | None
    checks: list[Checked]
    reasons: list[Change]
    parts: dict[str, list[Change]]
    added: dict[str, int]
    removed: dict[str, int]
    examples: dict[str, list[dict[str, Any]]]

    @property
    def failed(self) -> list[Checked]:
        """The checks that returned rows."""
        return [check for check in self.checks if check.offenders]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def explain(root: Path, file: Path, step: str | None, given: Mapping[str, int | float | str]) -> Explained:
    """Say what a mix's query would choose for a step.

    Args:
        root: The project's root.
        file: The query.
        step: A step of params.yaml; None: the last.
        given: Values of its parameters; others are those of `mix.parameters` that it names.

    Raises:
        SelectionError: The query does not keep its contract.
        MixError: It is no step, but an ORM or its student.
        UserError: There is no such step, a table is missing, or params.yaml is broken.
    """
    settings = params.load(root / params.PARAMS)
    step = step or list(settings.steps)[-1]
    tables, mix = tables_of(settings, step, root), root / layout.mix(step)
    query = Query(query=file, parameters={**_named(file, settings.mix.parameters), **given})
    screens = screens_of(settings, root, partial=True)
    others = {"stored": mix} if mix.is_file() else {}
    with chosen(settings, step, root, others, partial=True) as (connection, _):
        _keep(connection, "now")
        stale = _stale(connection) if others else None
        candidates = choose(connection, query, screens).rows_in
        _keep(connection, "new")
        connection.execute("create view mix as from new_rows")
        checks = list(mix_checks.run(connection))
        reasons, parts = _reasons(connection), {part: _part(connection, part) for part in PARTS}
        added, removed = _moved(connection, "new", "now"), _moved(connection, "now", "new")
        examples = {"added": _examples(connection, "new", "now"), "removed": _examples(connection, "now", "new")}
        stable = _fingerprint(connection, "new") == _shuffled(tables, query, screens, candidates)
    return Explained(str(file), step, candidates, stable, stale, checks, reasons, parts, added, removed, examples)


def _named(file: Path, values: Mapping[str, int | float | str]) -> dict[str, int | float | str]:
    """Those values whose names the file uses; what is wrong with the file is told later, by `select`."""
    try:
        named = views.select_statement(file.read_text(encoding="utf-8"), str(file)).named_parameters
    except (OSError, UnicodeDecodeError, UserError):
        return {}
    return {name: value for name, value in values.items() if name in named}


def _keep(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let what was chosen be the table `name`, its rows the view `<name>_rows`, and make way for another query."""
    connection.execute(f"create table {name} as from selection; create table {name}_pairs as from pairs")
    forget(connection)
    connection.execute(_ROWS.format(name=name))


def _stale(connection: duckdb.DuckDBPyConnection) -> int:
    here, there = "from now where reason is null", "from stored"
    ((count,),) = connection.execute(f"""
        select (select count(*) from ({here}) anti join stored using (path_id))
            + (select count(*) from ({there}) anti join ({here}) using (path_id))
    """).fetchall()
    return int(count)


def _changes(connection: duckdb.DuckDBPyConnection, value: str, now: str, new: str) -> list[Change]:
    """Rows of two relations counted by a column, the most frequent first."""
    counted = connection.execute(f"""
        select coalesce({value}::varchar, 'none'), count(*) filter (is_new = 0), count(*) filter (is_new = 1)
        from (select {value}, 0 as is_new from {now} union all by name select {value}, 1 as is_new from {new})
        group by all order by 2 desc, 3 desc, 1
    """).fetchall()
    return [Change(*row) for row in counted]


def _reasons(connection: duckdb.DuckDBPyConnection) -> list[Change]:
    named = "(select coalesce(reason, 'in the mix') as reason from {})"
    changes = _changes(connection, "reason", named.format("now"), named.format("new"))
    return sorted(changes, key=lambda change: change.name != "in the mix")


def _part(connection: duckdb.DuckDBPyConnection, part: str) -> list[Change]:
    rows = "({}_rows left join problems using (problem_id))"
    return _changes(connection, part, f"(from {rows.format('now')})", f"(from {rows.format('new')})")


def _moved(connection: duckdb.DuckDBPyConnection, inside: str, outside: str) -> dict[str, int]:
    """Rows that `inside` has and `outside` has not, by the reason there."""
    counted = connection.execute(f"""
        select outside.reason, count(*) from {inside} as inside join {outside} as outside using (path_id)
        where inside.reason is null and outside.reason is not null group by all order by 2 desc, 1
    """).fetchall()
    return dict(counted)


def _examples(connection: duckdb.DuckDBPyConnection, inside: str, outside: str) -> list[dict[str, Any]]:
    result = connection.execute(f"""
        select path_id, problem_id, kind, round, outside.reason, completion[-1].content as text
        from {inside}_rows join {outside} as outside using (path_id)
        where outside.reason is not null order by path_id limit {EXAMPLES}
    """)
    columns = [column[0] for column in result.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _fingerprint(connection: duckdb.DuckDBPyConnection, selection: str) -> tuple[Any, ...] | None:
    told = f"select hash(path_id, reason, rejected_path_id) as h from {selection}"
    return connection.execute(f"select count(*), sum(h), bit_xor(h) from ({told})").fetchone()


def _shuffled(tables: Tables, query: Query, screens: Screens, candidates: int) -> tuple[Any, ...] | None:
    """What the query chooses on one core, and from rows in another order where they are not too many."""
    files: dict[str, Path] = vars(tables)
    prefix = "stored_" if candidates <= SHUFFLED_ROWS else ""
    with views.connect({prefix + name: file for name, file in files.items()}) as connection:
        for name in files if prefix else ():
            rows = f"select stored_{name} from stored_{name} order by hash(stored_{name}), stored_{name}"
            connection.execute(f"create table {name} as select unnest(stored_{name}) from ({rows})")
        share(connection)
        choose(connection, query, screens)
        return _fingerprint(connection, "selection")
