"""Small Parquet files for the tests of `mathse diff`."""

from pathlib import Path
from typing import Any

import polars as pl

from mathse.share.diff.alignment import align
from mathse.share.diff.comparison import compare
from mathse.share.diff.document import Document, Wanted
from mathse.share.diff.names import Dataset
from mathse.share.diff.sides import Alignment, open_side, relate


def parquet(file: Path, **columns: Any) -> Path:
    """A Parquet file that no row model describes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(file)
    return file


def aligned(old: Path, new: Path, *key: str) -> Alignment:
    sides = open_side(old, "old"), open_side(new, "new")
    return align(*sides, relate(*sides, key))


def compared(old: Path, new: Path, *key: str, project: Path | None = None, **wanted: Any) -> Document:
    """The comparison of two files, its table of changes written beside the new one."""
    scratch = new.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    before, after = Dataset("old", old, "", project), Dataset("new", new, "", project)
    return compare(before, after, Wanted(key=key, **wanted), scratch)
