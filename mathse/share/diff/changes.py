"""The changed, added and removed rows of a comparison as one table on disk, old values beside new ones.

Grain: one row a row that changed, came or went, in this order, each in the order of its table.

    change           changed
    path_id          0a51...                    the key
    changed_columns  ["status"]                 empty for rows that came or went
    old_status       WRONG                      null for rows that came
    new_status       CORRECT                    null for rows that went
    ...                                         the same for every other column, the stored hashes among them

It is written and read in parts: memory does not grow with the number of changes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mathse.share.diff.counts import Counts
from mathse.share.diff.rows import gather
from mathse.share.diff.sides import Alignment, Columns, DiffError, Places, Side
from mathse.share.diff.values import Mask, differ

CHANGE, WHICH = "change", "changed_columns"
OLD, NEW = "old_", "new_"
PART_ROWS = 32_768


@dataclass(frozen=True)
class _Part:
    """Places of one part's rows: matched ones (in both tables), those that came, and those that went."""

    old: Places
    new: Places
    added: Places
    removed: Places


def write(file: Path, old: Side, new: Side, columns: Columns, found: Alignment) -> Counts:
    """Write the changes and count them.

    Args:
        file: Where; overwritten.
        old: The earlier table.
        new: The later one.
        columns: How their columns relate.
        found: How their rows correspond.

    Raises:
        DiffError: A key column has a name that this table needs for its own.
    """
    schema = _schema(old, new, columns)
    changed, by_column = 0, dict.fromkeys(columns.common, 0)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer, ThreadPoolExecutor(2) as pool:
        for part in _parts(found):
            before = pool.submit(gather, old.file, np.concatenate([part.old, part.removed]), _read(old, columns))
            after = gather(new.file, np.concatenate([part.new, part.added]), _read(new, columns))
            masks = _masks(before.result()[: len(part.old)], after[: len(part.new)], columns)
            kept = np.logical_or.reduce([np.zeros(len(part.old), bool), *masks.values()])
            changed += int(kept.sum())
            by_column = {name: by_column[name] + int(mask.sum()) for name, mask in masks.items()}
            rows = _rows(before.result(), after, masks, kept, columns)
            writer.write_table(rows.select(schema.names).to_arrow().cast(schema))
    unchanged = found.unchanged + len(found.old) - changed
    told = {name: rows for name, rows in by_column.items() if rows}
    return Counts(old.rows, new.rows, changed, len(found.added), len(found.removed), unchanged, found.duplicates, told)


def _parts(found: Alignment) -> Iterator[_Part]:
    """Few enough rows at a time; where there are few in all, one part, so that each file is read once."""
    nothing = np.empty(0, np.int64)
    if len(found.old) + len(found.added) + len(found.removed) <= PART_ROWS:
        yield _Part(found.old, found.new, found.added, found.removed)
        return
    for start in range(0, len(found.old), PART_ROWS):
        cut = slice(start, start + PART_ROWS)
        yield _Part(found.old[cut], found.new[cut], nothing, nothing)
    for start in range(0, len(found.added), PART_ROWS):
        yield _Part(nothing, nothing, found.added[start : start + PART_ROWS], nothing)
    for start in range(0, len(found.removed), PART_ROWS):
        yield _Part(nothing, nothing, nothing, found.removed[start : start + PART_ROWS])


def _read(side: Side, columns: Columns) -> list[str]:
    return [name for name in side.schema.names if name not in columns.unread]


def _masks(old: pl.DataFrame, new: pl.DataFrame, columns: Columns) -> dict[str, Mask]:
    return {name: differ(old[name], new[name]) for name in columns.common}


def _rows(old: pl.DataFrame, new: pl.DataFrame, masks: dict[str, Mask], kept: Mask, columns: Columns) -> pl.DataFrame:
    """The part's changes: rows that differ, came and went."""
    pairs = len(kept)
    which = pl.DataFrame({name: mask[kept] for name, mask in masks.items()})
    names = [[name for name, changed in zip(columns.common, row, strict=True) if changed] for row in which.iter_rows()]
    both = pl.concat(
        [_side(old[:pairs].filter(kept), columns, OLD), _side(new[:pairs].filter(kept), columns, NEW, key=False)],
        how="horizontal",
    )
    parts = {"changed": both, "added": _side(new[pairs:], columns, NEW), "removed": _side(old[pairs:], columns, OLD)}
    told = [
        part.with_columns(
            pl.lit(kind).alias(CHANGE),
            pl.Series(WHICH, names if kind == "changed" else [[]] * len(part), pl.List(pl.String)),
        )
        for kind, part in parts.items()
    ]
    return pl.concat(told, how="diagonal_relaxed")


def _side(rows: pl.DataFrame, columns: Columns, prefix: str, key: bool = True) -> pl.DataFrame:
    """A table's own columns under names that say whose they are; the key, if wanted, under its own."""
    keys = columns.key if key else ()
    rest = [pl.col(name).alias(prefix + name) for name in rows.columns if name not in columns.key]
    return rows.select(*keys, *rest)


def _schema(old: Side, new: Side, columns: Columns) -> pa.Schema:
    keys = [pa.field(name, _key_type(old, new, name)) for name in columns.key]
    both = [name for name in _read(new, columns) if name not in columns.key] + [*columns.only_old]
    values = [
        pa.field(prefix + name, side.schema.field(name).type)
        for name in both
        for prefix, side in ((OLD, old), (NEW, new))
        if name in side.schema.names
    ]
    fields = [pa.field(CHANGE, pa.string()), *keys, pa.field(WHICH, pa.list_(pa.string())), *values]
    names = [field.name for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DiffError(f"{new.label}: column {twice[0]} has a name that the table of changes uses itself; rename it")
    return pa.schema(fields)


def _key_type(old: Side, new: Side, name: str) -> pa.DataType:
    types = [side.schema.field(name).type for side in (old, new)]
    if types[0] == types[1]:
        return types[0]
    numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in types)
    return pa.float64() if numbers else pa.string()
