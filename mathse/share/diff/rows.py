"""Rows of a Parquet file by their places, read group by group: memory holds one row group and what was asked for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mathse.share.diff.sides import Places


def gather(file: Path, places: Places, columns: Sequence[str]) -> pl.DataFrame:
    """Read rows.

    Args:
        file: A Parquet file.
        places: Their numbers in the file, from 0, in any order.
        columns: What of them is read.

    Returns:
        One row a place, in the order of the places.
    """
    order = np.argsort(places, kind="stable")
    wanted = places[order]
    with pq.ParquetFile(file, memory_map=False) as parquet:
        about = parquet.metadata
        ends = np.cumsum([0, *(about.row_group(number).num_rows for number in range(about.num_row_groups))])
        cuts = np.searchsorted(wanted, ends)
        parts = [parquet.schema_arrow.empty_table().select(columns)]
        for number in np.flatnonzero(np.diff(cuts)):
            group = parquet.read_row_group(int(number), columns=list(columns), use_threads=False)
            parts.append(group.take(pa.array(wanted[cuts[number] : cuts[number + 1]] - ends[number])))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return _frame(pa.concat_tables(parts))[back]


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
