"""Two tables sorted by a key of 32 hex digits, compared range by range: a million rows take a tenth of a second.

Keys and `row_hash` are read as the bytes they are, four words of eight digits each. A range of keys, known from the
statistics of the row groups, is one task of a thread; in it the first 16 digits of a key, as one number, give its place
in the other table, and all 32 decide. Memory holds one range a thread. What is not as expected (other keys, no
statistics, an order that is not strict) is told to the caller, who has a slower way that takes anything.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Found = tuple[Places, Places, Places, Places, int]

THREADS = 2
RANGE_ROWS = 131_072
DIGITS = 32
HASH = "row_hash"


class _Unfit(Exception):
    """The tables are not what this way is for."""


@dataclass(frozen=True)
class _Group:
    """A row group: its number, the place of its first row, and its first and last key."""

    number: int
    start: int
    rows: int
    first: bytes
    last: bytes


@dataclass(frozen=True)
class _Table:
    file: Path
    key: str
    groups: tuple[_Group, ...]


@dataclass(frozen=True)
class _Range:
    """The rows of one table whose keys lie in a range: keys, hashes, and the place of the first of them."""

    keys: Words
    hashes: Words
    start: int


def merged(old: Path, new: Path, key: str) -> Found | None:
    """Match rows of two tables by key.

    Args:
        old: A Parquet file with `row_hash`.
        new: Another.
        key: The column that both are sorted by.

    Returns:
        As `sides.Alignment` has them: places of differing rows in `old` and in `new`, removed, added, and the
        number of unchanged rows; None if one of the tables is not sorted by distinct keys of 32 digits.
    """
    try:
        tables = [_Table(file, key, tuple(_groups(file, key))) for file in (old, new)]
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(
                pool.map(lambda bounds: _compare(*(_read(table, *bounds) for table in tables)), _bounds(tables))
            )
    except _Unfit:
        return None
    places = [np.concatenate([part[at] for part in parts]) for at in range(4)]
    return places[0], places[1], places[2], places[3], sum(part[4] for part in parts)


def _groups(file: Path, key: str) -> Iterator[_Group]:
    with pq.ParquetFile(file, memory_map=True) as parquet:
        about = parquet.metadata
    start, last = 0, b""
    column = next((at for at in range(about.num_columns) if about.schema.column(at).path == key), None)
    if column is None:
        raise _Unfit
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        statistics = group.column(column).statistics
        if not statistics or not statistics.has_min_max or not isinstance(statistics.min, str):
            raise _Unfit
        found = _Group(number, start, group.num_rows, statistics.min.encode(), statistics.max.encode())
        if len(found.first) != DIGITS or len(found.last) != DIGITS or found.first <= last:
            raise _Unfit
        yield found
        start, last = start + found.rows, found.last


def _bounds(tables: Sequence[_Table]) -> list[tuple[bytes, bytes]]:
    """Ranges of keys, from the first of each inclusive to the second exclusive, that leave out no key."""
    larger = max(tables, key=lambda table: len(table.groups))
    cuts, rows = [b""], 0
    for group in larger.groups:
        if rows >= RANGE_ROWS:
            cuts.append(group.first)
            rows = 0
        rows += group.rows
    return list(zip(cuts, [*cuts[1:], b"\xff"], strict=True))


def _read(table: _Table, low: bytes, high: bytes) -> _Range:
    """The rows with keys from `low` (inclusive) to `high` (exclusive)."""
    wanted = [group for group in table.groups if group.last >= low and group.first < high]
    if not wanted:
        nothing = np.empty((0, 4), np.uint64)
        return _Range(nothing, nothing, 0)
    with pq.ParquetFile(table.file, memory_map=True) as parquet:
        numbers = [group.number for group in wanted]
        read = parquet.read_row_groups(numbers, columns=[table.key, HASH], use_threads=False)
    keys, hashes = _words(read[table.key]), _words(read[HASH])
    digits = keys.view(f"S{DIGITS}").ravel()
    begin = int(np.searchsorted(digits, low)) if wanted[0].first < low else 0
    end = int(np.searchsorted(digits, high)) if wanted[-1].last >= high else len(keys)
    return _Range(keys[begin:end], hashes[begin:end], wanted[0].start + begin)


def _words(column: pa.ChunkedArray) -> Words:
    """Texts of 32 bytes as rows of four words."""
    if not pa.types.is_string(column.type) or column.null_count:
        raise _Unfit
    chunks = [_chunk_words(chunk) for chunk in column.chunks if len(chunk)]
    return np.concatenate(chunks) if chunks else np.empty((0, 4), np.uint64)


def _chunk_words(chunk: pa.StringArray) -> Words:
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    if data is None or not np.all(np.diff(ends) == DIGITS):
        raise _Unfit
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].view(np.uint64).reshape(-1, 4)


def _compare(old: _Range, new: _Range) -> Found:
    before, after = _prefix(old.keys), _prefix(new.keys)
    if len(before) and len(after):
        at = np.minimum(np.searchsorted(after, before), len(after) - 1)
        matched = ~_differ(old.keys, new.keys.take(at, axis=0))
        changed = matched & _differ(old.hashes, new.hashes.take(at, axis=0))
    else:
        at = np.zeros(len(before), np.int64)
        matched = changed = np.zeros(len(before), bool)
    fresh = np.ones(len(after), bool)
    fresh[at[matched]] = False
    return (
        np.flatnonzero(changed) + old.start,
        at[changed] + new.start,
        np.flatnonzero(~matched) + old.start,
        np.flatnonzero(fresh) + new.start,
        int(matched.sum()) - int(changed.sum()),
    )


def _differ(some: Words, others: Words) -> npt.NDArray[np.bool_]:
    """Whether rows differ; the four comparisons of a row are looked at as one number."""
    different: npt.NDArray[np.bool_] = (some != others).view(np.uint32).ravel() != 0
    return different


def _prefix(keys: Words) -> npt.NDArray[np.uint64]:
    """The first 16 digits as a number, so that numbers are ordered as the texts are.

    Raises:
        _Unfit: The order is not strict: the keys are not sorted, not distinct, or no digits.
    """
    number = (_eight_digits(keys[:, 0]) << np.uint64(32)) | _eight_digits(keys[:, 1])
    if not np.all(number[1:] > number[:-1]):
        raise _Unfit
    return number


def _eight_digits(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The number that eight hex digits stand for: neighbours are joined, then pairs, then fours."""
    four_bits, letter = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
    value = (word & four_bits) + ((word >> np.uint64(6)) & letter) * np.uint64(9)
    for width, mask in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF)):
        kept = np.uint64(mask)
        value = ((value & kept) << np.uint64(width // 2)) | ((value >> np.uint64(width)) & kept)
    return value
