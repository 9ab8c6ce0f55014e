"""Step "mix": what the next model is trained on, decided by an SQL file.

`build` makes a student's mix from the mix before and this step's judged paths (the paper's D_SFT); `build_feedback`
makes the ORM's, a training and a held-out part, from annotated paths. In: problems, paths, verdicts or feedback, the
mix before. Out: one row a path, a TRL prompt-completion pair with its lineage:

    path_id 0a51...  problem_id c3d0...  kind rollout  round 1  image_ids [9f86...]
    prompt      [{"role": "user", "content": "In the triangle, angle A is 50 and angle B is 60. Find angle C."}]
    completion  [{"role": "assistant", "content": "50 + 60 = 110. ... The answer to this problem is 70."}]

`mathse/sql/checks/*.sql` must return no rows of a mix before it takes its place.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from mathse import layout
from mathse.loop.mix_checks import require_sound
from mathse.loop.mix_screen import NOTHING, Screens, screen
from mathse.loop.rendering import MixError, judge_row, student_row
from mathse.loop.selection import Contract, Selected, select
from mathse.params import Judge, Orm, Params, Query
from mathse.tables import schemas, store, views
from mathse.tables.schemas import Feedback, MixRow, Problem, Row

BATCH_ROWS = 1024
MEMORY = "1200MB"
"""What choosing paths may take, besides the interpreter; beyond it, DuckDB spills to `.mathse/duckdb`."""

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Tables:
    """What a student's mix is made from, and where it goes.

    Attributes:
        problems: The `problems` table.
        paths: This step's paths.
        verdicts: This step's verdicts.
        mix: Where the mix goes.
        previous: The mix before; None if there is none.
    """

    problems: Path
    paths: Path
    verdicts: Path
    mix: Path
    previous: Path | None = None


@dataclass(frozen=True)
class FeedbackTables:
    """What the ORM's mix is made from, and where its two parts go.

    Attributes:
        problems: The `problems` table.
        paths: The annotated paths.
        feedback: Their annotations.
        mix: Where the training part goes.
        held_out: Where the part for measuring goes.
    """

    problems: Path
    paths: Path
    feedback: Path
    mix: Path
    held_out: Path


def tables_of(settings: Params, model: str, root: Path = Path()) -> Tables:
    """The tables from which the mix of a student `model` is made: `0`, a round's number, or `final`.

    Raises:
        ParamsError: There is no such model.
        MixError: Its mix is another: the ORM's or its student's.
    """
    if model in {"orm", "student"}:
        raise MixError(f"{model}: `mix.query` does not choose its mix; name 0, a round's number, or final")
    before = settings.model_before(model)
    folder = root / layout.step_dir({"0": "distill", "final": "reflect"}.get(model, model))
    previous = None if before == "base" else root / layout.mix(before)
    problems, mix = root / layout.PROBLEMS, root / layout.mix(model)
    return Tables(problems, layout.paths(folder), layout.verdicts(folder), mix, previous)


def build(query: Query, prompt: str, tables: Tables, screens: Screens = NOTHING) -> Selected:
    """Make a student's mix: rows of the mix before as they are, new ones rendered.

    Args:
        query: The section `mix` of params.yaml.
        prompt: Name and version of the prompt that the student is asked with, `student.prompt`.
        tables: What it is made from, and where it goes.
        screens: What the chosen rows are held against.

    Raises:
        SelectionError: The query does not keep its contract.
        MixError: The prompt does not exist or does not fit, or a path in the mix has no problem.
        CheckFailed: A check found rows; the mix before the run, if any, is still in place.
    """
    sources = [tables.problems, tables.paths, tables.verdicts, *([tables.previous] if tables.previous else [])]
    inputs = store.input_hashes([query.query, *sources, *screens.sources])
    with opened(tables) as connection:
        select(connection, query, Contract("mix", ("previous", "paths")))
        counts = screen(connection, screens)
        rows = chain(_previous_rows(connection), _new_rows(connection, prompt))
        write(tables.mix, rows, tables.problems, inputs)
    return counts


def build_feedback(orm: Orm, judge: Judge, seed: int, tables: FeedbackTables) -> Selected:
    """Make the ORM's mix and its held-out part; no problem is in both.

    Args:
        orm: The section `orm`: its mix, and the share that is held out.
        judge: The section `judge`: prompt and reference, as when it judges.
        seed: Of the division and the choice.
        tables: What it is made from, and where it goes.

    Raises:
        SelectionError: The query does not keep its contract.
        JudgePromptError: The prompt does not fit.
        MixError: One of the parts is empty.
        CheckFailed: A check found rows.
    """
    sources = {"problems": tables.problems, "paths": tables.paths, "feedback": tables.feedback}
    inputs = store.input_hashes([orm.mix.query, *sources.values()])
    with views.connect(sources) as connection:
        given = {"held_out": orm.held_out, "seed": seed}
        contract = Contract("orm.mix", ("paths",), ("path_id", "part", "reason"), given)
        counts = select(connection, orm.mix, contract)
        files = {"train": tables.mix, "held_out": tables.held_out}
        _require_parts(connection, files, counts)
        for part, file in files.items():
            write(file, _feedback_rows(connection, part, judge), tables.problems, inputs)
    return counts


def write(file: Path, rows: Iterable[MixRow], problems: Path, inputs: Mapping[str, str]) -> int:
    """Write a mix once every check has passed.

    Raises:
        CheckFailed: One has not; what was at `file` before is still there.
    """
    return store.write(file, MixRow, rows, inputs, check=lambda fresh: check(fresh, problems, named=file))


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


def opened(tables: Tables, others: Mapping[str, Path] | None = None) -> duckdb.DuckDBPyConnection:
    """The views that a student's mix is chosen from, on all cores; `previous` is empty where there is no mix before.

    Args:
        tables: Where they lie.
        others: More views.
    """
    sources = {"problems": tables.problems, "paths": tables.paths, "verdicts": tables.verdicts, **(others or {})}
    threads = len(os.sched_getaffinity(0))
    if tables.previous is not None:
        return views.connect({**sources, "previous": tables.previous}, threads, MEMORY)
    connection = views.connect(sources, threads, MEMORY)
    connection.register("previous", store.arrow_schema(MixRow).empty_table())
    return connection


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
        select problems, paths from paths anti join previous using (path_id)
        join selection using (path_id) left join problems using (problem_id) where reason is null
    """
    for stored in _records(connection, kept):
        path = _parsed(schemas.Path, stored["paths"])
        yield student_row(_problem(stored, path), path, prompt)


def _feedback_rows(connection: duckdb.DuckDBPyConnection, part: str, judge: Judge) -> Iterator[MixRow]:
    kept = """
        select problems, paths, feedback from paths join selection using (path_id)
        join feedback using (path_id) left join problems on paths.problem_id = problems.problem_id
        where reason is null and part = $part
    """
    for stored in _records(connection, kept, {"part": part}):
        path = _parsed(schemas.Path, stored["paths"])
        yield judge_row(_problem(stored, path), path, _parsed(Feedback, stored["feedback"]), judge)


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
