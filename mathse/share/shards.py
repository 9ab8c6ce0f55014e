"""Rows as Parquet shards that `datasets` opens: features in the file, images as `Image`, one row group in memory.

data/train-00000-of-00002.parquet    at most about 400 MB
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.share.columns import SharedRow, features
from mathse.tables.columns import ENCODING

FOLDER, SPLIT = "data", "train"
SHARDS = f"{FOLDER}/{SPLIT}-*.parquet"
SHARD_BYTES = 400_000_000
GROUP_BYTES, GROUP_ROWS = 16 * 2**20, 1000
"""A row group is what a reader holds in memory, and what a viewer fetches to show a page."""


@dataclass(frozen=True)
class Shards:
    """What was written.

    Attributes:
        files: In order, relative to the export.
        rows: In all files.
        in_memory: Bytes of the rows as arrow tables.
        on_disk: Bytes of the files.
    """

    files: tuple[Path, ...]
    rows: int
    in_memory: int
    on_disk: int


def write(out: Path, rows: Iterable[SharedRow], shard_bytes: int = SHARD_BYTES) -> Shards:
    """Write all rows, in their order.

    Args:
        rows: Consumed once.
        shard_bytes: A shard that has reached this size is closed.
    """
    schema = features().arrow_schema  # any other is not taken for images by `datasets`
    (out / FOLDER).mkdir(parents=True)
    written: list[Path] = []
    writer: pq.ParquetWriter | None = None
    count = in_memory = 0
    try:
        for group in _groups(rows, schema):
            if writer is None:
                written.append(out / FOLDER / f"{SPLIT}-{len(written):05d}.parquet")
                writer = pq.ParquetWriter(written[-1], schema, write_page_index=True, **ENCODING)
            writer.write_table(group)
            count += group.num_rows
            in_memory += group.nbytes
            if written[-1].stat().st_size >= shard_bytes:
                writer.close()
                writer = None
    finally:
        if writer is not None:
            writer.close()
    # A shard's name has their number in it, which is known at the end.
    names = [Path(FOLDER) / f"{SPLIT}-{place:05d}-of-{len(written):05d}.parquet" for place in range(len(written))]
    for file, name in zip(written, names, strict=True):
        file.rename(out / name)
    return Shards(tuple(names), count, in_memory, sum((out / name).stat().st_size for name in names))


def _groups(rows: Iterable[SharedRow], schema: pa.Schema) -> Iterable[pa.Table]:
    """The rows in groups of a size that a reader can hold."""
    waiting, size = [], 0
    for row in rows:
        waiting.append(row.model_dump())
        size += sum(len(image.bytes) for image in row.images) + 4 * len(row.text)
        if size >= GROUP_BYTES or len(waiting) >= GROUP_ROWS:
            yield pa.Table.from_pylist(waiting, schema=schema)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_pylist(waiting, schema=schema)
