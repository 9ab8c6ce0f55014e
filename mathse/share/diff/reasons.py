"""Why rows came and went, where the project that they belong to can say it.

A row that went from a mix is looked for among the candidates of the new one, by running the new mix's query again: it
is `judged WRONG` now, over the limit, a leak, or no candidate. A row that came is looked for among the old one's
candidates. A problem that went, or that came, was rejected in the one project and not in the other.

Grain: one row a row that came or went and whose reason is known.

    id 0a51...    side removed    why left out: judged WRONG
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.mix import chosen
from mathse.share.diff.names import Dataset
from mathse.share.diff.rows import gather
from mathse.share.diff.sides import Places
from mathse.tables import store, views
from mathse.tables.schemas import Reject

MOST_CANDIDATES = 200_000
"""Of a larger step the query is not run again: it would take longer than all the rest."""
NO_CANDIDATE = "no candidate of {}"
SCHEMA = pa.schema([("id", pa.string()), ("side", pa.string()), ("why", pa.string())])


class Whys(NamedTuple):
    """Reasons, and what in the table of changes a reason's id is compared with."""

    rows: pa.Table
    key: str


def explain(old: Dataset, new: Dataset, table: str, removed: Places, added: Places) -> Whys | None:
    """Say why rows came and went.

    Args:
        old: The earlier dataset.
        new: The later one.
        table: Their kind of rows, such as `MixRow`.
        removed: Places in the old table of rows that went.
        added: Places in the new table of rows that came.

    Returns:
        None where nothing can be said: another kind of table, tables of a revision, a query that cannot be run.
    """
    if table == "Problem":
        rows = [*_rejected(new, "removed"), *_rejected(old, "added")]
        source, source_id = (f"coalesce(new_{name}, old_{name})" for name in ("source", "source_id"))
        return _whys(rows, f"{source} || chr(31) || {source_id}")
    if table != "MixRow":
        return None
    rows = []
    for places, of, other, side in ((removed, old, new, "removed"), (added, new, old, "added")):
        if len(places) and (reasons := _selection(other)) is not None:
            ids = gather(of.file, places, ["path_id"])["path_id"].to_list()
            rows += [(name, side, reasons.get(name, NO_CANDIDATE.format(other.label))) for name in ids]
    return _whys(rows, "written.path_id")


def _whys(rows: Sequence[tuple[str, str, str]], key: str) -> Whys | None:
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in range(3)]
    return Whys(pa.table(columns, schema=SCHEMA), key) if rows else None


def _selection(mix: Dataset) -> dict[str, str] | None:
    """Why candidates of a student's mix are not in it, by path id; None if its query cannot be run."""
    if mix.project is None or not mix.view.startswith("mix_"):
        return None
    try:
        settings = params.load(mix.project / params.PARAMS)
        step = mix.view.removeprefix("mix_")
        if store.metadata(mix.project / layout.paths(step)).rows > MOST_CANDIDATES:
            return None
        with chosen(settings, step, mix.project, partial=True) as (connection, _):
            left_out = views.query(connection, "select path_id, reason from selection where reason is not null")
            return {name: f"left out of {mix.label}: {reason}" for name, reason in left_out.rows}
    except UserError:
        return None


def _rejected(project: Dataset, side: str) -> Iterator[tuple[str, str, str]]:
    """What became of source rows that are no problems of a project."""
    file = project.project / layout.REJECTS if project.project and project.view == "problems" else None
    if file is None or not file.is_file():
        return
    try:
        store.require(file, Reject)
    except UserError:
        return
    for row in pq.read_table(file, columns=["source", "source_id", "reason"]).to_pylist():
        yield f"{row['source']}\x1f{row['source_id']}", side, f"rejected in {project.label}: {row['reason']}"
