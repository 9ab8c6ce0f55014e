"""A source's files as rows: JSON (an array, or a mapping of rows), JSON lines, and Parquet; streamed, in a fixed order.

What cannot be read is a `Damaged` with its place, never an exception and never silence. Only a location that does not
exist is an error, as there is nothing that could be counted.
"""

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse.errors import UserError, described
from mathse.sources.json_stream import elements
from mathse.sources.rows.raw import Damaged, SourceRow
from mathse.tables import jsonl
from mathse.tables.jsonl import BOM

ROWS = (".json", ".jsonl", ".parquet")
"""Endings of the files that hold rows."""
LARGEST_ROW = 128 * 2**20
"""Bytes that a row of a Parquet file may take; it may hold images."""
_CELL = 64
"""Bytes that a value takes in Python beside its content."""
_MOST_IN_PYTHON = 512
"""How many times larger than in Arrow a value can be in Python: a bit becomes an object."""
_LARGEST_GROUP = 2**26
"""Values of a column in one row group, and bytes beyond which one may not be packed a hundredfold."""
_PACKED = 100
_BATCH = 16
"""Rows of a Parquet file in memory at once; they may hold images."""


class SourceError(UserError):
    """A source's location cannot be used; the message names it and the remedy."""


def root(location: Path) -> Path:
    """The source's folder: `location`, or the folder it lies in where it is a file."""
    return location if location.is_dir() else location.parent


def files(location: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """The file itself, or the files of a folder and its folders whose name is wanted, in a fixed order.

    Links to folders are not followed, and names that begin with a dot are passed over.

    Raises:
        SourceError: There is no such file or folder.
    """
    if not location.exists():
        raise SourceError(f"{location}: no such file or folder; download the source there, or correct the path")
    if not location.is_dir():
        yield location
        return
    for folder, below, names in os.walk(location):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith(".") and wanted(name))


def holds_rows(name: str) -> bool:
    """Whether a file's name is that of a file of rows."""
    return name.endswith(ROWS)


def rows(location: Path, wanted: Callable[[str], bool] = holds_rows) -> Iterator[SourceRow | Damaged]:
    """All rows of a source, whatever of the known formats its files have.

    Args:
        location: A file, or a folder with files of rows.
        wanted: Which file names of a folder hold rows.

    Raises:
        SourceError: There is no such file or folder.
    """
    for file in files(location, wanted):
        name, folder = _place(file, root(location))
        try:
            file_rows = _parquet_rows if file.suffix == ".parquet" else _json_rows
            yield from file_rows(file, name, folder)
        except OSError as error:
            yield unreadable(name, error)


def single(file: Path, location: Path) -> SourceRow | Damaged:
    """The one row that a JSON file is."""
    name, folder = _place(file, root(location))
    try:
        with file.open("rb") as opened:
            data = opened.read(jsonl.LONGEST + 1)
    except OSError as error:
        return unreadable(name, error)
    if len(data) > jsonl.LONGEST:
        return Damaged(name, "row too large", f"over {jsonl.LONGEST} bytes")
    try:
        return _row(jsonl.parse(data), name, folder)
    except jsonl.NotJson as error:
        return Damaged(name, error.reason, error.detail)


def unreadable(place: str, error: OSError) -> Damaged:
    """A file that the operating system does not give."""
    return Damaged(place, "unreadable file", f"{type(error).__name__}: {error.strerror}")


def _place(file: Path, folder: Path) -> tuple[str, str]:
    """A file, and the folder that it lies in, relative to the source's; the latter empty if it is the source's."""
    relative = file.relative_to(folder)
    return relative.as_posix(), "" if file.parent == folder else relative.parent.as_posix()


def _row(value: Any, place: str, folder: str, key: str | None = None) -> SourceRow | Damaged:
    """A parsed value as a row, if it is an object."""
    if isinstance(value, dict):
        return SourceRow(place, value, folder, key)
    return Damaged(place, "row is not an object", type(value).__name__)


def _json_rows(file: Path, name: str, folder: str) -> Iterator[SourceRow | Damaged]:
    """The rows of JSON lines, of arrays and objects, or of a mapping of rows by key."""
    with file.open("rb") as opened:
        head = list(islice(jsonl.lines(opened), 2))
        first = head[0].data.removeprefix(BOM).strip() if head else b""
        if name.endswith(".jsonl"):
            # An array of rows, or a row over several lines; a line that is an array of other things is one damaged row.
            array_of_rows = first.startswith(b"[") and (head[0].reason == "not JSON" or b"{" in first)
            is_lines = first != b"{" and not array_of_rows
        else:
            # One object alone is a mapping of rows; one that more lines follow is the first of many rows, and so is a
            # damaged one before a whole one.
            is_lines = len(head) == 2 and first.startswith(b"{") and not (head[0].reason and head[1].reason)
        opened.seek(0)
        if is_lines:
            for position, line in enumerate(jsonl.lines(opened)):
                place = f"{name}:{position}"
                yield Damaged(place, line.reason, line.detail) if line.reason else SourceRow(place, line.row, folder)
            return
        for element in elements(opened, name):
            if isinstance(element, Damaged):
                yield element
            else:
                place, key, value = element
                yield _row(value, place, folder, key)


def _parquet_rows(file: Path, name: str, folder: str) -> Iterator[SourceRow | Damaged]:
    bombs, repetitive = _dangers(file)
    position = 0
    try:
        # There, a text that stands a million times in the file stands once in memory; others are read faster without.
        with pq.ParquetFile(file, read_dictionary=repetitive) as parquet:
            for group in range(parquet.num_row_groups):
                if group in bombs:
                    yield Damaged(f"{name}:{position}", "unreadable file", f"row group {group}: {bombs[group]}")
                    position += parquet.metadata.row_group(group).num_rows
                    continue
                for batch in parquet.iter_batches(_BATCH, row_groups=[group], use_threads=False):
                    doubtful = repetitive or batch.nbytes > LARGEST_ROW // _MOST_IN_PYTHON
                    too_large = doubtful and sum(map(_size, batch.columns)) > LARGEST_ROW
                    for number in range(batch.num_rows):
                        place, row = f"{name}:{position}", batch.slice(number, 1)
                        position += 1
                        if too_large and sum(map(_size, row.columns)) > LARGEST_ROW:
                            yield Damaged(place, "row too large", f"over {LARGEST_ROW} bytes")
                            continue
                        try:
                            yield SourceRow(place, row.to_pylist()[0], folder)
                        except ValueError as error:
                            yield Damaged(place, "not UTF-8", str(error)[:100])
    except (pa.ArrowException, ValueError) as error:
        yield Damaged(f"{name}:{position}", "unreadable file", described(error, 100).replace(str(file), name))


def _dangers(file: Path) -> tuple[dict[int, str], list[str]]:
    """What a file says of itself that no honest one would: row groups that become too large, by number, and why.

    Also the columns of long lists of texts, whose texts may be repeated without end by a few bytes of the file. DuckDB
    is asked, as Arrow ends the process over damaged metadata.
    """
    bombs, repetitive = {}, set[str]()
    sql = """
        select row_group_id, replace(path_in_schema, ', ', '.'), type, num_values, total_compressed_size,
            total_uncompressed_size, row_group_num_rows
        from parquet_metadata($file)
    """
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            columns = connection.execute(sql, {"file": str(file)}).fetchall()
    except duckdb.Error:
        return {}, []  # what is wrong with it, Arrow says
    for group, path, kind, values, packed, unpacked, group_rows in columns:
        if values > _LARGEST_GROUP:
            bombs[group] = f"{path} has {values} values, at most {_LARGEST_GROUP}"
        elif unpacked > _LARGEST_GROUP and unpacked > _PACKED * packed:
            bombs[group] = f"{path} unpacks from {packed} to {unpacked} bytes"
        elif kind == "BYTE_ARRAY" and values > _BATCH * group_rows and values * unpacked > _LARGEST_GROUP:
            repetitive.add(path)
    return bombs, sorted(repetitive)


def _size(array: pa.Array) -> int:
    """What an array takes in Python, about: its texts and bytes, and something for each value."""
    if pa.types.is_struct(array.type):
        return sum(map(_size, array.flatten()))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return len(array) * _CELL + _size(array.flatten())
    if pa.types.is_dictionary(array.type):
        counts = array.indices.value_counts()  # the dictionary is the whole row group's
        lengths = pc.binary_length(array.dictionary.take(counts.field("values")))
        return len(array) * _CELL + int(pc.sum(pc.multiply(lengths.cast("int64"), counts.field("counts"))).as_py() or 0)
    return len(array) * _CELL + int(array.nbytes)
