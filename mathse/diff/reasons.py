"""Why rows came and went, where the project that they belong to can say it.

A row that went from a mix is looked for among the candidates of the new one, by running the new mix's query again: it
is `judged WRONG` now, over the limit, a leak, or no candidate. A row that came is looked for among the old one's
candidates. A problem that went, or that came, was rejected in the one project and not in the other.

Grain: one row per row that came or went and whose reason is known.

    id 0a51...    side removed    why left out: judged WRONG
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.diff.names import Dataset
from mathse.errors import UserError
from mathse.look.left_out import ReasonsOf
from mathse.tables import store
from mathse.tables.schemas import Reject

SCHEMA = pa.schema([("id", pa.string()), ("side", pa.string()), ("why", pa.string())])


class Reasons(NamedTuple):
    """Why rows came and went, and what in the table of changes a reason's id is compared with."""

    rows: pa.Table
    key: str


def explain(old: Dataset, new: Dataset, table: str, changes: Path, reasons_of: ReasonsOf) -> Reasons | None:
    """Say why rows came and went.

    Args:
        table: Their kind of rows, such as `MixRow`.
        reasons_of: Says why paths are not in a mix.

    Returns:
        None where nothing can be said: another kind of table, tables of a revision, a query that cannot be run.
    """
    columns = pq.read_schema(changes).names

    def value(name: str) -> str:
        return f"written.{name}" if name in columns else f"coalesce(new_{name}, old_{name})"

    rows: list[tuple[str, str, str]] = []
    if table == "Problem":
        key = f"{value('source')} || chr(31) || {value('source_id')}"
        rows = [*_rejected(new, "removed"), *_rejected(old, "added")]
    elif table == "MixRow":
        key = value("path_id")
        for side, other, prefix in (("removed", new, "old_"), ("added", old, "new_")):
            column = "path_id" if "path_id" in columns else f"{prefix}path_id"
            ids = pq.read_table(changes, columns=[column], filters=[("change", "==", side)])[column].to_pylist()
            if not ids or other.project is None or not other.view.startswith("mix_"):
                continue
            if (reasons := reasons_of(other.project, other.view.removeprefix("mix_"))) is not None:
                known = {name: f"left out of {other.label}: {reason}" for name, reason in reasons.items()}
                rows += [(name, side, known.get(name, f"no candidate of {other.label}")) for name in ids]
    if not rows:
        return None
    return Reasons(pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA), key)


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
