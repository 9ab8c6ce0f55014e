"""Say what a run has made so far: tables with their rows, models with their accuracy, and journaled partial work.

Reads footers and metrics only, so it answers at once whatever the tables' size.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.report.names import Names
from mathse.tables import store

MEBIBYTE = 2**20


def describe(root: Path, dvc: bool = False) -> str:
    """Describe the state of a run in lines of text.

    Args:
        root: The project's root.
        dvc: Also ask DVC what is out of date; takes a second or more.

    Raises:
        ParamsError: params.yaml is missing or broken.
        UserError: DVC was asked and failed.
    """
    settings = params.load(root / params.PARAMS)
    known = Names(settings)
    lines = [f"steps    {', '.join(f'{name} ({known.heading(name)})' for name in settings.steps)}"]
    lines += _section("tables", _tables(root))
    lines += _section("models", _models(root, known))
    lines += _section("journals (a stage that runs again goes on from these)", _journals(root))
    if dvc:
        lines += _section("out of date", _out_of_date(root))
    return "\n".join(lines)


def _section(title: str, lines: Iterator[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in list(lines) or ["none yet"])]


def _tables(root: Path) -> Iterator[str]:
    for file in sorted((root / layout.DATA).rglob("*.parquet")):
        name = file.relative_to(root).as_posix()
        try:
            described = store.metadata(file)
            yield f"{name:40} {described.rows:>10,} {described.table}"
        except UserError as error:
            yield f"{name:40} {error}"


def _models(root: Path, known: Names) -> Iterator[str]:
    names = known.order(folder.name for folder in (root / layout.MODELS).glob("[!.]*") if folder.is_dir())
    for folder in (root / layout.model(name) for name in names):
        weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / MEBIBYTE
        yield f"{folder.name:10} {weights:>8,.1f} MiB  {_measured(root, folder.name, known)}".rstrip()


def _measured(root: Path, name: str, known: Names) -> str:
    """A model's accuracy, if the test problems were given to it."""
    file = root / layout.metrics(name)
    if name in known.orms or not file.exists():
        return ""
    return f"{known.title(name)}: {100 * scores.load(file).accuracy:.1f} %"


def _journals(root: Path) -> Iterator[str]:
    folder = (root / layout.journal("any")).parent
    for file in sorted(folder.glob("*.sqlite")):
        yield f"{file.stem:40} {_entries(file)}"


def _entries(file: Path) -> str:
    """How many completions a journal holds; a stage may be writing to it, so it is opened for reading."""
    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return f"{database.execute('select count(*) from completions').fetchone()[0]:>10,} completions"
        finally:
            database.close()
    except sqlite3.Error as error:
        return f"cannot be read: {error}"


def _out_of_date(root: Path) -> Iterator[str]:
    """What `dvc status` says."""
    said = subprocess.run(
        [sys.executable, "-m", "dvc", "status"], cwd=root, capture_output=True, text=True, check=False
    )
    if said.returncode != 0:
        raise UserError(f"`dvc status` failed in {root.absolute()}: {said.stderr.strip()}")
    yield from said.stdout.splitlines()
