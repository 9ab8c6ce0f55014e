"""Sort more rows than fit in memory: rows of any order in, row groups in key order out.

The rows go, as they come, into an arrow file that is then mapped, not read: memory holds one batch of rows, the key
columns and one row group. Two rows with the same key are an error, as a key identifies its row.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache, reduce
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import PydanticSerializationError

from mathse.errors import UserError
from mathse.tables.columns import arrow_schema, payload_columns
from mathse.tables.schemas import Row

BATCH_ROWS = 1024
GROUP_ROWS = 8192
PAYLOAD_GROUP_ROWS = 16
"""Rows per group where a column holds files: whoever wants one image then reads at most sixteen."""

_MAPPED_BYTES = 2**25

R = TypeVar("R", bound=Row)


class RowError(UserError):
    """A row cannot be stored, or shares its key with another; says which."""


class Spill(Generic[R]):
    """Rows as they come, in an arrow file of batches of equal size; open within a `with` block.

    The first reading closes it: nothing can be added afterwards.
    """

    def __init__(self, file: Path, model: type[R]) -> None:
        """Write to `file`, which is overwritten, and left for the caller to remove."""
        self.file, self.model = file, model
        self._schema = arrow_schema(model)
        self._batch_rows = min(BATCH_ROWS, _group_rows(model))
        self._waiting: list[R] = []
        self._keys: list[pa.RecordBatch] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        sink = self._open.enter_context(pa.OSFile(str(self.file), "wb"))
        self._writer = self._open.enter_context(pa.ipc.new_file(sink, self._schema))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._waiting.clear()
        self.close()

    def close(self) -> None:
        """Write the rows that still wait, and close the file."""
        with self._open:
            self._write()

    def add(self, row: R) -> None:
        """Add a row.

        Raises:
            RowError: A value of this or an earlier row does not fit its column.
        """
        self._waiting.append(row)
        if len(self._waiting) == self._batch_rows:
            self._write()

    def groups(self) -> Iterator[pa.Table]:
        """The rows as row groups in key order.

        Raises:
            RowError: Two rows have the same key.
        """
        self.close()
        keys = pa.schema([self._schema.field(name) for name in self.model.key])
        places = _sorted_places(pa.Table.from_batches(self._keys, keys))
        start = 0
        while start < len(places):
            # What is read of a mapped file stays in memory until it is mapped no more: so a part at a time.
            with pa.memory_map(str(self.file)) as source:
                batch = cache(pa.ipc.open_file(source).get_batch)
                read = 0
                while start < len(places) and read < _MAPPED_BYTES:
                    group = self._gathered(batch, places[start : start + _group_rows(self.model)])
                    read += group.nbytes
                    start += group.num_rows
                    yield group
                del batch

    def batches(self, *columns: str) -> Iterator[pa.RecordBatch]:
        """Some columns of all rows, in the order in which the rows came; the other columns are not read."""
        self.close()
        options = pa.ipc.IpcReadOptions(included_fields=[self._schema.get_field_index(name) for name in columns])
        # Not mapped: of a mapped file all that was read would stay in memory.
        with pa.OSFile(str(self.file)) as source:
            reader = pa.ipc.open_file(source, options=options)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).select(columns)

    def having(self, keys: Collection[str]) -> Iterator[pa.RecordBatch]:
        """The rows whose first key is one of these, in the order in which they came; other batches are not read."""
        self.close()
        wanted = pa.array(sorted(keys), pa.string())
        with pa.OSFile(str(self.file)) as source:
            reader = pa.ipc.open_file(source)
            for number, batch in enumerate(self._keys):
                chosen = pc.is_in(batch.column(0), wanted)
                if pc.any(chosen).as_py():
                    yield reader.get_batch(number).filter(chosen)

    def _write(self) -> None:
        if not self._waiting:
            return
        foreign = {type(row).__name__ for row in self._waiting if type(row) is not self.model}
        if foreign:
            raise TypeError(f"rows of {self.model.__name__} are expected, found {', '.join(sorted(foreign))}")
        try:
            columns = [_column(self._waiting, field) for field in self._schema]
            batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        except (pa.ArrowException, PydanticSerializationError, ValueError, OverflowError) as error:
            first = ", ".join(f"{name} {getattr(self._waiting[0], name)!r}" for name in self.model.key)
            raise RowError(f"one of the {len(self._waiting)} rows from {first} on cannot be stored: {error}") from error
        self._writer.write_batch(batch)
        self._keys.append(batch.select(self.model.key))
        self._waiting.clear()

    def _gathered(self, batch: Callable[[int], pa.RecordBatch], places: list[int]) -> pa.Table:
        """Rows at `places`: taken batch by batch, then ordered, as `Table.take` would first copy all into one."""
        order = sorted(range(len(places)), key=places.__getitem__)
        taken = [
            batch(number).take(pa.array([places[at] % self._batch_rows for at in group]))
            for number, group in groupby(order, key=lambda at: places[at] // self._batch_rows)
        ]
        return pa.Table.from_batches([pa.concat_batches(taken).take(pc.sort_indices(pa.array(order)))])


def sorted_groups(spill: Path, model: type[R], rows: Iterable[R]) -> Iterator[pa.Table]:
    """Yield the rows as row groups, sorted by the model's key; the spill file must stay until the last one.

    Args:
        spill: Where the rows wait; overwritten, and left for the caller to remove.
        rows: In any order; consumed once, before the first group.

    Raises:
        RowError: Two rows have the same key, or a value does not fit its column.
    """
    with Spill(spill, model) as spilled:
        for row in rows:
            spilled.add(row)
    yield from spilled.groups()


def _group_rows(model: type[Row]) -> int:
    return PAYLOAD_GROUP_ROWS if payload_columns(model) else GROUP_ROWS


def _column(rows: Sequence[Row], field: pa.Field) -> pa.Array:
    """One field of all rows: column by column takes a quarter of the time that rows as mappings take."""
    values = list(map(attrgetter(field.name), rows))
    if pa.types.is_nested(field.type) and not pa.types.is_string(field.type.field(0).type):
        values = [row.model_dump(include={field.name})[field.name] for row in rows]
    return pa.array(values, field.type)


def _sorted_places(keys: pa.Table) -> list[int]:
    """Places of the rows in key order; keys must be distinct."""
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])
    ordered = keys.take(order)
    same = [pc.equal(column[1:], column[:-1]) for column in ordered.columns]
    twice = pc.index(reduce(pc.and_, same), True).as_py()
    if twice >= 0:
        key = ", ".join(f"{name} {value!r}" for name, value in ordered.slice(twice, 1).to_pylist()[0].items())
        raise RowError(f"two rows have the same key: {key}")
    places: list[int] = order.to_pylist()
    return places
