"""Which tables of a run can be looked at, and what is wrong with the others.

Sample: `Table(name="paths_1", file=Path("data/paths/1.parquet"), rows=1646, problem=None)`
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.params import STUDENT
from mathse.report import names
from mathse.report.names import Names
from mathse.share.catalogue import Entry, catalogue
from mathse.tables import store

HASH_BYTES = 16
_TAIL = 8
"""Bytes at the end of a Parquet file: the footer's length and a magic word."""
_NEEDED = {
    "Problem": {
        "problem_id", "source", "source_id", "licence", "split", "question", "choices", "answer", "solution",
        "image_ids", "subject", "level", "language",
    },
    "Path": {
        "path_id", "problem_id", "kind", "round", "sample_idx", "author", "text", "answer", "finish_reason", "error",
        "parent_path_id",
    },
    "Verdict": {
        "path_id", "status", "error_step", "error_analysis", "undecided_reason", "rule_status", "rule_reason",
    },
    "BenchmarkItem": {
        "benchmark", "item_id", "licence", "question", "choices", "answer", "image_ids", "subject", "level", "language",
    },
    "Prediction": {"problem_id", "text", "answer", "status", "reason"},
    "Image": {"image_id", "data", "format"},
}  # fmt: skip
"""The columns that the pages read, by table; others may come and go."""


@dataclass(frozen=True)
class Table:
    """One Parquet file of a run.

    Attributes:
        name: As in `mathse query`, such as `paths_1`.
        entry: What it is, and where it lies.
        kind: The model of its rows, such as `Path`; empty if it cannot be read.
        rows: How many it holds.
        problem: What is wrong with it and what to do, if it cannot be shown.
    """

    name: str
    entry: Entry
    kind: str
    rows: int
    problem: str | None

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.entry.file


@dataclass(frozen=True)
class Tables:
    """All tables of a run, by name, in the loop's order."""

    root: Path
    found: Mapping[str, Table]
    names: Names

    @property
    def good(self) -> dict[str, Path]:
        """Those that can be read."""
        return {name: table.file for name, table in self.found.items() if table.problem is None}

    @property
    def problems(self) -> list[str]:
        """What is wrong with the others."""
        return [table.problem for table in self.found.values() if table.problem]

    def steps(self) -> dict[str, tuple[str, str | None]]:
        """Path table and verdict table (if any) of every step, in the loop's order; last what ORMs learned from."""
        verdicts = {self.found[view].entry.of: view for view in self._readable("verdicts", "Verdict")}
        verdicts.setdefault(STUDENT, verdicts.get(self.names.orms[0], ""))
        paths = {self.found[view].entry.of: view for view in self._readable("paths", "Path")}
        pairs = {of: (view, verdicts.get(of) or None) for of, view in paths.items()}
        loop = {of: pair for of, pair in pairs.items() if of not in (STUDENT, *self.names.orms)}
        return loop | {of: pairs[of] for of in self.names.order(pairs.keys() - loop.keys())}

    def _readable(self, what: str, kind: str) -> list[str]:
        return [view for view in self.good if (self.found[view].entry.kind, self.found[view].kind) == (what, kind)]

    def of_kind(self, what: str) -> dict[str, Path]:
        """Readable tables of a kind (`mix`, `predictions`, `feedback`) by the model or step they belong to."""
        found = {view: table.entry for view, table in self.found.items() if table.problem is None}
        return {entry.of: entry.file for entry in found.values() if entry.kind == what}

    def fingerprint(self) -> str:
        """Changes when a table does: names, sizes, times and Parquet footers (with each column chunk's statistics)."""
        digest = hashlib.blake2b(digest_size=HASH_BYTES)
        for name, table in self.found.items():
            digest.update(repr((name, table.problem, _stamp(table.file), _footer(table.file))).encode())
        return digest.hexdigest()

    def stamps(self) -> list[tuple[int, int]]:
        """Sizes and times alone: enough to see, cheaply, that a table was replaced."""
        return [_stamp(table.file) for table in self.found.values()]


def discover(root: Path) -> Tables:
    """Find the tables below `root`; a damaged one is found too, with its problem."""
    known = names.of(root)
    return Tables(root, {name: _table(name, entry) for name, entry in catalogue(root, known).items()}, known)


def missing(root: Path) -> list[str]:
    """What there is not yet, each with the command that makes it."""
    if not (root / layout.PROBLEMS).is_file():
        return [f"{layout.PROBLEMS} is not there yet: `dvc repro problems` makes it, `dvc checkout` fetches it"]
    if not any(entry.kind == "paths" for entry in catalogue(root).values()):
        return ["No paths have been written yet: `dvc repro` runs the loop"]
    return []


def _table(name: str, entry: Entry) -> Table:
    file = entry.file
    try:
        about = store.metadata(file)
        columns = set(pq.read_schema(file).names)
    except store.StoreError as error:
        return Table(name, entry, "", 0, str(error))
    except (pa.ArrowException, OSError, ValueError) as error:
        return Table(name, entry, "", 0, f"{file}: damaged ({error}); delete it and run `dvc repro`")
    absent = sorted(_NEEDED.get(about.table, set()) - columns)
    wrong = f"{file}: has no column {', '.join(absent)}; remake it with `dvc repro`" if absent else None
    return Table(name, entry, about.table, about.rows, wrong)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


def _footer(file: Path) -> str:
    try:
        with file.open("rb") as content:
            size = content.seek(0, 2)
            content.seek(max(0, size - _TAIL))
            length = int.from_bytes(content.read(4), "little")
            content.seek(max(0, size - _TAIL - length))
            return hashlib.blake2b(content.read(), digest_size=HASH_BYTES).hexdigest()
    except OSError:
        return ""
