"""The Parquet columns of a row: an arrow schema derived from its pydantic model.

    str, StrEnum, Literal -> string    int -> int64    float -> double    bool -> bool    bytes -> binary
    X | None -> nullable X             tuple[X, ...] -> list of X         a nested model -> struct

Every other column is declared non-null. What a column means stands in the model alone (`Field(description=...)`): a
better word for it changes no byte of a table.
"""

from collections.abc import Iterator
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

from mathse.tables.schemas import Row

ENCODING: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}
ROW_HASH = "row_hash"

_PLAIN: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def arrow_schema(model: type[Row]) -> pa.Schema:
    """Columns of a row's table: its fields in order, then its computed hashes.

    Raises:
        TypeError: A field has a type that no column stands for.
    """
    return pa.schema(_fields(model))


def payload_columns(model: type[Row]) -> list[str]:
    """Columns that hold whole files, such as an image's bytes."""
    return [field.name for field in arrow_schema(model) if field.type == pa.binary()]


def encoding(model: type[Row], schema: pa.Schema) -> dict[str, Any]:
    """How a table's columns lie in its file, as options of pyarrow's writer.

    A key of one column and `row_hash` lie there as they are: random digits shrink by less than half, and to unpack them
    takes several times as long as to compare them. All other columns are compressed, small sets of values as numbers.
    """
    plain = {ROW_HASH, *(model.key if len(model.key) == 1 else ())}
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.type)]
    packed = [leaf for leaf in leaves if leaf not in plain]
    return {
        **ENCODING,
        "compression": {leaf: ENCODING["compression"] if leaf in packed else "none" for leaf in leaves},
        "compression_level": dict.fromkeys(packed, ENCODING["compression_level"]),
        "use_dictionary": packed,
    }


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """Parquet's names of the columns that a field is stored in."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.{kind.value_field.name}", kind.value_type)
    elif pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from _leaves(f"{path}.{kind.field(at).name}", kind.field(at).type)
    else:
        yield path


def _fields(model: type[BaseModel]) -> list[pa.Field]:
    stored = [(name, info.annotation) for name, info in model.model_fields.items()]
    computed = [(name, info.return_type) for name, info in model.model_computed_fields.items()]
    fields = []
    for name, annotation in stored + computed:
        kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        present = [kind for kind in kinds if kind is not NoneType]
        if len(present) != 1:
            raise TypeError(f"{name}: a column has one type, found {annotation}")
        fields.append(pa.field(name, _data_type(present[0]), nullable=NoneType in kinds))
    return fields


def _data_type(annotation: Any) -> pa.DataType:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if get_origin(annotation) is Literal and all(isinstance(value, str) for value in get_args(annotation)):
        return pa.string()
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,):
        return pa.list_(pa.field("element", _data_type(get_args(annotation)[0]), nullable=False))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return pa.string()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct(_fields(annotation))
    raise TypeError(f"no column type stands for {annotation}")
