"""Which tables of a run can be looked at, what is wrong with the others, and what single rows have beyond the index.

Sample: `Table(entry=Entry("paths", "1", Path("data/paths/1.parquet")), rows=1646, problem=None)`
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.errors import HOW_TO_GET, UserError
from mathse.look.catalogue import Entry, apart, catalogue
from mathse.params import STUDENT
from mathse.report import names
from mathse.report.names import Names
from mathse.tables import seal, store
from mathse.tables.images import ImageError, as_shown

_HASH_BYTES = 16
_TAIL = 8
"""Bytes at the end of a Parquet file: the footer's length and a magic word."""
_NEEDED = {
    "problems": {
        "problem_id", "source", "source_id", "licence", "split", "question", "choices", "answer", "solution",
        "image_ids", "subject", "level", "language",
    },
    "paths": {
        "path_id", "problem_id", "kind", "round", "sample_idx", "author", "text", "answer", "finish_reason", "error",
        "parent_path_id", "tokens_out",
    },
    "verdicts": {
        "path_id", "status", "error_step", "error_analysis", "undecided_reason", "rule_status", "rule_reason",
    },
    "benchmark_items": {
        "benchmark", "item_id", "licence", "question", "choices", "answer", "image_ids", "subject", "level", "language",
    },
    "mix": {"path_id"},
    "predictions": {"problem_id", "text", "answer", "status", "reason"},
    "images": {"image_id", "data", "width", "height"},
    "benchmark_images": {"image_id", "data", "width", "height"},
}  # fmt: skip
"""The columns that the pages read, by kind of table; others may come and go."""
_HIDDEN = {"text", "path_id", "problem_id", "row_hash", "text_hash"}


class Unreadable(UserError):
    """A table of the run is damaged; names it and says what to do."""


@dataclass(frozen=True)
class Table:
    """One Parquet file of a run.

    Attributes:
        entry: What it is, and where it lies.
        rows: How many it holds.
        problem: What is wrong with it and what to do, if it cannot be shown.
    """

    entry: Entry
    rows: int
    problem: str | None


@dataclass(frozen=True)
class Tables:
    """All tables of a run by their names in `mathse query`, in the loop's order."""

    root: Path
    names: Names
    all: Mapping[str, Table]

    @property
    def readable(self) -> dict[str, Path]:
        """Files of the tables that can be shown."""
        return {name: table.entry.file for name, table in self.all.items() if table.problem is None}

    @property
    def problems(self) -> list[str]:
        """What is wrong with the others."""
        return [table.problem for table in self.all.values() if table.problem]

    def steps(self) -> dict[str, tuple[str, str | None]]:
        """Path table and verdict table (if any) of every step, in the loop's order; last what ORMs learned from."""
        entries = {name: self.all[name].entry for name in self.readable}
        verdicts = {entry.of: name for name, entry in entries.items() if entry.kind == "verdicts"}
        verdicts.setdefault(STUDENT, verdicts.get(self.names.orms[0], ""))
        paths = {entry.of: name for name, entry in entries.items() if entry.kind == "paths"}
        pairs = {of: (name, verdicts.get(of) or None) for of, name in paths.items()}
        loop = {of: pair for of, pair in pairs.items() if of not in apart(self.names)}
        return loop | {of: pairs[of] for of in self.names.order(pairs.keys() - loop.keys())}

    def of_kind(self, kind: str) -> dict[str, Path]:
        """Readable tables of a kind (`mix`, `predictions`, `feedback`) by the model or step they belong to."""
        entries = (self.all[name].entry for name in self.readable)
        return {entry.of: entry.file for entry in entries if entry.kind == kind}

    def mixes(self) -> dict[str, Path]:
        """The mixes of which at least one row can be looked at, in the loop's order."""
        return {of: file for of, file in self.of_kind("mix").items() if self.all[f"mix_{of}"].rows}

    def fingerprint(self) -> str:
        """Changes when a table does: names, sizes, times and Parquet footers (with each column chunk's statistics)."""
        digest = hashlib.blake2b(digest_size=_HASH_BYTES)
        for name, table in self.all.items():
            digest.update(repr((name, table.problem, _stamp(table.entry.file))).encode())
            with suppress(OSError), table.entry.file.open("rb") as content:
                size = content.seek(0, 2)
                content.seek(max(0, size - _TAIL))
                content.seek(max(0, size - _TAIL - int.from_bytes(content.read(4), "little")))
                digest.update(content.read())
        return digest.hexdigest()

    def stamps(self) -> list[tuple[int, int]]:
        """Sizes and times alone: enough to see, cheaply, that a table was replaced."""
        return [_stamp(table.entry.file) for table in self.all.values()]


def discover(root: Path) -> Tables:
    """Find the tables below `root`; a damaged one is found too, with its problem."""
    known = names.of(root)
    tables: dict[str, Table] = {}
    for name, entry in catalogue(root, known).items():
        rows, problem = 0, None
        try:
            if seal.is_broken(entry.file):
                raise store.StoreError(f"{entry.file}: damaged: its bytes are not those of its seal; run `dvc repro`")
            rows = store.metadata(entry.file).rows
            absent = sorted(_NEEDED.get(entry.kind, set()) - set(pq.read_schema(entry.file).names))
            if absent:
                problem = f"{entry.file}: has no column {', '.join(absent)}; remake it with `dvc repro`"
        except store.StoreError as error:
            problem = str(error)
        except (pa.ArrowException, OSError, ValueError) as error:
            problem = f"{entry.file}: damaged ({error}); delete it and run `dvc repro`"
        tables[name] = Table(entry, rows, problem)
    return Tables(root, known, tables)


def missing(root: Path) -> list[str]:
    """What there is not yet, each with the command that makes it."""
    if not (root / layout.PROBLEMS).is_file():
        return [f"{layout.PROBLEMS} is not there yet: {HOW_TO_GET}"]
    if not any(entry.kind == "paths" for entry in catalogue(root).values()):
        return [f"No table of paths is there yet: {HOW_TO_GET}"]
    return []


def mix_report(root: Path, name: str) -> dict[str, Any]:
    """What the stage `mix` says of one: rows left out by reason, problems solved; empty if it said nothing."""
    with suppress(OSError, ValueError, RecursionError):
        report = json.loads((root / layout.mix_report(name)).read_text(encoding="utf-8"))
        if isinstance(report, dict) and isinstance(report.get("left_out"), dict):
            return report
    return {}


def image(tables: Tables, image_id: str) -> tuple[bytes, str] | None:
    """An image as models are shown it and its media type; none if there is no such image, or it is no picture.

    Raises:
        Unreadable: A table of images is damaged.
    """
    for name in ("images", "benchmark_images"):
        if name not in tables.readable:
            continue
        for row in _rows(tables.readable[name], "image_id", image_id, ["data", "width", "height"]):
            with suppress(ImageError):
                data, encoding = as_shown(row["data"], row["width"] * row["height"])
                return data, f"image/{encoding.lower()}"
    return None


def record(tables: Tables, step: str, path_id: str) -> dict[str, dict[str, Any]]:
    """All that the tables hold on a path: its own row, its verdict, the teacher's feedback.

    Raises:
        Unreadable: One of them is damaged.
    """
    paths, verdicts = tables.steps().get(step, (None, None))
    sections = [("Path", tables.readable.get(paths or "")), ("Verdict", tables.readable.get(verdicts or ""))]
    sections += [("Feedback of the teacher", file) for file in tables.of_kind("feedback").values()]
    record: dict[str, dict[str, Any]] = {}
    for title, file in sections:
        for row in _rows(file, "path_id", path_id) if file else ():
            cells = {name: value for name, value in row.items() if name not in _HIDDEN and value is not None}
            record.setdefault(title, cells)
    return record


def _rows(file: Path, key: str, value: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a table by id, from the row groups that may have it; each page that is read is checked."""
    try:
        table = pq.read_table(file, columns=columns, filters=pc.field(key) == value, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"{file}: damaged ({error}); delete it and run `dvc repro`") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
