"""What tables and models were made from, and what that was made from, back to the problems: read from the files.

A table has the hashes of its inputs in its metadata, a model its mix and its start model in its lineage file; so the
hash of a mix stands for everything behind it. What lies on disk counts as an ancestor only if its content has the hash
that was recorded: of what is missing or has changed since, the recorded hash is told, and nothing behind it.

    data/mix/0.parquet             174 rows, MixRow    made from data/distill/paths.parquet, ...
    data/distill/verdicts.parquet  199 rows, Verdict   by fee8c4a0... with judge-brief@1, made from models/orm, ...
    models/orm                     fingerprint fee8c4a0..., made from data/orm/mix.parquet, models/base
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from mathse import layout
from mathse.backbones.fingerprint import LINEAGE, ModelMissing, model_fingerprint
from mathse.tables import store

AUTHOR = {"Path": "model", "Verdict": "judge", "Feedback": "teacher"}
"""The column that says who wrote a row, by the table's model; such a table has a column `prompt` too."""
BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Ancestor:
    """A table, model or other file that something was made from.

    Attributes:
        path: Relative to the project's root.
        hash: Its content hash (`store.input_hashes`); the recorded one if it is not there.
        there: Whether it lies on disk with the content that was recorded.
        made_from: Recorded hashes of what it was made from, by path: of content, or of a start model its fingerprint.
        table: Of a table, the name of its row's model.
        rows: Of a table.
        by: Who wrote a table's rows: fingerprints of models, names of teachers.
        prompts: The prompts they were asked with.
        lineage: Of a model, what its lineage file says; of anything else None.
    """

    path: str
    hash: str
    there: bool
    made_from: Mapping[str, str]
    table: str | None = None
    rows: int | None = None
    by: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    lineage: Mapping[str, Any] | None = None

    @property
    def kind(self) -> Literal["dataset", "model", "file"]:
        """What it is, so far as is known: of what is not there, its place tells. A folder of sources is a file."""
        if Path(self.path).suffix == ".parquet":
            return "dataset"
        known = self.lineage is not None if self.there else Path(self.path).is_relative_to(layout.MODELS)
        return "model" if known else "file"


def ancestors(recorded: Mapping[str, str], root: Path = Path()) -> dict[str, Ancestor]:
    """Follow what was recorded back to its beginnings; reads every ancestor once, to hash it.

    Args:
        recorded: Hashes of the nearest ancestors by path, as a table's metadata or a lineage file has them.
        root: Folder of the project.

    Returns:
        By path, in the order of paths; each once, however many were made from it.
    """
    found: dict[str, Ancestor] = {}
    waiting = sorted(recorded.items(), reverse=True)
    while waiting:
        path, expected = waiting.pop()
        if path in found and (found[path].there or found[path].hash == expected):
            continue
        found[path] = look(path, root, expected)
        waiting += sorted(found[path].made_from.items(), reverse=True)
    return dict(sorted(found.items()))


def look(path: str, root: Path = Path(), expected: str | None = None) -> Ancestor:
    """What lies at a path, and what it was made from.

    Args:
        path: Relative to the root.
        root: Folder of the project.
        expected: The hash that was recorded of it; None: whatever lies there is taken.
    """
    here = root / path
    if not here.exists():
        return Ancestor(path, expected or "", False, {})
    content = store.input_hashes([here])[here.as_posix()]
    if expected not in (None, content) and not (here.is_dir() and fingerprint(here) == expected):
        return Ancestor(path, expected or "", False, {})
    if (here / "config.json").is_file() or (here / LINEAGE).is_file():
        lineage = read_lineage(here)
        return Ancestor(path, content, True, made_from(lineage), lineage=lineage)
    if here.is_dir() or here.suffix != ".parquet":
        return Ancestor(path, content, True, {})
    return _table(path, content, here)


def made_from(lineage: Mapping[str, Any]) -> dict[str, str]:
    """What a lineage file says the model was made from: its mix by content, its start model by fingerprint."""
    given = {}
    for part, place, recorded in (("mix", "file", "hash"), ("start", "folder", "fingerprint")):
        said = lineage.get(part)
        found = (said.get(place), said.get(recorded)) if isinstance(said, dict) else (None, None)
        if isinstance(found[0], str) and isinstance(found[1], str):
            given[found[0]] = found[1]
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


def _table(path: str, content: str, here: Path) -> Ancestor:
    try:
        told = store.metadata(here)
    except store.StoreError:
        return Ancestor(path, content, True, {})
    if told.table not in AUTHOR:
        return Ancestor(path, content, True, told.inputs, told.table, told.rows)
    by, prompts = (_distinct(here, column) for column in (AUTHOR[told.table], "prompt"))
    return Ancestor(path, content, True, told.inputs, told.table, told.rows, by, prompts)


def _distinct(table: Path, column: str) -> tuple[str, ...]:
    """The values of a column, sorted; a batch in memory."""

    def values() -> Iterator[str]:
        with pq.ParquetFile(table, read_dictionary=[column]) as parquet:
            known = [name for name in parquet.schema_arrow.names if name == column]
            for batch in parquet.iter_batches(BATCH_ROWS, columns=known) if known else ():
                yield from batch.column(0).unique().to_pylist()

    return tuple(sorted(set(values())))
