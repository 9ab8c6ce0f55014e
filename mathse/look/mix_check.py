"""`mathse mix`: the mixes there are, and what a query of one's own would choose, before anything is trained.

In: the tables of one step's mix, read only. Out: whether the query keeps its contract, and what it would change.

    mix check my_mix.sql for step 1: 1,820 candidates

      contract  one row per candidate path, with path_id and reason
      order     the same mix from rows in another order
      checks    7 of 7 passed

                                        now     new  change
      in the mix                        326     346     +20
      judged WRONG                    1,443   1,443

*Now* is what `mix.query` of params.yaml chooses, for the same step, from the same tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.cells import cell_len

import mathse
from mathse import layout, params
from mathse.errors import UserError
from mathse.loop import mix_checks
from mathse.loop.mix import Tables, choose, chosen, share, tables_of
from mathse.loop.mix_checks import Checked
from mathse.loop.mix_screen import Screens, screens_of
from mathse.loop.selection import forget
from mathse.params import Mix, Query
from mathse.tables import views

MIXES = Path(mathse.__file__).parent / "sql" / "mixes"
SHUFFLED_ROWS = 500_000
"""Above this many candidates, the second run reads the rows in their own order."""
EXAMPLES = 3
PARTS = ("kind", "round", "subject", "level", "source")
SHOWN_PARTS = 12
SHOWN_CHARACTERS = 100
UNSTABLE = "NOT the same mix from rows in another order: end every `order by` with path_id"

_ROWS = """
    create view {name}_rows as
    select path_id, problem_id, kind, round, image_ids, prompt, completion, rejected_path_id, rejected from previous
    semi join (from {name} where reason is null) using (path_id)
    union all by name
    select
        path_id, problem_id, kind, round, image_ids,
        [{{'role': 'user', 'content': concat_ws(' ', question, drafts.text, error_step, error_analysis)}}] as prompt,
        [{{'role': 'assistant', 'content': paths.text}}] as completion, wrong.rejected_path_id,
        if(wrong.text is null, [], [{{'role': 'assistant', 'content': wrong.text}}]) as rejected
    from paths
    anti join previous using (path_id)
    semi join (from {name} where reason is null) using (path_id)
    left join problems using (problem_id)
    left join {name}_pairs as wrong using (path_id)
    left join drafts using (path_id)
"""


@dataclass(frozen=True)
class Change:
    """A count now, and with the new query."""

    name: str
    now: int
    new: int


@dataclass(frozen=True)
class Effect:
    """What a query does, compared with the one of params.yaml.

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


def mixes() -> Iterator[tuple[str, str]]:
    """The mixes that come with MathSE: file, as `mix.query` names it, and the sentence that opens it."""
    for file in sorted(MIXES.glob("*.sql")):
        opening = file.read_text(encoding="utf-8").split("\n--\n")[0]
        summary = " ".join(line.removeprefix("--").strip() for line in opening.splitlines())
        yield file.relative_to(MIXES.parents[2]).as_posix(), summary


def effect(root: Path, file: Path, step: str | None, values: Mapping[str, int | float | str]) -> Effect:
    """Say what a mix's query would choose for a step.

    Args:
        step: A step of params.yaml; None: the last.
        values: Of its parameters; others are those of `mix.parameters` that it names.

    Raises:
        SelectionError: The query does not keep its contract.
        MixError: It is no step, but an ORM or its student.
        UserError: There is no such step, a table is missing, or params.yaml is broken.
    """
    settings = params.load(root / params.PARAMS)
    step = step or list(settings.steps)[-1]
    tables, mix = tables_of(settings, step, root), root / layout.mix(step)
    try:
        named = views.select_statement(file.read_text(encoding="utf-8"), str(file)).named_parameters
    except (OSError, UnicodeDecodeError, UserError):
        named = set()  # what is wrong with the file, `choose` says below
    defaults = {name: value for name, value in settings.mix.parameters.items() if name in named}
    query = Query(query=file, parameters={**defaults, **values})
    screens = screens_of(settings, root, partial=True)
    others = {"stored": mix} if mix.is_file() else {}
    with chosen(settings, step, root, others, partial=True) as (connection, _):
        _keep(connection, "now")
        stale = None
        if others:
            now = "from now where reason is null"
            ((stale,),) = connection.execute(f"""
                select (select count(*) from ({now}) anti join stored using (path_id))
                    + (select count(*) from (from stored) anti join ({now}) using (path_id))
            """).fetchall()
        candidates = choose(connection, query, screens).rows_in
        _keep(connection, "new")
        connection.execute("create view mix as from new_rows")
        reasons = "(select coalesce(reason, 'in the mix') as reason from {})"
        rows = "(from ({}_rows left join problems using (problem_id)))"
        return Effect(
            query=str(file),
            step=step,
            candidates=candidates,
            stable=_fingerprint(connection, "new") == _shuffled(settings.mix, tables, query, screens, candidates),
            stale=stale,
            checks=list(mix_checks.run(connection)),
            reasons=sorted(_changes(connection, "reason", reasons), key=lambda change: change.name != "in the mix"),
            parts={part: _changes(connection, part, rows) for part in PARTS},
            added=_moved(connection, "new", "now"),
            removed=_moved(connection, "now", "new"),
            examples={"added": _examples(connection, "new", "now"), "removed": _examples(connection, "now", "new")},
        )


def _keep(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let what was chosen be the table `name`, its rows the view `<name>_rows`, and make way for another query."""
    connection.execute(f"create table {name} as from selection; create table {name}_pairs as from pairs")
    forget(connection)
    connection.execute(_ROWS.format(name=name))


def _changes(connection: duckdb.DuckDBPyConnection, column: str, relation: str) -> list[Change]:
    """Rows of a relation, now and new, counted by a column, the most frequent first."""
    counts = connection.execute(f"""
        select coalesce({column}::varchar, 'none'), count(*) filter (is_new = 0), count(*) filter (is_new = 1)
        from (
            select {column}, 0 as is_new from {relation.format("now")}
            union all by name
            select {column}, 1 as is_new from {relation.format("new")}
        )
        group by all order by 2 desc, 3 desc, 1
    """).fetchall()
    return [Change(*row) for row in counts]


def _moved(connection: duckdb.DuckDBPyConnection, inside: str, outside: str) -> dict[str, int]:
    """Rows that `inside` has and `outside` has not, by the reason there."""
    counts = connection.execute(f"""
        select outside.reason, count(*) from {inside} as inside join {outside} as outside using (path_id)
        where inside.reason is null and outside.reason is not null group by all order by 2 desc, 1
    """).fetchall()
    return dict(counts)


def _examples(connection: duckdb.DuckDBPyConnection, inside: str, outside: str) -> list[dict[str, Any]]:
    """A few rows that `inside` has and `outside` has not."""
    result = connection.execute(f"""
        select path_id, problem_id, kind, round, outside.reason, completion[-1].content as text
        from {inside}_rows join {outside} as outside using (path_id)
        where outside.reason is not null order by path_id limit {EXAMPLES}
    """)
    return views.dicts(result)


def _fingerprint(connection: duckdb.DuckDBPyConnection, selection: str) -> tuple[Any, ...] | None:
    """Equal for the same choices in any order."""
    hashes = f"select hash(path_id, reason, rejected_path_id) as h from {selection}"
    return connection.execute(f"select count(*), sum(h), bit_xor(h) from ({hashes})").fetchone()


def _shuffled(mix: Mix, tables: Tables, query: Query, screens: Screens, candidates: int) -> tuple[Any, ...] | None:
    """What the query chooses on one core, and from rows in another order where they are not too many."""
    files = tables.views()
    prefix = "stored_" if candidates <= SHUFFLED_ROWS else ""
    with views.opened({prefix + name: file for name, file in files.items()}) as connection:
        for name in files if prefix else ():
            rows = f"select stored_{name} from stored_{name} order by hash(stored_{name}), stored_{name}"
            connection.execute(f"create table {name} as select unnest(stored_{name}) from ({rows})")
        share(connection, mix)
        choose(connection, query, screens)
        return _fingerprint(connection, "selection")


def lines(effect: Effect) -> Iterator[str]:
    """What a query does, for people."""
    yield f"mix check {effect.query} for step {effect.step}: {effect.candidates:,} candidates"
    yield ""
    yield "  contract  one row per candidate path, with path_id and reason"
    yield f"  order     {'the same mix from rows in another order' if effect.stable else UNSTABLE}"
    yield f"  checks    {len(effect.checks) - len(effect.failed)} of {len(effect.checks)} passed"
    yield from (f"            {check}" for check in effect.failed)
    if effect.stale:
        yield f"  on disk   the mix of step {effect.step} is not what mix.query chooses now, by {effect.stale:,} rows"
    yield ""
    yield f"  {'':40} {'now':>10} {'new':>10} {'change':>10}"
    yield from map(_change_line, effect.reasons)
    for part, changes in effect.parts.items():
        yield ""
        yield f"  in the mix, by {part}"
        yield from map(_change_line, changes[:SHOWN_PARTS])
        if len(changes) > SHOWN_PARTS:
            yield f"  ... and {len(changes) - SHOWN_PARTS} more"
    for what, counts in (("added", effect.added), ("removed", effect.removed)):
        yield ""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        when = "now" if what == "added" else "then"
        yield f"  {what} {sum(counts.values()):,}" + (f", {when}: {reasons}" if reasons else "")
        for row in effect.examples[what]:
            text = " ".join(str(row["text"]).split())
            yield f"    {row['path_id']} of {row['problem_id']}, {row['kind']} {row['round']}, {row['reason']}"
            yield f"      {text[:SHOWN_CHARACTERS]}{'...' if len(text) > SHOWN_CHARACTERS else ''}"


def _change_line(change: Change) -> str:
    difference = f"{change.new - change.now:+,}" if change.new != change.now else ""
    name = change.name + " " * (40 - cell_len(change.name))
    return f"  {name} {change.now:>10,} {change.new:>10,} {difference:>10}".rstrip()
