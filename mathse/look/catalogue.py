"""Every table of a run by name: one view per table, and views over all tables of a kind.

    problems, images, origins, rejects, leaks      the problems, where they came from, and what could not become one
    benchmark_items, benchmark_rejects, ...        the public benchmarks that models are measured on
    paths_0, verdicts_0, mix_0, remaining_0, ...   each step's tables; predictions_0, predictions_base: each model's
    orm_paths, orm_feedback, orm_held_out, ...     what an ORM learned from, and is measured on; mix_orm trained it
    paths, verdicts, mix, feedback, ...            all tables of a kind, with the column `step`, `model_name` or `orm`
    paths_0_edited, verdicts_0_edited, ...         corrections of a step's paths; `paths` and `verdicts` have them too
    curation                                       what people decided about paths, as data/curation.jsonl has it now
    notes                                          what people noted on paths, whatever they or others decided

The names that tables had before answer too (`mathse.report.names`), but are not listed.
"""

import re
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.errors import HOW_TO_GET
from mathse.params import STUDENT
from mathse.report import names
from mathse.report.names import EDITED, OF_ORMS, OF_STEPS, Names
from mathse.tables import views
from mathse.tables.columns import arrow_schema

NONE_YET = f"there are no tables here yet; {HOW_TO_GET}"
_FIXED = {
    "problems": layout.PROBLEMS,
    "images": layout.IMAGES,
    "rejects": layout.REJECTS,
    "leaks": layout.LEAKS,
    "origins": layout.ORIGINS,
    "benchmark_items": layout.BENCHMARK_ITEMS,
    "benchmark_images": layout.BENCHMARK_IMAGES,
    "benchmark_rejects": layout.BENCHMARK_REJECTS,
}
_OF_STEP = {
    "paths": layout.paths,
    "verdicts": layout.verdicts,
    "mix": layout.mix,
    "remaining": layout.remaining,
    "predictions": layout.predictions,
}
_OF_ORM = {
    "paths": layout.orm_paths,
    "feedback": layout.orm_feedback,
    "held_out": layout.orm_held_out,
    "verdicts": layout.orm_verdicts,
}
_UNIONS = {
    "paths": "step",
    "verdicts": "step",
    "remaining": "step",
    "mix": "step",
    "predictions": "model_name",
    "feedback": "orm",
    "held_out": "orm",
}
"""Kinds that have a view over all their tables, and its column that says which one a row is from."""
_STEP_VIEW = re.compile(rf"({'|'.join(OF_STEPS)})_([a-z0-9][a-z0-9_-]*)")
_ORM_VIEW = re.compile(rf"(.+?)_({'|'.join(OF_ORMS)})")


class Entry(NamedTuple):
    """A table that exists.

    Attributes:
        kind: `paths`, `mix`, ...; of the only table of a kind, the view's name.
        of: The step, model or ORM it belongs to; empty for the only table of a kind.
        file: Where it lies.
    """

    kind: str
    of: str
    file: Path

    @property
    def short(self) -> str:
        """The name that people use for it: `paths@1`."""
        return f"{self.kind}@{self.of}" if self.of else self.kind


def catalogue(root: Path, known: Names | None = None) -> dict[str, Entry]:
    """Every table that exists below `root`, by view name: the problems, the ORMs', then by kind in the loop's order.

    Args:
        known: Its names; read from its params if None.
    """
    known = known or names.of(root)
    tables = {view: Entry(view, "", root / file) for view, file in _FIXED.items()}
    orms = (folder.name for folder in (root / layout.ORMS).glob("[!.]*") if folder.is_dir())
    for orm in known.order(orms):
        tables |= {f"{orm}_{kind}": Entry(kind, orm, root / _OF_ORM[kind](orm)) for kind in OF_ORMS}
    for kind in OF_STEPS:
        files = (root / _OF_STEP[kind]("any")).parent.glob("[!.]*.parquet")
        for step in known.order(file.stem for file in files):
            tables[f"{kind}_{step}"] = Entry(kind, step, root / _OF_STEP[kind](step))
    for step, row in known.settings.steps.items() if known.settings else ():
        for kind, file in _edited(row.judge, step).items():
            tables[f"{kind}_{step}{EDITED}"] = Entry(kind, f"{step}{EDITED}", root / file)
    return {view: entry for view, entry in tables.items() if entry.file.is_file()}


def apart(known: Names) -> tuple[str, ...]:
    """The ORMs and their student: they learn from paths of their own, which nobody decides on."""
    return (STUDENT, *known.orms)


def place(view: str, known: Names) -> Path | None:
    """Where a view's table lies, relative to the root, whether it exists or not; None if no view can have that name."""
    if view in _FIXED:
        return _FIXED[view]
    if match := _STEP_VIEW.fullmatch(view):
        step = match[2].removesuffix(EDITED)
        if known.settings and step != match[2] and step in known.settings.steps:
            return _edited(known.settings.steps[step].judge, step).get(match[1])
        return _OF_STEP[match[1]](match[2])
    if match := _ORM_VIEW.fullmatch(view):
        return _OF_ORM[match[2]](match[1]) if match[1] in known.orms else None
    return None


def _edited(orm: str, step: str) -> dict[str, Path]:
    """Where corrections of a step's paths and the verdicts on them lie, by kind."""
    return {"paths": layout.edited_paths(orm, step), "verdicts": layout.edited_verdicts(orm, step)}


def former_place(view: str, known: Names) -> Path | None:
    """Where a view's table lay before steps had names, as revisions of that time have it; None if nowhere else."""
    match = _STEP_VIEW.fullmatch(view)
    kind, of = match.groups() if match else ("", "")
    folder, model = known.before(of)
    if view in ("rejects", "leaks"):
        return layout.PROBLEMS.with_name(f"{view}.parquet")
    if of == STUDENT and kind in ("paths", "mix"):
        return layout.ORMS / f"{STUDENT}_{kind}.parquet"
    if kind == "mix":
        return layout.ORMS / "mix.parquet" if of in known.orms else layout.mix(model)
    if kind in ("paths", "verdicts"):
        return layout.DATA / folder / f"{kind}.parquet"
    if kind == "predictions":
        return layout.DATA / "eval" / model / "predictions.parquet"
    match = _ORM_VIEW.fullmatch(view)
    return layout.ORMS / f"{match[2]}.parquet" if match else None


def connect(root: Path, sql: str = "") -> duckdb.DuckDBPyConnection:
    """Open every table below `root`, and the views over all tables of a kind.

    Args:
        sql: The query to come: the former names of tables that it uses become views too, and tables of images, which
            may be large, are verified for a query that names them alone.

    Raises:
        QueryError: A table is damaged.
    """
    known = names.of(root)
    tables = catalogue(root, known)
    unread = [view for view in tables if view.endswith("images") and view not in sql.lower()]
    connection = views.connect({view: entry.file for view, entry in tables.items()}, unverified=unread)
    for kind, column in _UNIONS.items():
        selects = [
            f"select {views.literal(entry.of)} as {column}, * from {views.identifier(view)}"
            for view, entry in tables.items()
            if entry.kind == kind
        ]
        if selects:
            connection.execute(f"create view {kind} as {' union all by name '.join(selects)}")
    if tables:
        counting, notes = decisions.standing(decisions.read(root))
        for view, taken in {"curation": counting.values(), "notes": chain(*notes.values())}.items():
            rows = [decision.model_dump() for decision in taken]
            connection.register("taken", pa.Table.from_pylist(rows, arrow_schema(Decision)))
            connection.execute(f'create table {view} as from taken order by path_id, "at", row_hash')
            connection.unregister("taken")
    for former, view in known.former(tables):
        if re.search(rf"\b{re.escape(former)}\b", sql, re.IGNORECASE):
            connection.execute(f"create view {views.identifier(former)} as from {views.identifier(view)}")
    return connection
