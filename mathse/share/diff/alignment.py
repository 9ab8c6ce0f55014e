"""Rows of two tables matched by key, and which of the matched ones are the same by their stored hashes.

In: the key columns and, where both tables have it, `row_hash`; nothing else is read. Out: places (row numbers) in both.

Tables of this project are sorted by a key of 32 hex digits: `merged` walks through both at once, block by block in two
threads, comparing the digits as whole numbers. Anything else (other keys, duplicate ones, nulls) is `joined`.

Rows that share a key are matched in the order in which they stand: the first with the first, the second with the
second; what is left over came or went. A null key matches a null key, NaN matches NaN.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mathse.share.diff import merge
from mathse.share.diff.sides import ROW_HASH, Columns, DiffError, Side

Places = npt.NDArray[np.int64]

PLACE, RANK, AFTER = "#place", "#rank", "#after"


@dataclass(frozen=True)
class Alignment:
    """How the rows of two tables correspond.

    Attributes:
        old: Places in the old table of rows whose counterpart may differ.
        new: Places of their counterparts in the new table.
        removed: Places in the old table of rows without counterpart.
        added: Places in the new table of rows without counterpart.
        unchanged: Matched rows whose stored hashes are equal.
        duplicates: Rows of the old and of the new table that repeat another one's key.
    """

    old: Places
    new: Places
    removed: Places
    added: Places
    unchanged: int
    duplicates: tuple[int, int] = (0, 0)


def align(old: Side, new: Side, columns: Columns) -> Alignment:
    """Match the rows of two tables.

    Raises:
        DiffError: Rows cannot be matched by a column of this type.
    """
    if columns.hashed and len(columns.key) == 1:
        found = merge.merged(old.file, new.file, columns.key[0])
        if found is not None:
            return Alignment(*found)
    return _joined(old, new, columns)


def _joined(old: Side, new: Side, columns: Columns) -> Alignment:
    names = [*columns.key, *([ROW_HASH] if columns.hashed else [])]
    try:
        before, after = pl.read_parquet(old.file, columns=names), pl.read_parquet(new.file, columns=names)
        before, after = (_ranked(table, columns.key) for table in _alike(before, after, columns.key))
        pairs = before.join(after, on=[*columns.key, RANK], how="full", nulls_equal=True, suffix=AFTER)
    except pl.exceptions.PolarsError as error:
        raise DiffError(
            f"{old.label}, {new.label}: rows cannot be matched by {', '.join(columns.key)}: {error}"
        ) from error
    matched = pl.col(PLACE).is_not_null() & pl.col(PLACE + AFTER).is_not_null()
    same = matched & (pl.col(ROW_HASH) == pl.col(ROW_HASH + AFTER)) if columns.hashed else pl.lit(False)
    differing = pairs.filter(matched & ~same).sort(PLACE)
    return Alignment(
        old=differing[PLACE].to_numpy(),
        new=differing[PLACE + AFTER].to_numpy(),
        removed=pairs.filter(pl.col(PLACE + AFTER).is_null())[PLACE].sort().to_numpy(),
        added=pairs.filter(pl.col(PLACE).is_null())[PLACE + AFTER].sort().to_numpy(),
        unchanged=pairs.filter(same).height,
        duplicates=(int((before[RANK] > 0).sum()), int((after[RANK] > 0).sum())),
    )


def _alike(old: pl.DataFrame, new: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with keys of the same type: numbers as numbers, what else differs as text."""
    for name in key:
        types = old[name].dtype, new[name].dtype
        if types[0] != types[1]:
            common = pl.Float64 if all(kind.is_numeric() for kind in types) else pl.String
            old, new = (table.with_columns(pl.col(name).cast(common)) for table in (old, new))
    return old, new


def _ranked(table: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """With each row's place, and how many rows before it have the same key."""
    placed = table.with_columns(pl.int_range(pl.len()).alias(PLACE))
    return placed.with_columns(pl.int_range(pl.len()).over(list(key)).alias(RANK))
