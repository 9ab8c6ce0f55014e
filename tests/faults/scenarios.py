"""What writes something in this project, each as a small run: prepared, done, and looked at afterwards.

A scenario's `state` is read as a user of its files would read it. After a fault each of its parts must be as it was
before or as it is without a fault: nothing half-written, nothing else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb

from mathse import layout
from mathse.errors import UserError
from mathse.loop import mix
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Request, Sampling
from mathse.loop.mix import MixReport
from mathse.share.export import export
from mathse.share.importing import import_folder
from mathse.tables import files, store
from mathse.tables.schemas import MixRow, Reject, Remaining, Status
from mathse.view import index
from mathse.view.tables import discover
from tests import rows
from tests.loop.scripted import Scripted
from tests.loop.test_mix import CUMULATIVE, step
from tests.share import mixed
from tests.view.conftest import PATHS, write_run

State = Mapping[str, object]
"""What is there, by part; None for what is not."""

TABLE, JOURNAL, METRICS, MODEL = (
    Path("data/rejects.parquet"),
    Path("journal.sqlite"),
    Path("metrics.json"),
    Path("model"),
)


@dataclass(frozen=True)
class Scenario:
    """Something that is written.

    Attributes:
        prepare: Makes what is there before.
        act: Writes.
        state: Reads what was written.
        faults: Which are tried.
    """

    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    state: Callable[[Path], State]
    faults: tuple[str, ...] = ("kill", "EIO", "ENOSPC", "EROFS")


def _rejects(count: int) -> list[Reject]:
    return [Reject(source="s", source_id=f"{place:05}", reason="duplicate") for place in range(count)]


def _ask(root: Path) -> None:
    """Ask for twelve completions, of which an earlier run may have journaled some; write down what they are."""
    requests = [Request(f"p{number}", 0, "solve@1", turn("?"), (), Sampling(), 0) for number in range(12)]
    engine = Scripted(lambda request: f"reply to {request.problem_id}")
    outcomes = {label.problem_id: outcome.text for label, outcome in generate(engine, requests, root / JOURNAL, "ask")}
    files.write_json(root / "replies.json", outcomes)


def _model(root: Path, content: str) -> None:
    with files.whole_or_not_at_all(root / MODEL) as folder:
        for name in ("config.json", "weights"):
            (folder / name).write_text(content)


def _mix_inputs(root: Path) -> None:
    problems = [rows.problem(f"p{number}") for number in range(3)]
    paths = [rows.path(f"a{number}", f"p{number}", text=f"Step 1: {number}.") for number in range(3)]
    verdicts = [
        rows.verdict(f"a{number}", f"p{number}", (Status.CORRECT, Status.WRONG, Status.CORRECT)[number])
        for number in range(3)
    ]
    step(root, paths, verdicts, problems)


def _mix_state(root: Path) -> State:
    report, table, remaining = (root / place("0") for place in (layout.mix_report, layout.mix, layout.remaining))
    return {
        "mix": [row.path_id for row in store.read(table, MixRow, verify=True)] if table.exists() else None,
        "remaining": [row.problem_id for row in store.read(remaining, Remaining)] if remaining.exists() else None,
        "report": MixReport.model_validate_json(report.read_text()) if report.exists() else None,
    }


def _exported(root: Path) -> None:
    mixed.write_run(root / "theirs", ["three", "text"])
    export(root / "theirs", "0", root / "out")
    mixed.write_run(root / "theirs", ["three", "chinese", "text"])


def _folder(folder: Path) -> object:
    """Names and hashes of what a folder holds; None if it is not there."""
    if not folder.exists():
        return None
    return {
        file.relative_to(folder).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _index(root: Path) -> None:
    """Build the pages' index; what of a table could not be read, which the pages say, is an error here."""
    tables = discover(root)
    with index.open_index(index.ensure(tables)) as connection:
        if problems := [*tables.problems, *_damage(connection)]:
            raise UserError("\n".join(problems))


def _index_state(root: Path) -> State:
    built = list((root / layout.STATE / "view").glob("[!.]*.duckdb"))
    if not built:
        return {"paths": None}
    with index.open_index(built[0]) as connection:
        paths = connection.execute("select count(*) from rows").fetchone()
        return {"paths": None if _damage(connection) or paths != (sum(map(len, PATHS.values())),) else paths}


def _damage(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(name) for (name,) in connection.execute("select name from labels where kind = 'damage'").fetchall()]


SCENARIOS: Mapping[str, Scenario] = {
    "store": Scenario(
        lambda root: store.write(root / TABLE, Reject, _rejects(40)),
        lambda root: store.write(root / TABLE, Reject, _rejects(1500)),
        lambda root: {"rows": len(store.read(root / TABLE, Reject, verify=True))},
    ),
    "journal": Scenario(
        lambda root: None,
        _ask,
        lambda root: {
            "replies": json.loads((root / "replies.json").read_text()) if (root / "replies.json").exists() else None
        },
    ),
    "mix": Scenario(_mix_inputs, lambda root: mix.build(CUMULATIVE, "0", root), _mix_state),
    "export": Scenario(
        _exported,
        lambda root: export(root / "theirs", "0", root / "out"),
        lambda root: {"out": _folder(root / "out")},
    ),
    "import": Scenario(
        _exported,
        lambda root: import_folder(root, root / "out", "theirs"),
        lambda root: {"imported": _folder(root / layout.SOURCES / "theirs")},
    ),
    "index": Scenario(write_run, _index, _index_state),
    "metrics": Scenario(
        lambda root: files.write_json(root / METRICS, {"accuracy": 0.5}),
        lambda root: files.write_json(root / METRICS, {"accuracy": 0.75, "by_subject": {"angles": 1.0}}),
        lambda root: {"metrics": json.loads((root / METRICS).read_text())},
    ),
    "model": Scenario(
        lambda root: _model(root, "old"),
        lambda root: _model(root, "new"),
        lambda root: {"model": _folder(root / MODEL)},
    ),
}
