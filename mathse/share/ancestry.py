"""What lies at the places that a lineage names: tables with their rows and authors, models with their lineage files.

    data/mix/0.parquet       174 rows, MixRow
    data/verdicts/0.parquet  199 rows, Verdict, by fee8c4a0... with judge-brief@1
    models/orm               fingerprint fee8c4a0..., trained on data/mix/orm.parquet from models/base

What led from one to the other is dvc.lock's to say (`mathse.share.recorded`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from mathse import layout
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, ModelMissing, model_fingerprint
from mathse.tables import store

WRITTEN = frozenset({"Path", "Verdict", "Feedback"})
"""Models of rows that say who wrote them, and to which prompt."""
BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Ancestor:
    """A table, model or other file that something was made from.

    Attributes:
        path: Relative to the project's root.
        hash: MD5 of its content: what dvc.lock recorded of it, or of a table in a recorded folder, the file's.
        there: Whether it lies on disk.
        damaged: Whether it ends in .parquet, and is no table of ours.
        table: Of a table, the name of its row's model.
        rows: Of a table.
        by: Who wrote a table's rows: fingerprints of models, names of teachers.
        prompts: The prompts they were asked with.
        lineage: Of a model, what its lineage file says; of anything else None.
    """

    path: str
    hash: str
    there: bool
    damaged: bool = False
    table: str | None = None
    rows: int | None = None
    by: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    lineage: Mapping[str, Any] | None = None

    @property
    def kind(self) -> Literal["dataset", "model", "file"]:
        """What it is, so far as is known: of what is not there, its place tells."""
        if Path(self.path).suffix == ".parquet":
            return "dataset"
        known = self.lineage is not None if self.there else Path(self.path).is_relative_to(layout.MODELS)
        return "model" if known else "file"


def look(path: str, root: Path = Path(), recorded: str | None = None) -> Ancestor:
    """What lies at a path.

    Args:
        path: Relative to the root.
        root: Folder of the project.
        recorded: The hash that dvc.lock has of it; None: of a folder around it alone, so that the file is read.
    """
    here = root / path
    if not here.exists():
        return Ancestor(path, recorded or "", False)
    if (here / "config.json").is_file() or (here / LINEAGE).is_file():
        return Ancestor(path, recorded or "", True, lineage=read_lineage(here))
    content = recorded or ("" if here.is_dir() else _md5(here))
    return _table(path, content, here) if here.suffix == ".parquet" else Ancestor(path, content, True)


def made_from(lineage: Mapping[str, Any]) -> dict[str, str]:
    """What a lineage file says the model was made from: its mix by content, its start model by fingerprint."""
    given = {}
    for part, place, recorded in (("mix", "file", "hash"), ("start", "folder", "fingerprint")):
        said = lineage.get(part)
        pair = (said.get(place), said.get(recorded)) if isinstance(said, dict) else (None, None)
        if isinstance(pair[0], str) and isinstance(pair[1], str):
            given[pair[0]] = pair[1]
    return given


def read_lineage(folder: Path) -> dict[str, Any]:
    """The lineage file of a model; empty if it has none that can be read."""
    try:
        content = json.loads((folder / LINEAGE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def fingerprint(folder: Path) -> str | None:
    """The fingerprint of a model's folder; None if it holds no whole model."""
    try:
        return model_fingerprint(folder)
    except ModelMissing:
        return None


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


def _table(path: str, content: str, here: Path) -> Ancestor:
    try:
        about = store.metadata(here)
    except store.StoreError:
        return Ancestor(path, content, True, damaged=True)
    if about.table not in WRITTEN:
        return Ancestor(path, content, True, table=about.table, rows=about.rows)
    by, prompts = (_distinct(here, column) for column in ("author", "prompt_id"))
    return Ancestor(path, content, True, table=about.table, rows=about.rows, by=by, prompts=prompts)


def _distinct(table: Path, column: str) -> tuple[str, ...]:
    """The values of a column, sorted; a batch in memory."""

    def values() -> Iterator[str]:
        with pq.ParquetFile(table, read_dictionary=[column]) as parquet:
            known = [name for name in parquet.schema_arrow.names if name == column]
            for batch in parquet.iter_batches(BATCH_ROWS, columns=known) if known else ():
                yield from batch.column(0).unique().to_pylist()

    return tuple(sorted(set(values())))
