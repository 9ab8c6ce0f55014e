"""What a run has made so far: tables with their rows, models with their accuracy, and partial work.

Reads footers and metrics only, so it answers at once whatever the tables' size.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.look import catalogue
from mathse.look.measured import MEBIBYTE, foreign
from mathse.loop.evaluation import scores
from mathse.report.names import Names
from mathse.tables import store


def describe(root: Path, dvc: bool = False) -> str:
    """Describe the state of a run in lines of text.

    Args:
        dvc: Also ask DVC what is out of date; takes a second or more.

    Raises:
        ParamsError: params.yaml is missing or broken.
        UserError: DVC was asked and failed.
    """
    settings = params.load(root / params.PARAMS)
    known = Names(settings)
    sections: dict[str, Iterable[str]] = {
        "tables": _tables(root),
        "models": _models(root, known),
        "journals (a stage that runs again goes on from these)": _journals(root),
    }
    if dvc:
        command = [sys.executable, "-m", "dvc", "status"]
        outdated = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if outdated.returncode != 0:
            raise UserError(f"`dvc status` failed in {root.absolute()}: {outdated.stderr.strip()}")
        sections["out of date"] = outdated.stdout.splitlines()
    lines = [f"steps    {', '.join(f'{name} ({known.heading(name)})' for name in settings.steps)}"]
    for title, section in sections.items():
        lines += ["", title, *(f"  {line}" for line in list(section) or ["none yet"])]
    if not any((root / layout.DATA).rglob("*.parquet")):
        lines += ["", catalogue.NONE_YET]
    return "\n".join(lines)


def _tables(root: Path) -> Iterator[str]:
    for file in sorted((root / layout.DATA).rglob("*.parquet")):
        if file.is_relative_to(root / layout.SOURCES):  # somebody else's files, in forms of their own
            continue
        name = file.relative_to(root).as_posix()
        try:
            described = store.metadata(file)
            yield f"{name:40} {described.rows:>10,} {described.table}"
        except UserError as error:
            yield f"{name:40} {error}"


def _models(root: Path, known: Names) -> Iterator[str]:
    folders = (folder.name for folder in (root / layout.MODELS).glob("[!.]*") if folder.is_dir())
    for name in known.order(folders):
        weights = sum(file.stat().st_size for file in (root / layout.model(name)).glob("*.safetensors")) / MEBIBYTE
        line = f"{name:10} {weights:>8,.1f} MiB"
        metrics = root / layout.metrics(name)
        if name not in known.orms and metrics.exists():
            measured = scores.load(metrics)
            line += f"  {known.title(name)}: {100 * measured.accuracy:.1f} %"
            if foreign(root, {name: measured.fingerprint}):
                line += f" (somebody else's, of weights {measured.fingerprint[:8]})"
        yield line


def _journals(root: Path) -> Iterator[str]:
    """How many completions each journal holds; a stage may be writing to it, so it is opened for reading."""
    for file in sorted((root / layout.journal("any")).parent.glob("*.sqlite")):
        try:
            database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            try:
                count = database.execute("select count(*) from completions").fetchone()[0]
            finally:
                database.close()
            yield f"{file.stem:40} {count:>10,} completions"
        except sqlite3.Error as error:
            yield f"{file.stem:40} cannot be read: {error}"
