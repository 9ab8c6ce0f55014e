"""A source's files as rows: JSON (an array, or a mapping of rows), JSON lines, and Parquet; streamed, in a fixed order.

What cannot be read is a `Damaged` with its place, never an exception and never silence. Only a location that does not
exist is an error, as there is nothing that could be counted.
"""

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.errors import UserError, described
from mathse.sources import json_stream
from mathse.sources.raw import Damaged, Row

ROWS = (".json", ".jsonl", ".parquet")
"""Endings of the files that hold rows."""
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


def rows(location: Path, wanted: Callable[[str], bool] | None = None) -> Iterator[Row | Damaged]:
    """All rows of a source, whatever of the known formats its files have.

    Args:
        location: A file, or a folder with files of rows.
        wanted: Which file names hold rows; all of a known ending if not given.

    Raises:
        SourceError: There is no such file or folder.
    """
    for file in files(location, wanted or _holds_rows):
        yield from file_rows(file, root(location))


def file_rows(file: Path, folder: Path) -> Iterator[Row | Damaged]:
    """The rows of one file; places are relative to `folder`."""
    name = file.relative_to(folder).as_posix()
    where = "" if file.parent == folder else file.parent.relative_to(folder).as_posix()
    try:
        if file.suffix == ".parquet":
            yield from _parquet_rows(file, name, where)
        else:
            with file.open("rb") as opened:
                yield from _json_rows(opened, name, where)
    except OSError as error:
        yield Damaged(name, "unreadable file", f"{type(error).__name__}: {error.strerror}")


def single(file: Path, folder: Path) -> Row | Damaged:
    """The one row that a JSON file is."""
    name = file.relative_to(folder).as_posix()
    try:
        with file.open("rb") as opened:
            data = opened.read(json_stream.LONGEST_ROW + 1)
    except OSError as error:
        return Damaged(name, "unreadable file", f"{type(error).__name__}: {error.strerror}")
    if len(data) > json_stream.LONGEST_ROW:
        return Damaged(name, "row too large", f"over {json_stream.LONGEST_ROW} bytes")
    where = "" if file.parent == folder else file.parent.relative_to(folder).as_posix()
    return as_row(json_stream.parse(data, name), name, where)


def as_row(found: Any, place: str, folder: str, key: str | None = None) -> Row | Damaged:
    """A parsed value as a row, if it is an object."""
    if isinstance(found, Damaged):
        return found
    if not isinstance(found, dict):
        return Damaged(place, "row is not an object", type(found).__name__)
    return Row(place, found, folder, key)


def _holds_rows(name: str) -> bool:
    return name.endswith(ROWS)


def _json_rows(file: BinaryIO, name: str, folder: str) -> Iterator[Row | Damaged]:
    if _is_lines(file, name):
        for position, line in enumerate(json_stream.lines(file)):
            place = f"{name}:{position}"
            if line is None:
                yield Damaged(place, "row too large", f"over {json_stream.LONGEST_ROW} bytes")
            else:
                yield as_row(json_stream.parse(line, place), place, folder)
        return
    for found in json_stream.elements(file, name):
        if isinstance(found, Damaged):
            yield found
        else:
            place, key, value = found
            yield as_row(value, place, folder, key)


def _is_lines(file: BinaryIO, name: str) -> bool:
    """Whether the file holds one object a line: named so, or a whole object is followed by more lines.

    One object alone is a mapping of rows. Leaves the file at its start.
    """
    if name.endswith(".jsonl"):
        return True
    head = list(islice(json_stream.lines(file), 2))
    file.seek(0)
    if len(head) < 2 or head[0] is None or not head[0].lstrip().startswith(b"{"):
        return False
    return isinstance(json_stream.parse(head[0], name), dict)


def _parquet_rows(file: Path, name: str, folder: str) -> Iterator[Row | Damaged]:
    position = 0
    try:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(_BATCH, use_threads=False):
                for place in range(batch.num_rows):
                    yield _parquet_row(batch.slice(place, 1), f"{name}:{position}", folder)
                    position += 1
    except (pa.ArrowException, ValueError) as error:
        yield Damaged(f"{name}:{position}", "unreadable file", described(error, 100).replace(str(file), name))


def _parquet_row(row: pa.RecordBatch, place: str, folder: str) -> Row | Damaged:
    try:
        return Row(place, row.to_pylist()[0], folder)
    except ValueError as error:
        return Damaged(place, "not UTF-8", str(error)[:100])
