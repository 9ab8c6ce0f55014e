"""What a story counts in the tables of its two sides, in SQL: each query returns counts, some hundred rows at most.

Sample of `ROWS`: {"subject": "angles", "level": 2, "kind": "rollout", "round": 2, "was_in": False, "is_in": True,
"noisy": False, "undecided": False, "unjudged": False, "paths": 41}
"""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from mathse.tables import views

Cells = Sequence[dict[str, Any]]
"""What a query counted, by column."""

JUDGED, EDITED = "judged_", "edited_"
"""What the names of a step's views of verdicts begin with: on its paths, and on people's corrections of these."""

ROWS = """
    select
        coalesce(subject, 'unknown') as subject,
        coalesce(level, 0) as level,
        kind,
        round,
        was_in,
        is_in,
        coalesce(noisy, false) as noisy,
        coalesce(noisy and rule_status = 'UNDECIDED', false) as undecided,
        rule_status is null as unjudged,
        count(*) as paths
    from (
        select
            path_id,
            coalesce(new.problem_id, old.problem_id) as problem_id,
            coalesce(new.kind, old.kind) as kind,
            coalesce(new.round, old.round) as round,
            old.path_id is not null as was_in,
            new.path_id is not null as is_in
        from old_mix as old full join new_mix as new using (path_id)
    )
    left join (select path_id, rule_status, noisy from judged) using (path_id)
    left join described using (problem_id)
    group by all
"""
"""Rows of both mixes, by all that is told of them."""
KEPT_OUT = """
    select coalesce(subject, 'unknown') as subject, coalesce(level, 0) as level, count(*) as paths
    from judged_now anti join new_mix using (path_id) left join described using (problem_id)
    where noisy
    group by all
"""
"""Paths of the second side's step that are label noise, and that its mix has not."""
PROBLEMS = """
    select
        (select count(*) from training anti join old_mix using (problem_id)) as unsolved,
        (select count(distinct problem_id) from new_mix anti join old_mix using (problem_id)) as solved,
        (select count(distinct problem_id) from old_mix anti join new_mix using (problem_id)) as lost
"""
ANSWERS = """
    select
        benchmark,
        coalesce(subject, 'unknown') as subject,
        coalesce(level, 0) as level,
        old.is_right as was_right,
        new.is_right,
        count(*) as problems
    from (select benchmark, problem_id, status = 'CORRECT' as is_right from old_tests where sample_idx = 0) as old
    full join (select benchmark, problem_id, status = 'CORRECT' as is_right from new_tests where sample_idx = 0) as new
        using (benchmark, problem_id)
    left join described using (problem_id)
    group by all
"""
"""Greedy answers of both models; null where one of them was not asked."""
PLACES = """
    select
        path_id,
        path_id in (select path_id from old_mix) as was_in,
        path_id in (select path_id from new_mix) as is_in,
        path_id in (select path_id from judged) as is_judged
    from asked
"""
"""Where paths are that somebody asks about, one by one."""
GONE = "select path_id from old_mix anti join new_mix using (path_id) order by path_id"
"""The rows of the first mix alone, one by one."""


def share(connection: duckdb.DuckDBPyConnection, there: Collection[str], step: str) -> None:
    """Add what the queries share: `judged`, `judged_now` (of one step), `described` and `training` (problems).

    Args:
        there: The views of the connection: what has no table is empty.
        step: That of the second side.
    """

    def judged(names: Collection[str]) -> str:
        columns = "path_id, problem_id, rule_status, status = 'CORRECT' and rule_status != 'CORRECT' as noisy"
        nobody = "select '' as path_id, '' as problem_id, '' as rule_status, false as noisy where false"
        return " union all ".join([f"select {columns} from {views.identifier(name)}" for name in names] or [nobody])

    verdicts = sorted(name for name in there if name.startswith((JUDGED, EDITED)))
    problems = (
        "problems" if "problems" in there else "(select '' as problem_id, '' as subject, 0 as level, '' as split)"
    )
    statements = {
        "judged": judged(verdicts),
        "judged_now": judged([name for name in verdicts if name in (JUDGED + step, EDITED + step)]),
        "described": f"select problem_id, subject, level from {problems}",
        "training": f"select problem_id from {problems} where split = 'train'",
    }
    for name, select in statements.items():
        connection.execute(f"create view {name} as {select}")


def places(connection: duckdb.DuckDBPyConnection, path_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Where paths are, by id (`PLACES`)."""
    connection.register("asked", pa.table({"path_id": pa.array(path_ids, pa.string())}))
    return {row["path_id"]: row for row in counted(connection, PLACES)}


def counted(connection: duckdb.DuckDBPyConnection, sql: str) -> Cells:
    """The rows of a query by column.

    Raises:
        QueryError: A table is of an earlier version.
    """
    try:
        return views.dicts(connection.execute(sql))
    except duckdb.BinderException as error:
        raise views.QueryError(f"a table lacks a column ({error}); remake it with `dvc repro`") from error
