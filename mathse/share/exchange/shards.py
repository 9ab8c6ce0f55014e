"""Rows as Parquet shards that `datasets` opens: features in the file, images as `Image`, one row group in memory.

data/train-00000-of-00002.parquet    at most about 400 MB
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, Image, List

from mathse.share.exchange.columns import SharedRow
from mathse.tables import store

FOLDER, SPLIT = "data", "train"
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


def features() -> Features:
    """The columns as `datasets` declares them."""
    declared = Features.from_arrow_schema(store.arrow_schema(SharedRow).remove_metadata())
    declared["images"] = List(Image())
    return declared


def write(out: Path, rows: Iterable[SharedRow], shard_bytes: int = SHARD_BYTES) -> Shards:
    """Write all rows, in their order.

    Args:
        out: The export's folder.
        rows: Consumed once.
        shard_bytes: Size from which on a new shard is begun.
    """
    writer = _Writer(out, shard_bytes)
    try:
        for row in rows:
            writer.add(row)
    finally:
        writer.close()
    return writer.named()


class _Writer:
    """Gathers rows to row groups, and row groups to shards."""

    def __init__(self, out: Path, shard_bytes: int) -> None:
        self._out, self._shard_bytes = out, shard_bytes
        self._schema = features().arrow_schema  # any other is not taken for images by `datasets`
        self._waiting: list[dict[str, Any]] = []
        self._waiting_bytes = self._rows = self._bytes = 0
        self._files: list[Path] = []
        self._open: pq.ParquetWriter | None = None
        (out / FOLDER).mkdir(parents=True)

    def add(self, row: SharedRow) -> None:
        self._waiting.append(row.model_dump())
        self._waiting_bytes += sum(len(image.bytes) for image in row.images) + 4 * len(row.text)
        if self._waiting_bytes >= GROUP_BYTES or len(self._waiting) >= GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        if not self._waiting:
            return
        group = pa.Table.from_pylist(self._waiting, schema=self._schema)
        if self._open is None:
            self._files.append(self._out / FOLDER / f"{SPLIT}-{len(self._files):05d}.parquet")
            self._open = pq.ParquetWriter(self._files[-1], self._schema, write_page_index=True, **store.ENCODING)
        self._open.write_table(group)
        self._rows += group.num_rows
        self._bytes += group.nbytes
        self._waiting, self._waiting_bytes = [], 0
        if self._files[-1].stat().st_size >= self._shard_bytes:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def close(self) -> None:
        self._write_group()
        self._end_shard()

    def named(self) -> Shards:
        """Give each shard its name, which has their number in it."""
        names = []
        for place, file in enumerate(self._files):
            names.append(Path(FOLDER) / f"{SPLIT}-{place:05d}-of-{len(self._files):05d}.parquet")
            file.rename(self._out / names[-1])
        size = sum((self._out / name).stat().st_size for name in names)
        return Shards(tuple(names), self._rows, self._bytes, size)
