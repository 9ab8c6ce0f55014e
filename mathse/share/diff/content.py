"""What two datasets differ in, told from their rows: the part of a comparison that reads values."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.share.diff import changes, meaning
from mathse.share.diff.asked import Asked
from mathse.share.diff.changes import CHANGE, NEW, OLD, WHICH
from mathse.share.diff.document import Document, Example, Matched, Wanted
from mathse.share.diff.reasons import explain
from mathse.share.diff.sides import Columns, DiffError

ABOUT = ("kind", "round", "status", "subject", "level", "source", "reason", "why")
HASHES = ("row_hash", "text_hash")


def told(document: Document, matched: Matched, wanted: Wanted, scratch: Path) -> Document:
    """Complete a document by what the rows say.

    Args:
        document: The comparison so far.
        matched: The two datasets.
        wanted: What is asked.
        scratch: A folder for the table of changes.

    Raises:
        DiffError: The condition cannot be run, or the changes cannot be saved.
    """
    old, new, columns, rows = matched.old, matched.new, matched.columns, matched.rows
    file = scratch / "changes.parquet"
    counts = changes.write(file, *matched.sides, columns, rows)
    moved = len(rows.removed) + len(rows.added)
    whys = explain(old, new, document.table, rows.removed, rows.added) if moved else None
    asked = Asked(file, matched.sides, columns, new.project or old.project, whys, wanted.condition)
    try:
        selected = dict(asked.ask("select change, count(*) from changes group by all order by 1"))
        if wanted.saved:
            _save(asked, wanted.saved, file)
        return replace(
            document,
            counts=counts,
            selected=selected if wanted.condition else None,
            sections=meaning.sections(asked, matched.sides[1]),
            examples=_examples(asked, columns, wanted.limit),
        )
    finally:
        asked.close()


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
