"""Croissant 1.0 metadata of an export (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

One record set over all shards, one field a column; each shard stands by its checksum beside it.

Sample field: `{"@type": "cr:Field", "@id": "rows/question", "dataType": "sc:Text", "source": {...}}`
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathse.share.exchange.columns import SharedRow
from mathse.share.exchange.counts import Counts
from mathse.share.exchange.folder import digest
from mathse.share.exchange.shards import FOLDER, SPLIT, Shards
from mathse.tables import store

CROISSANT = "croissant.json"
PARQUET = "application/x-parquet"
_TYPES = {pa.string(): "sc:Text", pa.int64(): "sc:Integer", pa.float64(): "sc:Float"}
_PLAIN_TERMS = (
    "citeAs column conformsTo equivalentProperty extract field fileProperty fileObject fileSet format includes "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
    "separator source subField transform"
)
_CONTEXT: dict[str, Any] = {
    **{term: f"cr:{term}" for term in _PLAIN_TERMS.split()},
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
"""The terms of Croissant 1.0."""


def croissant(title: str, out: Path, counts: Counts, shards: Shards, lineage: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata, as JSON-LD.

    Args:
        title: The data set's name.
        out: The export's folder, its shards written.
        counts: What its rows came to.
        shards: Its files.
        lineage: As `lineage.json` has it.
    """
    found = lineage["git"] or {}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title,
        "description": f"{counts.rows} reasoning paths to mathematics problems with images.",
        "license": [_licence_url(part) for part in sorted(_parts(counts.of("licence")))],
        "url": found.get("url") or "https://arxiv.org/abs/2511.06805",
        "citeAs": "MathSE, arXiv 2511.06805",
        "version": f"1.0.0+{found.get('commit', 'none')[:12]}",
        **({"datePublished": found["date"]} if found.get("date") else {}),
        "distribution": [*_files(out, shards), _file_set()],
        "recordSet": [_record_set()],
    }


def _files(out: Path, shards: Shards) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": file.as_posix(),
            "contentSize": f"{(out / file).stat().st_size} B",
            "encodingFormat": PARQUET,
            "sha256": digest(out / file),
        }
        for file in shards.files
    ]


def _file_set() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "shards",
        "name": "shards",
        "encodingFormat": PARQUET,
        "includes": f"{FOLDER}/{SPLIT}-*.parquet",
    }


def _record_set() -> dict[str, Any]:
    described = {name: field.description or "" for name, field in SharedRow.model_fields.items()}
    fields = [_field(column, described.get(column.name, "")) for column in store.arrow_schema(SharedRow)]
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "key": {"@id": "rows/path_id"}, "field": fields}


def _field(column: pa.Field, description: str) -> dict[str, Any]:
    head = {"@type": "cr:Field", "@id": f"rows/{column.name}", "name": column.name, "description": description}
    if column.name == "images":
        return head | {"dataType": "sc:ImageObject", "repeated": True, "source": _source(column.name, "bytes")}
    if not pa.types.is_list(column.type):
        return head | {"dataType": _TYPES[column.type], "source": _source(column.name)}
    if not pa.types.is_struct(column.type.value_type):
        return head | {"dataType": _TYPES[column.type.value_type], "repeated": True, "source": _source(column.name)}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"rows/{column.name}/{part.name}",
            "name": part.name,
            "dataType": _TYPES[part.type],
            "source": _source(column.name, part.name),
        }
        for part in column.type.value_type
    ]
    return head | {"repeated": True, "subField": parts}


def _source(column: str, part: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"fileSet": {"@id": "shards"}, "extract": {"column": column}}
    return found | ({"transform": {"jsonPath": part}} if part else {})


def _parts(licences: Iterable[str]) -> set[str]:
    return {part for licence in licences for part in licence.split(" AND ")}


def _licence_url(spdx: str) -> str:
    return spdx if spdx.startswith("LicenseRef-") else f"https://spdx.org/licenses/{spdx}"
