"""Step "mix": what the next model is trained on, decided by an SQL file.

`chosen` lets that file choose, and is all that does, whoever asks: `build`, which makes a student's mix from the mix
before and a step's judged paths (the paper's D_SFT), `mathse mix check`, and `mathse diff`. `build_feedback` makes an
ORM's mix, a training and a held-out part, from annotated paths. In: problems, paths, verdicts or feedback, the mix and
the remaining problems before. Out: one row per path, a TRL prompt-completion pair with its lineage:

    path_id 0a51...  problem_id c3d0...  kind rollout  round 1  image_ids [9f86...]
    prompt      [{"role": "user", "content": "In the triangle, angle A is 50 and angle B is 60. Find angle C."}]
    completion  [{"role": "assistant", "content": "50 + 60 = 110. ... The answer to this problem is 70."}]
    rejected_path_id  77e2..., and rejected as `completion`, where the mix is one of preferences

`mathse/sql/checks/*.sql` must return no rows of a mix before it takes its place.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from mathse import layout
from mathse.loop import mix_report, remaining
from mathse.loop.mix_checks import require_sound
from mathse.loop.mix_report import MixReport
from mathse.loop.mix_screen import Screens, screen, screens_of
from mathse.loop.rendering import MixError, judge_row, student_row
from mathse.loop.selection import Contract, Selected, SelectionError, select
from mathse.params import Params, Query
from mathse.params.loop import STUDENT
from mathse.tables import schemas, store, views
from mathse.tables.schemas import Feedback, MixRow, Problem, Row

CONTRACT = Contract("mix", ("previous", "paths"), optional=("rejected_path_id",))
FEEDBACK = Contract("orm.mix", ("paths",), ("path_id", "part", "reason"))
CANDIDATES = Path(__file__).with_name("candidates.sql")
BATCH_ROWS = 1024
MEMORY = "1200MB"
"""What choosing paths may take, besides the interpreter; beyond it, DuckDB spills to `.mathse/duckdb`."""

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Tables:
    """What a student's mix is made from.

    Attributes:
        problems: The `problems` table.
        paths: The step's paths.
        verdicts: Its verdicts.
        previous: The mix before.
        remaining: What that left unsolved.
    """

    problems: Path
    paths: Path
    verdicts: Path
    previous: Path
    remaining: Path


def tables_of(settings: Params, step: str, root: Path = Path()) -> Tables:
    """The tables from which a step's mix is made.

    Raises:
        ParamsError: There is no such step.
        MixError: The mix is an ORM's or its student's.
    """
    if step == STUDENT or step in settings.orms:
        names = ", ".join(settings.steps)
        raise MixError(f"{step}: `mix.query` does not choose its mix; name a step of params.yaml: {names}")
    before = settings.step(step).prev
    files = (layout.PROBLEMS, layout.paths(step), layout.verdicts(step), layout.mix(before), layout.remaining(before))
    return Tables(*(root / file for file in files))


@contextmanager
def chosen(
    settings: Params, step: str, root: Path = Path(), others: Mapping[str, Path] | None = None, partial: bool = False
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Selected]]:
    """Let `mix.query` choose a step's mix, and hold what it chose against benchmarks and near-duplicates.

    Args:
        settings: All of params.yaml.
        step: A step of it.
        root: The project's root.
        others: More views for the connection.
        partial: Whether a project without benchmark items will do, such as one that is only looked at.

    Yields:
        A connection with the step's views and `selection` (`choose`), and what became of the candidates.

    Raises:
        SelectionError: The query does not keep its contract.
        UserError: There is no such step, or a table is missing.
    """
    query = settings.mix.model_copy(update={"query": root / settings.mix.query})
    with opened(tables_of(settings, step, root), others) as connection:
        yield connection, choose(connection, query, screens_of(settings, root, partial))


def opened(tables: Tables, others: Mapping[str, Path] | None = None) -> duckdb.DuckDBPyConnection:
    """The views that a student's mix is chosen from, those of `candidates.sql` too, on all cores.

    Args:
        tables: Where they lie.
        others: More views.
    """
    connection = views.connect({**vars(tables), **(others or {})}, len(os.sched_getaffinity(0)), MEMORY)
    share(connection)
    return connection


def share(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the views of `candidates.sql` to those of a step."""
    for statement in duckdb.extract_statements(CANDIDATES.read_text(encoding="utf-8")):
        connection.execute(statement)


def choose(connection: duckdb.DuckDBPyConnection, query: Query, screens: Screens) -> Selected:
    """Run a student's mix query and screen what it chose.

    Args:
        connection: As `opened` makes it. It keeps `selection` (path_id, reason, rejected_path_id), one row per
            candidate, and `pairs` (path_id, rejected_path_id, text), the wrong paths beside those in the mix.
        query: The file and the values of its parameters.
        screens: What the chosen rows are held against.

    Raises:
        SelectionError: The query does not keep its contract.
    """
    select(connection, query, CONTRACT)
    _pair(connection, query)
    return screen(connection, screens)


def build(settings: Params, step: str, root: Path = Path()) -> MixReport:
    """Make a step's mix, what it leaves unsolved, and the report; rows of the mix before stay as they are.

    Raises:
        SelectionError: The query does not keep its contract.
        MixError: The student's prompt does not exist or does not fit, or a path in the mix has no problem.
        CheckFailed: A check found rows; the mix before the run, if any, is still in place.
    """
    tables, mix = tables_of(settings, step, root), root / layout.mix(step)
    with chosen(settings, step, root) as (connection, selected):
        rows = chain(_previous_rows(connection), _new_rows(connection, settings.student.prompt))
        write(mix, rows, tables.problems)
    with opened(tables, {"mix": mix}) as connection:
        remaining.write(connection, step, root / layout.remaining(step))
        return mix_report.write(connection, step, selected, root / layout.mix_report(step))


def build_feedback(settings: Params, orm: str, root: Path = Path()) -> Selected:
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
    with views.connect(sources) as connection:
        counts = select(connection, query, FEEDBACK, {"held_out": settings.orm.held_out, "seed": settings.seed})
        files = {"train": root / layout.mix(orm), "held_out": root / layout.orm_held_out(orm)}
        _require_parts(connection, files, counts)
        for part, file in files.items():
            write(file, _feedback_rows(connection, part, settings), problems)
    return counts


def write(file: Path, rows: Iterable[MixRow], problems: Path) -> int:
    """Write a mix once every check has passed.

    Raises:
        CheckFailed: One has not; what was at `file` before is still there.
    """
    return store.write(file, MixRow, rows, check=lambda fresh: check(fresh, problems, named=file))


def check(mix: Path, problems: Path, named: Path | None = None) -> None:
    """Run every check of `mathse/sql/checks` on a mix.

    Args:
        mix: The mix.
        problems: The `problems` table.
        named: What to call the mix in an error, if it is not yet in its place.

    Raises:
        CheckFailed: One returns rows.
    """
    with views.connect({"mix": mix, "problems": problems}) as connection:
        require_sound(connection, str(named or mix))


def _pair(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    """Find the wrong paths that new rows of the mix are to be preferred to; rows of the mix before keep theirs."""
    connection.execute("create table pairs (path_id varchar, rejected_path_id varchar, text varchar)")
    named = "from selection where reason is null and rejected_path_id is not null"
    if not connection.execute(f"select path_id {named} limit 1").fetchall():
        return  # most mixes pair nothing, and need not read the wrong paths
    connection.execute(f"""
        insert into pairs
        select named.path_id, rejected_path_id, wrong.text
        from ({named}) as named join paths using (path_id) anti join previous using (path_id)
        left join wrong_paths as wrong on rejected_path_id = wrong.path_id and paths.problem_id = wrong.problem_id
    """)
    amiss = "select rejected_path_id, path_id from pairs where text is null order by all limit 1"
    for rejected, path_id in connection.execute(amiss).fetchall():
        raise SelectionError(
            f"{query.query}: rejected_path_id {rejected} of path {path_id}: no wrong path to the same problem; take "
            "one of the view `wrong_paths`"
        )


def _require_parts(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path], counts: Selected) -> None:
    found = connection.execute("select distinct part from selection where reason is null").fetchall()
    parts = {row[0] for row in found}
    for part, file in files.items():
        if part not in parts:
            raise MixError(f"{file}: no path for the part {part} ({counts}); raise orm.samples or change orm.held_out")
    for part in sorted(parts - files.keys(), key=str):
        raise MixError(f"orm.mix.query: column part must be train or held_out; found {part}")


def _previous_rows(connection: duckdb.DuckDBPyConnection) -> Iterator[MixRow]:
    kept = "select previous from previous join selection using (path_id) where reason is null"
    for stored in _records(connection, kept):
        yield _parsed(MixRow, stored["previous"])


def _new_rows(connection: duckdb.DuckDBPyConnection, prompt: str) -> Iterator[MixRow]:
    kept = """
        select problems, paths, pairs.rejected_path_id, pairs.text
        from paths anti join previous using (path_id)
        join selection using (path_id) left join problems using (problem_id) left join pairs using (path_id)
        where reason is null
    """
    for stored in _records(connection, kept):
        path = _parsed(schemas.Path, stored["paths"])
        rejected = None if stored["text"] is None else (stored["rejected_path_id"], stored["text"])
        yield student_row(_problem(stored, path), path, prompt, rejected)


def _feedback_rows(connection: duckdb.DuckDBPyConnection, part: str, settings: Params) -> Iterator[MixRow]:
    kept = """
        select problems, paths, feedback from paths join selection using (path_id)
        join feedback using (path_id) left join problems on paths.problem_id = problems.problem_id
        where reason is null and part = $part
    """
    verdict_only = settings.orm.target == "verdict"
    for stored in _records(connection, kept, {"part": part}):
        path, feedback = _parsed(schemas.Path, stored["paths"]), _parsed(Feedback, stored["feedback"])
        yield judge_row(_problem(stored, path), path, feedback, settings.judge, verdict_only)


def _records(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream a result, a batch of rows in memory; a table selected by its name is one nested value."""
    reader: pa.RecordBatchReader = connection.sql(sql, params=values or {}).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield from batch.to_pylist()


def _parsed(model: type[R], stored: Mapping[str, Any]) -> R:
    return model.model_validate({name: stored[name] for name in model.model_fields})


def _problem(stored: Mapping[str, Any], path: schemas.Path) -> Problem:
    if stored["problems"] is None or stored["problems"]["problem_id"] is None:
        raise MixError(
            f"path {path.path_id}: its problem {path.problem_id} is not in `problems`; leave it out of the mix"
        )
    return _parsed(Problem, stored["problems"])
