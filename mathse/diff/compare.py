"""Compare two datasets: from files to a document.

    sides -> rows matched by key and told apart -> the changes as a table -> what they mean, and some of them

Where stored hashes tell rows apart, counts need no more than keys and hashes, and nothing else is read for them.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from mathse.diff import meaning
from mathse.diff.changes import CHANGE, NEW, OLD, WHICH, Changes
from mathse.diff.database import Database
from mathse.diff.document import Document, Example, Options
from mathse.diff.names import Dataset
from mathse.diff.reasons import explain
from mathse.diff.sides import Columns, open_side, relate
from mathse.look.left_out import ReasonsOf, left_out

ABOUT = ("kind", "round", "status", "subject", "level", "source", "reason", "why")
HASHES = ("row_hash", "text_hash")


def compare(old: Dataset, new: Dataset, options: Options, scratch: Path, reasons_of: ReasonsOf = left_out) -> Document:
    """Compare two datasets.

    Args:
        scratch: A folder for the table of changes.
        reasons_of: Says why paths are not in a mix.

    Raises:
        DiffError: They cannot be compared, the condition cannot be run, or the changes cannot be saved.
    """
    with ThreadPoolExecutor() as both:  # each reads a whole file to verify it
        first, second = both.map(open_side, (old.file, new.file), (old.label, new.label))
    sides = first, second
    columns = relate(*sides, options.key, options.columns, trust_hashes=not options.verify)
    file = scratch / "changes.parquet"
    content = not options.counts_only or options.condition or options.saved
    with Changes(*sides, columns) as changes:
        counts = changes.counts() if columns.hashed and not content else changes.write(file)
    schema = [f"column {name} is new" for name in columns.only_new]
    schema += [f"column {name} is gone" for name in columns.only_old]
    schema += [f"column {name} was {before}, is {after}" for name, (before, after) in columns.retyped.items()]
    if sides[0].version != sides[1].version:
        schema.append(f"schema version was {sides[0].version}, is {sides[1].version}")
    document = Document(old.label, new.label, sides[1].table, counts, schema)
    if not content:
        return document
    reasons = explain(old, new, document.table, file, reasons_of) if counts.added or counts.removed else None
    with Database(file, sides, columns, new.project or old.project, reasons, options.condition) as database:
        if options.condition:
            selected = database.select("select change, count(*) from changes group by all order by 1")
            document = replace(document, selected=dict(selected))
        if options.saved:
            database.save(options.saved)
        if options.counts_only:
            return document
        return replace(
            document,
            sections=meaning.sections(database, sides[1]),
            examples=_examples(database, columns, options.limit),
        )


def _examples(database: Database, columns: Columns, limit: int) -> list[Example]:
    """The first rows of each kind of change."""
    examples = []
    for change in ("changed", "added", "removed"):
        for cells in database.select(f"from changes where change = '{change}' limit {limit}"):
            row: dict[str, Any] = dict(zip(database.names, cells, strict=True))
            prefix = NEW if change == "added" else OLD
            whole = [name.removeprefix(prefix) for name in row if name.startswith(prefix)]
            names = row[WHICH] if change == "changed" else whole
            examples.append(
                Example(
                    change=row[CHANGE],
                    key={name: row[name] for name in columns.key},
                    about={name: row[name] for name in ABOUT if row.get(name) is not None and name not in columns.key},
                    values={name: (row.get(OLD + name), row.get(NEW + name)) for name in names if name not in HASHES},
                )
            )
    return examples
