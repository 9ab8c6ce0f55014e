"""Typed Parquet tables: rows in, the same bytes out, and nothing half-written.

A table holds the rows of one model of `mathse.tables.schemas`. Its columns derive from the model's fields, its order
from the model's key; the file's key-value metadata names the table and its schema version:

    mathse.table    Verdict
    mathse.version  1
    mathse.sha256   of the file itself (`mathse.tables.seal`)

Nothing else is in it, so that its bytes depend on its rows alone: what they were made from is for `dvc.lock` to say.

A table is replaced in one step or not at all: it is written beside its place, sealed, checked, synced and renamed; it
is read only after its bytes were found to be those that were written. Writing holds one batch of rows, the key columns
and one row group in memory (`mathse.tables.spill`).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mathse.errors import HOW_TO_GET, UserError
from mathse.tables import seal
from mathse.tables.columns import arrow_schema, encoding
from mathse.tables.files import beside, replaced
from mathse.tables.schemas import Row
from mathse.tables.spill import BATCH_ROWS, RowError, sorted_groups

R = TypeVar("R", bound=Row)


class StoreError(UserError):
    """A table is missing, damaged, of another kind or version, or has a row that cannot be stored."""


@dataclass(frozen=True)
class Metadata:
    """What a table says of itself.

    Attributes:
        table: Name of the row's model, such as `Verdict`.
        version: The model's schema version when the table was written.
        rows: How many rows it holds.
    """

    table: str
    version: int
    rows: int


def write(file: Path, model: type[R], rows: Iterable[R], check: Callable[[Path], None] | None = None) -> int:
    """Write a table: sorted by the model's key, byte-stable, in place of the old one or not at all.

    Args:
        file: Where the table goes; its folder is made.
        rows: In any order; consumed once.
        check: Called with the finished file before it takes its place; what it raises leaves the old table as it was.

    Returns:
        The number of rows.

    Raises:
        StoreError: Two rows have the same key, or a row cannot be stored.
        CannotWrite: The disk refuses.
    """
    with beside(file, "spill") as spill:
        return write_groups(file, model, sorted_groups(spill, model, rows), check)


def write_groups(
    file: Path, model: type[Row], groups: Iterable[pa.Table], check: Callable[[Path], None] | None = None
) -> int:
    """Write a table whose row groups are sorted already, as `mathse.tables.spill` makes them; else as `write`."""
    described = {"mathse.table": model.__name__, "mathse.version": str(model.version), seal.KEY: seal.ZEROS}
    schema = arrow_schema(model).with_metadata(described)
    count = 0
    try:
        with replaced(file) as fresh:
            with pq.ParquetWriter(fresh, schema, **encoding(model, schema)) as writer:
                for group in groups:
                    writer.write_table(group.cast(schema))
                    count += group.num_rows
            seal.seal(fresh)
            if check is not None:
                check(fresh)
    except RowError as error:
        raise StoreError(f"{file}: {error}; nothing was written") from error
    return count


def read(file: Path, model: type[R], verify: bool = False) -> list[R]:
    """Read a whole table, in the order of its key. Arguments and errors are those of `scan`."""
    return list(scan(file, model, verify))


def scan(file: Path, model: type[R], verify: bool = False) -> Iterator[R]:
    """Stream a table, one batch of rows in memory; what is wrong with the file as a whole is raised at the call.

    Args:
        verify: Compare every row's stored hash with its content too.

    Raises:
        StoreError: As `require`; or, while streaming, a row that the model refuses.
    """
    require(file, model)
    return _rows(file, model, verify)


def require_whole(file: Path) -> None:
    """Check that a table has the bytes that were written; reads the whole file, once in a process.

    Raises:
        StoreError: The file is missing, damaged, or not written by `write`.
    """
    try:
        whole = seal.is_whole(file)
    except seal.Unsealed as error:
        metadata(file)
        raise StoreError(f"{file}: {error}, by which damage is noticed; remake it with `dvc repro`") from error
    except FileNotFoundError as error:
        raise StoreError(f"{file}: not found; {HOW_TO_GET}") from error
    except OSError as error:
        raise StoreError(f"{file}: cannot be read ({error}); delete it and run `dvc repro`") from error
    if not whole:
        raise StoreError(f"{file}: damaged: its bytes are not those that were written; delete it and run `dvc repro`")


def columns(file: Path, model: type[Row], names: Iterable[str]) -> pa.Table:
    """Some columns of a whole table, as they lie in it.

    Raises:
        StoreError: As `require`, or a damaged page.
    """
    require(file, model)
    with _opened(file) as parquet:
        return parquet.read(columns=list(names), use_threads=False)


def require(file: Path, model: type[Row]) -> None:
    """Check that a table is whole and can be read as rows of `model`.

    Raises:
        StoreError: The file is missing or damaged, holds another table, another version, or other columns.
    """
    require_whole(file)
    about = metadata(file)
    if about.table != model.__name__:
        raise StoreError(f"{file}: holds {about.table} rows, {model.__name__} rows are expected here")
    if about.version > model.version:
        raise StoreError(f"{file}: schema version {about.version} is newer than {model.version}; update MathSE")
    if about.version < model.version:
        raise StoreError(f"{file}: schema version {about.version}, now {model.version}; remake it with `dvc repro`")
    with _opened(file) as parquet:
        schema, expected = parquet.schema_arrow, arrow_schema(model)
    wrong = []
    for name in expected.names:
        if name not in schema.names:
            wrong.append(f"column {name} is missing")
        elif schema.field(name).type != expected.field(name).type:
            wrong.append(f"column {name} is {schema.field(name).type}, not {expected.field(name).type}")
    wrong += [f"column {name} is unknown" for name in schema.names if name not in expected.names]
    if wrong:
        raise StoreError(f"{file}: {'; '.join(wrong)}; remake it with `dvc repro`")


def metadata(file: Path) -> Metadata:
    """What a table says of itself; reads the file's footer only.

    Raises:
        StoreError: The file is missing, damaged, or not written by `write`.
    """
    with _opened(file) as parquet:
        described = parquet.metadata.metadata or {}
        if not {b"mathse.table", b"mathse.version"} <= described.keys():
            raise StoreError(f"{file}: not a MathSE table: its metadata does not name one; remake it with `dvc repro`")
        return Metadata(
            described[b"mathse.table"].decode(), int(described[b"mathse.version"]), parquet.metadata.num_rows
        )


@contextmanager
def _opened(file: Path) -> Iterator[pq.ParquetFile]:
    """The file, with what is wrong with it as a `StoreError`."""
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as parquet:
            yield parquet
    except FileNotFoundError as error:
        raise StoreError(f"{file}: not found; {HOW_TO_GET}") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{file}: damaged or not Parquet ({error}); delete it and run `dvc repro`") from error


def _rows(file: Path, model: type[R], verify: bool) -> Iterator[R]:
    place = 0
    with _opened(file) as parquet:
        groups = range(parquet.num_row_groups)
        batches = (parquet.iter_batches(batch_size=BATCH_ROWS, row_groups=[at], use_threads=False) for at in groups)
        for batch in chain.from_iterable(batches):
            for stored in batch.to_pylist():
                hashes = {name: stored.pop(name) for name in model.model_computed_fields}
                try:
                    row = model.model_validate(stored)
                except ValidationError as error:
                    wrong = f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
                    raise StoreError(f"{file}: row {place}: {wrong}; run `dvc repro`") from error
                if verify and any(getattr(row, name) != value for name, value in hashes.items()):
                    raise StoreError(
                        f"{file}: row {place}: its content does not match its hash; delete the file and run `dvc repro`"
                    )
                yield row
                place += 1
        if place != parquet.metadata.num_rows:
            raise ValueError(f"{place} of {parquet.metadata.num_rows} rows found")
