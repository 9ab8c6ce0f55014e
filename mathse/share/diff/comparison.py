"""Compare two datasets: from files to a document.

sides -> rows matched by key -> values compared, changes written -> what they mean, and some of them
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.share.diff import changes, meaning
from mathse.share.diff.alignment import align
from mathse.share.diff.asked import Asked
from mathse.share.diff.changes import CHANGE, NEW, OLD, WHICH
from mathse.share.diff.document import Document, Example
from mathse.share.diff.names import Dataset
from mathse.share.diff.reasons import explain
from mathse.share.diff.sides import Columns, DiffError, Side, open_side, relate

ABOUT = ("kind", "round", "status", "subject", "level", "source", "reason", "why")
HASHES = ("row_hash", "text_hash")


@dataclass(frozen=True)
class Wanted:
    """What is asked of a comparison.

    Attributes:
        key: Columns that identify a row; those of the row model if empty.
        columns: Compare only these; all if empty.
        condition: SQL that chooses among the changes; empty for all.
        limit: Examples of each kind of change.
        counts_only: Read stored hashes alone.
        verify: Do not trust stored hashes.
        saved: Where the table of changes goes; None if it is not wanted.
    """

    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    condition: str = ""
    limit: int = 3
    counts_only: bool = False
    verify: bool = False
    saved: Path | None = None


def compare(old: Dataset, new: Dataset, wanted: Wanted, scratch: Path) -> Document:
    """Compare two datasets.

    Args:
        old: The earlier one.
        new: The later one.
        wanted: What is asked.
        scratch: A folder for the table of changes.

    Raises:
        DiffError: They cannot be compared.
    """
    before, after = open_side(old.file, old.label), open_side(new.file, new.label)
    columns = relate(before, after, wanted.key, wanted.columns, trust_hashes=not wanted.verify)
    found = align(before, after, columns)
    schema = _schema_changes(before, after, columns)
    if wanted.counts_only:
        return Document(old.label, new.label, after.table, changes.count(before, after, found), schema)
    file = scratch / "changes.parquet"
    counts = changes.write(file, before, after, columns, found)
    whys = explain(old, new, after.table, found.removed, found.added) if len(found.removed) + len(found.added) else None
    asked = Asked(file, (before, after), columns, new.project or old.project, whys, wanted.condition)
    try:
        selected = dict(asked.ask("select change, count(*) from changes group by all order by 1"))
        if wanted.saved:
            _save(asked, wanted.saved, file)
        return Document(
            old.label,
            new.label,
            after.table,
            counts,
            schema,
            selected if wanted.condition else None,
            meaning.sections(asked, after),
            _examples(asked, columns, wanted.limit),
        )
    finally:
        asked.close()


def _schema_changes(old: Side, new: Side, columns: Columns) -> list[str]:
    told = [f"column {name} is new" for name in columns.only_new]
    told += [f"column {name} is gone" for name in columns.only_old]
    told += [f"column {name} was {before}, is {after}" for name, (before, after) in columns.retyped.items()]
    if old.version != new.version:
        told.append(f"schema version was {old.version}, is {new.version}")
    return told


def _examples(asked: Asked, columns: Columns, limit: int) -> list[Example]:
    found = []
    for change in ("changed", "added", "removed"):
        rows = asked.ask(f"from changes where change = '{change}' limit {limit}")
        found += [_example(dict(zip(asked.names, row, strict=True)), columns) for row in rows]
    return found


def _example(row: dict[str, Any], columns: Columns) -> Example:
    if row[CHANGE] == "changed":
        shown = list(row[WHICH])
    else:
        prefix = NEW if row[CHANGE] == "added" else OLD
        shown = [name.removeprefix(prefix) for name in row if name.startswith(prefix)]
    values = {name: (row.get(OLD + name), row.get(NEW + name)) for name in shown if name not in HASHES}
    about = {name: row[name] for name in ABOUT if row.get(name) is not None and name not in columns.key}
    return Example(row[CHANGE], {name: row[name] for name in columns.key}, about, values)


def _save(asked: Asked, target: Path, written: Path) -> None:
    """Save the table of changes, or those rows of it that were chosen."""
    names = ", ".join(f'"{name}"' for name in asked.stored)
    schema = pq.read_schema(written)
    if "why" in asked.stored:
        schema = schema.append(pa.field("why", pa.string()))
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
            for batch in asked.connection.sql(f"select {names} from changes").to_arrow_reader(8192):
                writer.write_batch(batch.cast(schema))
        fresh.replace(target)
    except OSError as error:
        raise DiffError(f"{target}: cannot be written ({error})") from error
    finally:
        fresh.unlink(missing_ok=True)
