"""A Parquet file as one side of a comparison: its columns, the key of its rows, and how two sides relate.

A table of this project names its row model in its metadata, and so its key; any other Parquet file is compared by the
columns that the caller names.

Sample: `data/mix/1.parquet` -> Side(label="mix@1", table="MixRow", version=1, key=("path_id",), rows=326)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.errors import HOW_TO_GET, UserError
from mathse.tables import seal
from mathse.tables.schemas import Row

MODELS: dict[str, type[Row]] = {model.__name__: model for model in Row.__subclasses__()}
ROW_HASH = "row_hash"
TABLE, VERSION = b"mathse.table", b"mathse.version"


class DiffError(UserError):
    """Two datasets cannot be compared; says why, and what to do."""


@dataclass(frozen=True)
class Side:
    """One of the two tables.

    Attributes:
        label: What the user calls it, such as `mix@1`.
        file: Where it lies.
        schema: Its columns.
        rows: How many rows it has.
        table: Name of the row model, such as `MixRow`; empty for a foreign file.
        version: The model's schema version when it was written; 0 for a foreign file.
    """

    label: str
    file: Path
    schema: pa.Schema
    rows: int
    table: str = ""
    version: int = 0

    @cached_property
    def model(self) -> type[Row] | None:
        """The row model, if this MathSE knows it."""
        return MODELS.get(self.table)

    @property
    def has_hash(self) -> bool:
        """Whether each row carries its content's hash."""
        return bool(self.table) and ROW_HASH in self.schema.names


@dataclass(frozen=True)
class Columns:
    """How two tables' columns relate.

    Attributes:
        key: Columns that identify a row.
        common: Columns compared: those of both, without the key and what is computed from others.
        only_old: Columns that only the old table has.
        only_new: Columns that only the new table has.
        retyped: Type before and after, by column of both.
        unread: Columns that another one is the hash of, such as an image's bytes.
        unique: Whether no two rows of a table can have the same key.
        hashed: Whether stored hashes are equal where the compared columns are.
    """

    key: tuple[str, ...]
    common: tuple[str, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    retyped: dict[str, tuple[str, str]]
    unread: frozenset[str]
    unique: bool
    hashed: bool


def open_side(file: Path, label: str) -> Side:
    """Read a file's footer; a table of this project is verified.

    Raises:
        DiffError: It is not there, damaged, or not Parquet.
    """
    try:
        if seal.is_broken(file):
            raise DiffError(f"{file}: damaged: its bytes are not those that were written; make or fetch it anew")
        with pq.ParquetFile(file, memory_map=True) as parquet:
            stored = parquet.metadata.metadata or {}
            return Side(
                label,
                file,
                parquet.schema_arrow,
                parquet.metadata.num_rows,
                stored.get(TABLE, b"").decode("utf-8", "replace"),
                int(stored.get(VERSION, b"0")),
            )
    except FileNotFoundError as error:
        raise DiffError(f"{file}: not found; {HOW_TO_GET}; `mathse status` lists what exists") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DiffError(f"{file}: damaged or not Parquet ({error})") from error


def relate(
    old: Side, new: Side, key: Sequence[str] = (), only: Sequence[str] = (), trust_hashes: bool = True
) -> Columns:
    """How the columns of two tables relate.

    Args:
        key: Columns that identify a row; those of the row model if none are given.
        only: Compare these columns; all if none are given.
        trust_hashes: Take rows with equal stored hashes as equal.

    Raises:
        DiffError: They hold rows of different kinds, or have no key, or not the given one.
    """
    if old.table != new.table and not key:
        raise DiffError(
            f"{old.label} holds {_kind(old)}, {new.label} holds {_kind(new)}: nothing to compare row by row; "
            "name two tables of one kind, or the columns that identify a row in both: --key COLUMN"
        )
    names = tuple(key) or _stored_key(old, new)
    for side in (old, new):
        if missing := [name for name in names if name not in side.schema.names]:
            raise DiffError(
                f"{side.label}: has no column {missing[0]} to compare by; it has {', '.join(side.schema.names)}"
            )
    both = [name for name in new.schema.names if name in old.schema.names]
    if unknown := [name for name in only if name not in both]:
        raise DiffError(f"no column {unknown[0]} in both tables; these are: {', '.join(both)}")
    same_kind = old.table == new.table and old.version == new.version
    unread = frozenset[str]().union(*(side.model.unhashed for side in (old, new) if side.model))
    computed = unread.union(*(side.model.model_computed_fields for side in (old, new) if side.model))
    types = {name: (str(old.schema.field(name).type), str(new.schema.field(name).type)) for name in both}
    return Columns(
        key=names,
        common=tuple(
            name for name in both if name not in computed and name not in names and (not only or name in only)
        ),
        only_old=tuple(name for name in old.schema.names if name not in both and name not in unread),
        only_new=tuple(name for name in new.schema.names if name not in both and name not in unread),
        retyped={name: pair for name, pair in types.items() if pair[0] != pair[1]},
        unread=unread,
        unique=all(side.model is not None and {*side.model.key} <= {*names} for side in (old, new)),
        hashed=trust_hashes and not only and same_kind and old.has_hash and old.schema.equals(new.schema),
    )


def _stored_key(old: Side, new: Side) -> tuple[str, ...]:
    model = new.model or old.model
    if model is not None:
        # An older table may lack what its kind is known by now; `relate` tells of it as a change of columns.
        shared = tuple(name for name in model.key if name in old.schema.names and name in new.schema.names)
        return shared or model.key
    raise DiffError(
        f"{new.label}: not a table of this project, so its key is not known; name the columns that identify a row: "
        f"--key COLUMN, of {', '.join(new.schema.names)}"
    )


def _kind(side: Side) -> str:
    return f"{side.table} rows" if side.table else "rows of no known kind"
