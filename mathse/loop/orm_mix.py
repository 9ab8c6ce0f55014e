r"""An ORM's mix, decided by an SQL file: marked paths rendered as judgements, and a part held out to measure it on.

In: problems, and an ORM's paths with the teacher's feedback. Out: `data/mix/<orm>.parquet` and
`data/orm/<orm>/held_out.parquet`, one row per path:

    prompt      [{"role": "user", "content": "... Solution: 50 + 60 = 111. ... Standard answer: 70 Verdict?"}]
    completion  [{"role": "assistant", "content": "{\"status\": \"WRONG\", ...}"}]
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from mathse import layout
from mathse.loop.mix_checks import write
from mathse.loop.mix_rows import MixError, judge_row, parsed, problem_of
from mathse.loop.selection import Contract, Selected, select
from mathse.params import Params
from mathse.tables import schemas, views
from mathse.tables.schemas import Feedback, MixRow

CONTRACT = Contract("orm.mix", ("paths",), ("path_id", "part", "reason"))
OF_THE_RUN = ("held_out", "seed")
"""Parameters of the query whose values stand elsewhere in params.yaml."""


def build(settings: Params, orm: str, root: Path = Path()) -> Selected:
    """Make an ORM's mix and its held-out part; no problem is in both.

    Raises:
        SelectionError: The query does not keep its contract.
        JudgePromptError: The prompt does not fit.
        MixError: One of the parts is empty.
        CheckFailed: A check found rows.
    """
    problems = root / layout.PROBLEMS
    sources = {"problems": problems, "paths": root / layout.orm_paths(orm), "feedback": root / layout.orm_feedback(orm)}
    query = settings.orm.mix.model_copy(update={"query": root / settings.orm.mix.query})
    with views.opened(sources) as connection:
        values = dict(zip(OF_THE_RUN, (settings.orm.held_out, settings.seed), strict=True))
        counts = select(connection, query, CONTRACT, values)
        files = {"train": root / layout.mix(orm), "held_out": root / layout.orm_held_out(orm)}
        rows = connection.execute("select distinct part from selection where reason is null").fetchall()
        parts = {part for (part,) in rows}
        for part, file in files.items():
            if part not in parts:
                raise MixError(
                    f"{file}: no path for the part {part} ({counts}); raise orm.samples or change orm.held_out"
                )
        for part in sorted(parts - files.keys(), key=str):
            raise MixError(f"orm.mix.query: column part must be train or held_out; found {part}")
        for part, file in files.items():
            write(file, _feedback_rows(connection, part, settings), problems)
    return counts


def _feedback_rows(connection: duckdb.DuckDBPyConnection, part: str, settings: Params) -> Iterator[MixRow]:
    sql = """
        select problems, paths, feedback from paths join selection using (path_id)
        join feedback using (path_id) left join problems on paths.problem_id = problems.problem_id
        where reason is null and part = $part
    """
    for record in views.records(connection, sql, {"part": part}):
        path, feedback = parsed(schemas.Path, record["paths"]), parsed(Feedback, record["feedback"])
        yield judge_row(problem_of(record, path), path, feedback, settings.judge, settings.orm.target)
