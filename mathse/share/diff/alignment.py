"""Rows of two tables matched by key, and which of the matched ones are the same by their stored hashes.

In: the key columns and, where both tables have it, `row_hash`; nothing else is read. Out: places (row numbers) in both.

Tables of this project are sorted by a key of 32 hex digits: `merged` walks through both at once, block by block in two
threads, comparing the digits as whole numbers. Anything else (other keys, duplicate ones, nulls) is `joined`.

Rows that share a key are matched in the order in which they stand: the first with the first, the second with the
second; what is left over came or went. A null key matches a null key, NaN matches NaN.
"""

from mathse.share.diff import merge
from mathse.share.diff.sides import Alignment, Columns, Side


def align(old: Side, new: Side, columns: Columns) -> Alignment:
    """Match the rows of two tables.

    Raises:
        DiffError: Rows cannot be matched by a column of this type.
    """
    if columns.hashed and len(columns.key) == 1:
        found = merge.merged(old.file, new.file, columns.key[0])
        if found is not None:
            return Alignment(*found)
    from mathse.share.diff.joining import joined  # brings Polars along

    return joined(old, new, columns)
