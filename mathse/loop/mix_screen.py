"""Rows that leave a mix after its query has chosen them: quotations of benchmark items, and near-duplicates.

In: the connection in which `selection.select` has left its result, and the benchmarks' items. Out: the same view
`selection`, with a reason where there was none:

    leak             the solution, the wrong one beside it, the draft before it, or its problem's question, is or quotes
                     a benchmark item
    near duplicate   the solution is nearly that of a row that stays: of the mix before first, then by path_id

What a model writes may hold a benchmark's question even where no problem does, as when it has seen it before.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from mathse import layout
from mathse.loop.selection import Selected, counted
from mathse.params import NearDuplicates, Params
from mathse.sources.leakage import Leak, near, text
from mathse.sources.leakage.index import Rule

log = logging.getLogger(__name__)

LEAK, NEAR = "leak", "near duplicate"

_CHOSEN = """
    create or replace view chosen_texts as
    select
        path_id, problem_id, completion[-1].content as text, rejected[-1].content as rejected,
        case when kind = 'reflection' and getvariable('reflections') = 'draft' then prompt[-1].content end as draft,
        0 as is_new
    from previous
    semi join (from selection where reason is null) using (path_id)
    union all by name
    select
        path_id, problem_id, paths.text, pairs.text as rejected,
        concat_ws(chr(10), drafts.text, error_step, error_analysis) as draft,
        1 as is_new
    from paths
    anti join previous using (path_id)
    semi join (from selection where reason is null) using (path_id)
    left join pairs using (path_id)
    left join drafts using (path_id)
"""
_SOLUTIONS = (
    "select path_id as problem_id, text as question, []::varchar[] as choices from chosen_texts order by path_id"
)
_WRONG = """
    select path_id as problem_id, wrong as question, []::varchar[] as choices
    from (select path_id, unnest([rejected, draft]) as wrong from chosen_texts)
    where wrong != '' order by path_id, wrong
"""
_QUESTIONS = (
    "select problem_id, question, choices from problems semi join chosen_texts using (problem_id) order by problem_id"
)


@dataclass(frozen=True)
class Screens:
    """What a mix's rows are held against.

    Attributes:
        items: The table of benchmark items; None: nothing is a leak.
        score: As `problems.leakage.score`.
        near: When two solutions are the same; None: never.
    """

    items: Path | None = None
    score: float = 5
    near: NearDuplicates | None = None


def screens_of(settings: Params, root: Path = Path(), partial: bool = False) -> Screens:
    """What params ask for.

    Args:
        partial: Whether to do without benchmark items where there are none.
    """
    leakage, items = settings.problems.leakage, root / layout.BENCHMARK_ITEMS
    held_against = leakage.remove and (items.is_file() or not partial)
    return Screens(items if held_against else None, leakage.score, settings.mix.near_duplicates)


def screen(connection: duckdb.DuckDBPyConnection, screens: Screens) -> Selected:
    """Give the rows that must leave their reason.

    Args:
        connection: Has `selection`, the views it was chosen from, and `pairs`.

    Returns:
        What became of the candidates.
    """
    if screens.items is not None:
        _leave(connection, LEAK, _leaking(connection, screens.items, Rule(score=screens.score)))
    if screens.near is not None:
        # All texts of the mix are in memory.
        connection.execute(_CHOSEN)
        rows = pl.from_arrow(connection.sql("from chosen_texts order by is_new, path_id").to_arrow_table())
        assert isinstance(rows, pl.DataFrame)
        groups = rows["problem_id"] if screens.near.within == "problem" else None
        duplicates = near.duplicates(rows["text"], near.Rule(jaccard=screens.near.jaccard), groups)
        _leave(connection, NEAR, rows["path_id"][duplicates["text"].to_list()].to_list())
    return counted(connection)


def _leave(connection: duckdb.DuckDBPyConnection, reason: str, path_ids: list[str]) -> None:
    connection.execute("create table if not exists screened_out (path_id varchar, why varchar)")
    connection.register("leaving", pa.table({"path_id": pa.array(path_ids, pa.string())}))
    connection.execute("insert into screened_out select path_id, $reason from leaving", {"reason": reason})
    connection.unregister("leaving")
    connection.execute("""
        create or replace view selection as
        select chosen.* replace (coalesce(reason, why) as reason)
        from chosen left join screened_out using (path_id)
    """)


def _leaking(connection: duckdb.DuckDBPyConnection, file: Path, rule: Rule) -> list[str]:
    """Paths whose solution, or a wrong path shown with it, or whose problem's question, is or quotes an item."""
    items = text.benchmark_items(file)
    if items.is_empty():
        return []
    connection.execute(_CHOSEN)

    def leaks(sql: str) -> list[Leak]:
        batches = text.Questions(lambda: connection.sql(sql).to_arrow_reader(text.BATCH_ROWS))
        return text.find(batches, items, rule)

    solutions, questions = leaks(_SOLUTIONS), leaks(_QUESTIONS)
    if connection.execute("select path_id from chosen_texts where rejected != '' or draft != '' limit 1").fetchall():
        solutions += leaks(_WRONG)
    for what, leak in [("path", leak) for leak in solutions] + [("problem", leak) for leak in questions]:
        log.info("mix: %s %s quotes %s %s: %s", what, leak.problem_id, leak.benchmark, leak.item_id, leak.shared)
    quoting = connection.execute(
        "select path_id from chosen_texts where problem_id in (select unnest($ids))",
        {"ids": [leak.problem_id for leak in questions]},
    ).fetchall()
    return sorted({leak.problem_id for leak in solutions} | {path_id for (path_id,) in quoting})
