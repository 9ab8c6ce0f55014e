"""Croissant 1.0 metadata of an export (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

One record set over all shards, one field per column; each shard is listed with its checksum.

Sample field: `{"@type": "cr:Field", "@id": "rows/question", "dataType": "sc:Text", "source": {...}}`
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mathse.share.columns import SharedRow
from mathse.share.counts import Counts
from mathse.share.shards import SHARDS, Shards
from mathse.tables.columns import arrow_schema
from mathse.tables.files import sha256

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
        out: The export's folder, its shards written.
    """
    commit = lineage["git"] or {}
    licences = sorted({part for licence in counts.of("licence") for part in licence.split(" AND ")})
    files = [
        {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": file.as_posix(),
            "contentSize": f"{(out / file).stat().st_size} B",
            "encodingFormat": PARQUET,
            "sha256": sha256(out / file),
        }
        for file in shards.files
    ]
    all_files = {
        "@type": "cr:FileSet", "@id": "shards", "name": "shards", "encodingFormat": PARQUET, "includes": SHARDS,
    }  # fmt: skip
    fields = [_field(column) for column in arrow_schema(SharedRow)]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title,
        "description": f"{counts.rows} reasoning paths to mathematics problems with images.",
        "license": [
            spdx if spdx.startswith("LicenseRef-") else f"https://spdx.org/licenses/{spdx}" for spdx in licences
        ],
        "url": commit.get("url") or "https://arxiv.org/abs/2511.06805",
        "citeAs": "MathSE, arXiv 2511.06805",
        "version": f"1.0.0+{commit.get('commit', 'none')[:12]}",
        **({"datePublished": commit["date"]} if commit.get("date") else {}),
        "distribution": [*files, all_files],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "key": {"@id": "rows/path_id"}, "field": fields}
        ],
    }


def _field(column: pa.Field) -> dict[str, Any]:
    described = SharedRow.model_fields.get(column.name)
    head = {
        "@type": "cr:Field",
        "@id": f"rows/{column.name}",
        "name": column.name,
        "description": (described and described.description) or "",
    }
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
    source: dict[str, Any] = {"fileSet": {"@id": "shards"}, "extract": {"column": column}}
    return source | ({"transform": {"jsonPath": part}} if part else {})
