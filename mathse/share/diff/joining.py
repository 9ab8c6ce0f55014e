"""Rows of any two tables matched by key: any columns, in any order, repeated or missing.

Rows that share a key are matched in the order in which they stand: the first with the first, the second with the
second; what is left over came or went. A null key matches a null key, NaN matches NaN.
"""

import polars as pl

from mathse.share.diff.sides import ROW_HASH, Alignment, Columns, DiffError, Side

PLACE, RANK, AFTER = "#place", "#rank", "#after"


def joined(old: Side, new: Side, columns: Columns) -> Alignment:
    """Match the rows of two tables. Arguments and errors as for `alignment.align`."""
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
