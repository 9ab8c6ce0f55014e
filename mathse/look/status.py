"""What a run has made so far: tables with their rows, models with their accuracy, partial work, and the time it took.

Reads footers, metrics and timings only, so it answers at once whatever the tables' size.

Sample of timings: `train final: 253 s, 2,511 tokens/s, 1,229 MiB`, `evaluate final: 9 s`
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.look import catalogue
from mathse.loop.evaluation import scores
from mathse.params import Params
from mathse.report.names import Names
from mathse.tables import store

MEBIBYTE = 2**20


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
            line += f"  {known.title(name)}: {100 * scores.load(metrics).accuracy:.1f} %"
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


def timings(root: Path, settings: Params) -> list[str]:
    """One line per training and evaluation that ran here, in the order of the loop; a file that is damaged is named.

    Args:
        settings: Says which models there are: another run may have left its own.
    """
    runs = [*(("train", name) for name in settings.trained), *(("evaluate", name) for name in settings.measured)]
    lines = []
    for stage, name in runs:
        file = root / layout.timings(f"{stage}-{name}")
        try:
            timing = json.loads(file.read_text(encoding="utf-8"))
            line = f"{stage} {name}: {timing['seconds']:,.0f} s"
            if stage == "train":
                memory = timing["peak_memory"] / MEBIBYTE
                line += f", {timing['tokens_per_second']:,.0f} tokens/s, {memory:,.0f} MiB"
            lines.append(line)
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError) as error:
            remedy = f"the next `dvc repro` that runs {stage} {name} writes it anew"
            lines.append(f"{file}: is damaged ({type(error).__name__}); {remedy}")
    return lines
