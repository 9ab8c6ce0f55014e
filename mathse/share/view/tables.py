"""Which tables of a run can be looked at, and what is wrong with the others.

Sample: `Table(name="round_1_paths", file=Path("data/rounds/1/paths.parquet"), rows=1646, problem=None)`
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.tables import store, views

HASH_BYTES = 16
_TAIL = 8
"""Bytes at the end of a Parquet file: the footer's length and a magic word."""
_NEEDED = {
    "Problem": {
        "problem_id", "source", "source_id", "licence", "split", "question", "choices", "answer", "solution",
        "image_ids", "subject", "level", "language",
    },
    "Path": {
        "path_id", "problem_id", "kind", "round", "sample_idx", "model", "text", "answer", "finish_reason", "error",
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
        name: As in `mathse query`, such as `round_1_paths`.
        file: Where it lies.
        kind: The model of its rows, such as `Path`; empty if it cannot be read.
        rows: How many it holds.
        problem: What is wrong with it and what to do, if it cannot be shown.
    """

    name: str
    file: Path
    kind: str
    rows: int
    problem: str | None


@dataclass(frozen=True)
class Tables:
    """All tables of a run, by name, in the loop's order."""

    root: Path
    found: Mapping[str, Table]

    @property
    def good(self) -> dict[str, Path]:
        """Those that can be read."""
        return {name: table.file for name, table in self.found.items() if table.problem is None}

    @property
    def problems(self) -> list[str]:
        """What is wrong with the others."""
        return [table.problem for table in self.found.values() if table.problem]

    def steps(self) -> dict[str, tuple[str, str | None]]:
        """Path table and verdict table (if any) of every step, by name: distill, 1, ..., reflect, student, orm."""
        pairs = {
            _step(name): (name, self._readable(name.removesuffix("paths") + "verdicts", "Verdict"))
            for name in self.good
            if name.endswith("_paths") and self._readable(name, "Path")
        }
        first_of_all = {step: pairs.pop(step) for step in ("student", "orm") if step in pairs}
        if student := first_of_all.get("student"):
            first_of_all["student"] = (student[0], self._readable("orm_verdicts", "Verdict"))
        return pairs | first_of_all

    def _readable(self, name: str, kind: str) -> str | None:
        return name if name in self.good and self.found[name].kind == kind else None

    def models(self) -> dict[str, Path]:
        """Readable prediction tables, by model."""
        return {name.removeprefix("eval_"): file for name, file in self.good.items() if name.startswith("eval_")}

    def mixes(self) -> dict[str, Path]:
        """Readable training mixes, by the model they trained."""
        return {name.removeprefix("mix_"): file for name, file in self.good.items() if name.startswith("mix_")}

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
    return Tables(root, {name: _table(name, file) for name, file in views.all_tables(root).items()})


def missing(root: Path) -> list[str]:
    """What there is not yet, each with the command that makes it."""
    if not (root / layout.PROBLEMS).is_file():
        return [f"{layout.PROBLEMS} is not there yet: `dvc repro problems` makes it, `dvc checkout` fetches it"]
    if not any(name.endswith("_paths") for name in views.all_tables(root)):
        return ["No paths have been written yet: `dvc repro` runs the loop"]
    return []


def _table(name: str, file: Path) -> Table:
    try:
        about = store.metadata(file)
        columns = set(pq.read_schema(file).names)
    except store.StoreError as error:
        return Table(name, file, "", 0, str(error))
    except (pa.ArrowException, OSError, ValueError) as error:
        return Table(name, file, "", 0, f"{file}: damaged ({error}); delete it and run `dvc repro`")
    absent = sorted(_NEEDED.get(about.table, set()) - columns)
    wrong = f"{file}: has no column {', '.join(absent)}; remake it with `dvc repro`" if absent else None
    return Table(name, file, about.table, about.rows, wrong)


def _step(name: str) -> str:
    """`round_1_paths` is step `1`, `distill_paths` is `distill`."""
    return name.removesuffix("_paths").removeprefix("round_")


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
