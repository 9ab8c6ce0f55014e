"""Compare two datasets: from files to a document.

    sides -> rows matched by key -> values compared, changes written -> what they mean, and some of them

Counts need the first two alone, and load no more than those do.
"""

from dataclasses import replace
from pathlib import Path

from mathse.share.diff.alignment import align
from mathse.share.diff.counts import count
from mathse.share.diff.document import Document, Matched, Wanted
from mathse.share.diff.names import Dataset
from mathse.share.diff.sides import Columns, Side, open_side, relate


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
    document = Document(old.label, new.label, after.table, count(before, after, found), schema)
    if wanted.counts_only and columns.hashed and not wanted.columns and not wanted.condition and not wanted.saved:
        return document
    from mathse.share.diff.content import told

    complete = told(document, Matched(old, new, (before, after), columns, found), wanted, scratch)
    return replace(complete, sections=[], examples=[]) if wanted.counts_only else complete


def _schema_changes(old: Side, new: Side, columns: Columns) -> list[str]:
    told = [f"column {name} is new" for name in columns.only_new]
    told += [f"column {name} is gone" for name in columns.only_old]
    told += [f"column {name} was {before}, is {after}" for name, (before, after) in columns.retyped.items()]
    if old.version != new.version:
        told.append(f"schema version was {old.version}, is {new.version}")
    return told
