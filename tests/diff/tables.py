"""Small Parquet files for the tests of `mathse diff`."""

from pathlib import Path
from typing import Any

import polars as pl

from mathse.diff.changes import Changes
from mathse.diff.compare import compare
from mathse.diff.document import Counts, Document, Options
from mathse.diff.names import Dataset
from mathse.diff.sides import open_side, relate


def parquet(file: Path, **columns: Any) -> Path:
    """A Parquet file that no row model describes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(file)
    return file


def written(old: Path, new: Path, *key: str) -> tuple[Counts, pl.DataFrame]:
    """The counts and the table of changes of two files; the counts of matching alone are the same."""
    sides = open_side(old, "old"), open_side(new, "new")
    with Changes(*sides, relate(*sides, key)) as changes:
        file = new.parent / "changes.parquet"
        counts = changes.write(file)
        matching = changes.counts()
    assert (matching.changed, matching.added, matching.removed) == (counts.changed, counts.added, counts.removed)
    return counts, pl.read_parquet(file)


def compared(old: Path, new: Path, *key: str, project: Path | None = None, **options: Any) -> Document:
    """The comparison of two files, its table of changes written beside the new one."""
    scratch = new.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    before, after = Dataset("old", old, "", project), Dataset("new", new, "", project)
    return compare(before, after, Options(key=key, **options), scratch)
