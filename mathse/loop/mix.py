"""Step "mix": what the next model is trained on, decided by an SQL file.

`chosen` lets that file choose, and is all that does, whoever asks: `build`, which makes a student's mix from the mix
before and a step's judged paths (the paper's D_SFT), `mathse mix check`, and `mathse diff`. In: problems, paths,
verdicts, the mix and the remaining problems before. Out: one row per path, a TRL prompt-completion pair with its
lineage:

    path_id 0a51...  problem_id c3d0...  kind rollout  round 1  image_ids [9f86...]
    prompt      [{"role": "user", "content": "In the triangle, angle A is 50 and angle B is 60. Find angle C."}]
    completion  [{"role": "assistant", "content": "50 + 60 = 110. ... The answer to this problem is 70."}]
    rejected_path_id  77e2..., and rejected as `completion`, where the mix puts a wrong path beside it

With `mix.reflections: draft` the prompt of a reflection shows the wrong path that it reconsiders, too.

`mathse/loop/checks/*.sql` must return no rows of a mix before it takes its place.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from mathse import layout
from mathse.loop import mix_checks
from mathse.loop.ask import prompts
from mathse.loop.mix_rows import Draft, MixError, parsed, problem_of, student_row
from mathse.loop.mix_screen import Screens, screen, screens_of
from mathse.loop.selection import Contract, Selected, SelectionError, select
from mathse.params import STUDENT, Mix, Params, Query
from mathse.tables import schemas, store, views
from mathse.tables.files import write_json
from mathse.tables.schemas import MixRow, PathKind, Remaining, WrongPath

CONTRACT = Contract("mix", ("previous", "paths"), optional=("rejected_path_id",))
CANDIDATES = Path(__file__).with_name("candidates.sql")
REMAINING = Path(__file__).with_name("remaining.sql")
MEMORY = "1200MB"
"""What choosing paths may take, besides the interpreter; beyond it, DuckDB spills to `.mathse/duckdb`."""


@dataclass(frozen=True)
class Tables:
    """What a student's mix is made from.

    Attributes:
        problems: The `problems` table.
        paths: The step's paths, and people's corrections of them where there are any.
        verdicts: The verdicts on these.
        previous: The mix before.
        remaining: What that left unsolved.
        curation: What people decided; None in a project that has not made that table yet.
    """

    problems: Path
    paths: Path | tuple[Path, ...]
    verdicts: Path | tuple[Path, ...]
    previous: Path
    remaining: Path
    curation: Path | None = None

    def views(self) -> dict[str, Path | tuple[Path, ...]]:
        """The files by view name."""
        return {name: files for name, files in vars(self).items() if files is not None}


def tables_of(settings: Params, step: str, root: Path = Path()) -> Tables:
    """The tables from which a step's mix is made.

    Raises:
        ParamsError: There is no such step.
        MixError: The mix is an ORM's or its student's.
    """
    if step == STUDENT or step in settings.orms:
        names = ", ".join(settings.steps)
        raise MixError(f"{step}: `mix.query` does not choose its mix; name a step of params.yaml: {names}")
    row = settings.step(step)
    paths, verdicts, edits = (
        root / file for file in (layout.paths(step), layout.verdicts(step), layout.edited_paths(row.judge, step))
    )
    with_edits, decisions = edits.is_file(), root / layout.curation(row.judge) / layout.DECISIONS
    return Tables(
        problems=root / layout.PROBLEMS,
        paths=(paths, edits) if with_edits else paths,
        verdicts=(verdicts, root / layout.edited_verdicts(row.judge, step)) if with_edits else verdicts,
        previous=root / layout.mix(row.prev),
        remaining=root / layout.remaining(row.prev),
        curation=decisions if decisions.is_file() else None,
    )


@contextmanager
def chosen(
    settings: Params, step: str, root: Path = Path(), others: Mapping[str, Path] | None = None, partial: bool = False
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Selected]]:
    """Let `mix.query` choose a step's mix, and hold what it chose against benchmarks and near-duplicates.

    Args:
        others: More views for the connection.
        partial: Whether a project without benchmark items will do, such as one that is only looked at.

    Yields:
        A connection with the step's views and `selection` (`choose`), and what became of the candidates.

    Raises:
        SelectionError: The query does not keep its contract.
        UserError: There is no such step, or a table is missing.
    """
    query = settings.mix.model_copy(update={"query": root / settings.mix.query})
    with opened(tables_of(settings, step, root), settings.mix, others) as connection:
        yield connection, choose(connection, query, screens_of(settings, root, partial))


@contextmanager
def opened(tables: Tables, mix: Mix, others: Mapping[str, Path] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The views that a student's mix is chosen from, those of `candidates.sql` too, on all cores."""
    with views.opened({**tables.views(), **(others or {})}, len(os.sched_getaffinity(0)), MEMORY) as connection:
        share(connection, mix)
        yield connection


def share(connection: duckdb.DuckDBPyConnection, mix: Mix) -> None:
    """Add the views of `candidates.sql` to those of a step, as the section `mix` would have them.

    Raises:
        QueryError: A table is of an earlier version.
    """
    for name in ("require", "distinct", "prefer", "reflections"):
        connection.execute(f"set variable {views.identifier(name)} = $value", {"value": getattr(mix, name)})
    try:
        for statement in duckdb.extract_statements(CANDIDATES.read_text(encoding="utf-8")):
            connection.execute(statement)
    except duckdb.BinderException as error:
        raise views.QueryError(f"a table of this step lacks a column ({error}); remake it with `dvc repro`") from error


def choose(connection: duckdb.DuckDBPyConnection, query: Query, screens: Screens) -> Selected:
    """Run a student's mix query and screen what it chose.

    Args:
        connection: As `opened` makes it. It keeps `selection` (path_id, reason, rejected_path_id), one row per
            candidate, and `pairs` (path_id, rejected_path_id, text), the wrong paths beside those in the mix.

    Raises:
        SelectionError: The query does not keep its contract.
    """
    select(connection, query, CONTRACT)
    _pair(connection, query)
    return screen(connection, screens)


class MixReport(BaseModel):
    """A mix in numbers; `reports/mixes/<step>.json`.

    {"step": "1", "candidates": 1128, "rows": 420, "left_out": {"judged WRONG": 610, ...}, "solved": 212, ...}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = Field(description="The step whose mix it is.")
    candidates: int = Field(description="Paths the query decided on.")
    rows: int = Field(description="Those in the mix.")
    left_out: dict[str, int] = Field(description="The others, by reason.")
    solved: int = Field(description="Problems that this mix solves and the one before does not.")
    remaining: int = Field(description="Problems that the step tried to solve.")

    def __str__(self) -> str:
        selected = Selected(self.candidates, self.rows, self.left_out)
        return f"{selected}; {self.solved} of {self.remaining} problems solved"


def build(settings: Params, step: str, root: Path = Path()) -> MixReport:
    """Make a step's mix, what it leaves unsolved, and the report; rows of the mix before stay as they are.

    Raises:
        SelectionError: The query does not keep its contract.
        MixError: The student's prompt does not exist or does not fit, or a path in the mix lacks its problem or draft.
        CheckFailed: A check found rows; the mix before the run, if any, is still in place.
    """
    tables, mix = tables_of(settings, step, root), root / layout.mix(step)
    with chosen(settings, step, root) as (connection, selected):
        mix_checks.write(mix, _rows(connection, settings), tables.problems)
    with opened(tables, settings.mix, {"mix": mix}) as connection:
        store.write(root / layout.remaining(step), Remaining, _remaining(connection, step))
        (counts,) = views.dicts(
            connection.execute("""
            select
                (select count(distinct problem_id) from mix anti join previous using (problem_id)) as solved,
                (select count(distinct problem_id) from paths) as remaining
        """)
        )
    report = MixReport(
        step=step, candidates=selected.rows_in, rows=selected.rows_kept, left_out=selected.left_out, **counts
    )
    write_json(root / layout.mix_report(step), report)
    return report


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


def _rows(connection: duckdb.DuckDBPyConnection, settings: Params) -> Iterator[MixRow]:
    """The rows chosen: those of the mix before as they are, then the new ones."""
    prompt, with_drafts = settings.student.prompt, settings.mix.reflections == "draft"
    if with_drafts and prompt not in prompts.WITH_DRAFT:
        raise MixError(
            f"mix.reflections: a student that is asked with {prompt} can be shown no draft; set student.prompt to "
            f"{' or '.join(prompts.WITH_DRAFT)}, or mix.reflections to corrected"
        )
    before = "select previous from previous join selection using (path_id) where reason is null"
    for record in views.records(connection, before):
        yield parsed(MixRow, record["previous"])
    new = """
        select problems, paths, pairs.rejected_path_id, pairs.text, drafts
        from paths anti join previous using (path_id)
        join selection using (path_id) left join problems using (problem_id) left join pairs using (path_id)
        left join drafts using (path_id)
        where reason is null
    """
    for record in views.records(connection, new):
        path = parsed(schemas.Path, record["paths"])
        rejected = None if record["text"] is None else (record["rejected_path_id"], record["text"])
        draft = _draft(path, record["drafts"]) if with_drafts and path.kind is PathKind.REFLECTION else None
        yield student_row(problem_of(record, path), path, prompt, rejected, draft)


def _draft(path: schemas.Path, wrong: Mapping[str, Any]) -> Draft:
    if wrong["text"] is None:
        raise MixError(
            f"mix.reflections: path {path.path_id} reconsiders {path.parent_path_id}, which is no wrong path to the "
            "same problem; remake the step's tables with `dvc repro`, or set mix.reflections to corrected"
        )
    return Draft(wrong["text"], wrong["error_step"], wrong["error_analysis"])


def _remaining(connection: duckdb.DuckDBPyConnection, step: str) -> Iterator[Remaining]:
    """The problems that a step leaves unsolved, each with its wrong paths, the newest step's first."""
    # One row per wrong path, in order: DuckDB sorts on disk what it cannot in memory, but gathers lists in memory only.
    rows = views.records(connection, REMAINING.read_text(encoding="utf-8"), {"step": step})
    for problem_id, own in groupby(rows, key=lambda row: str(row.pop("problem_id"))):
        wrong = tuple(WrongPath(**row) for row in own if row["path_id"] is not None)
        yield Remaining(problem_id=problem_id, wrong=wrong)
