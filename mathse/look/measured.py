"""What a run came to, for a terminal: models, the ORM, public benchmarks, and what the work took on this machine.

In: `reports/{metrics,mixes,training,timings}/*.json`, `reports/judged.json`, `models/*/lineage.json`. A measurement
whose weights are not those that lie in `models/` was made elsewhere, and came with git: it is marked as such.

    model            training rows    accuracy, % (95 %)
    base                         0      4.2 (3.1 to 5.7)
    + distilled *              351   16.6 (14.3 to 19.1)
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mathse import layout, params
from mathse.look.lineage import read_lineage
from mathse.params import Params
from mathse.report import benchmarks, columns, judging, table
from mathse.report.names import Names
from mathse.report.table import Measured

MEBIBYTE = 2**20
TIMINGS = ("model", "seconds to train", "tokens per second", "MiB", "seconds to evaluate")


def lines(root: Path, width: int) -> list[str]:
    """The whole of it, within `width` cells of a terminal.

    Raises:
        UserError: Nothing is measured yet, or a report is damaged.
    """
    settings, models = params.load(root / params.PARAMS), table.load(root)
    names = Names(settings)
    elsewhere = foreign(root, {model.metrics.model: model.metrics.fingerprint for model in models})
    marked = [f"{model.title} *" if model.metrics.model in elsewhere else model.title for model in models]
    rows = [(title, *table.cells(model)[1:]) for title, model in zip(marked, models, strict=True)]
    parts = [
        [f"Accuracy on {models[-1].metrics.n:,} held-out problems, pass@1", ""],
        columns.table(table.HEADINGS, rows, width),
        ["", *columns.wrapped(table.orm_lines(table.load_orms(root)).split("\n\n"), width)],
        _own_paths(root, names, width),
        _public(models, marked, width),
        _timings(root, settings, names, width),
        ["", *columns.wrapped([_of_somebody_else(elsewhere)], width)] if elsewhere else [],
    ]
    return [line for part in parts for line in part]


def foreign(root: Path, fingerprints: Mapping[str, str]) -> dict[str, str]:
    """The models whose weights are not here, each with what lies in their place: `none` or `other weights`.

    Args:
        fingerprints: By model, the content hash of the weights that were measured.
    """
    here = {name: read_lineage(root / layout.model(name)).get("model") for name in fingerprints}
    return {
        name: "other weights" if (root / layout.model(name)).is_dir() else "none"
        for name, fingerprint in fingerprints.items()
        if here[name] != fingerprint
    }


def timings(root: Path, settings: Params) -> tuple[list[tuple[str, ...]], list[str]]:
    """What trainings and evaluations took here: rows below `TIMINGS`, in the order of the loop; and damaged files.

    Args:
        settings: Says which models there are: another run may have left its own.
    """
    rows: list[tuple[str, ...]] = []
    damaged: list[str] = []
    for name in dict.fromkeys((*settings.measured[:1], *settings.trained, *settings.measured)):
        cells = [""] * 4
        for place, stage, models in ((0, "train", settings.trained), (3, "evaluate", settings.measured)):
            if name not in models:
                continue
            file = root / layout.timings(f"{stage}-{name}")
            try:
                timing = json.loads(file.read_text(encoding="utf-8"))
                took = [f"{timing['seconds']:,.0f}"]
                if stage == "train":
                    took += [f"{timing['tokens_per_second']:,.0f}", f"{timing['peak_memory'] / MEBIBYTE:,.0f}"]
                cells[place : place + len(took)] = took
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError) as error:
                remedy = f"the next `dvc repro` that runs {stage} {name} writes it anew"
                damaged.append(f"{file}: is damaged ({type(error).__name__}); {remedy}")
        if any(cells):
            rows.append((name, *cells))
    return rows, damaged


def _own_paths(root: Path, names: Names, width: int) -> list[str]:
    heads, *rows = judging.cells(judging.load(root), names)
    if not rows:
        return []
    title = "The ORM on each step's own paths, shares in % (95 % interval) of how many"
    return ["", *columns.wrapped([title], width), "", *columns.table(heads, rows, width)]


def _public(models: Sequence[Measured], marked: Sequence[str], width: int) -> list[str]:
    rows = benchmarks.cells(models)
    if not rows:
        return []
    body = [(title, *row[1:]) for title, row in zip(marked, rows[1:], strict=True)]
    notes = columns.wrapped(benchmarks.notes(models), width)
    return ["", benchmarks.TITLE, "", *columns.table(rows[0], body, width), *notes]


def _timings(root: Path, settings: Params, names: Names, width: int) -> list[str]:
    rows, damaged = timings(root, settings)
    titled = [
        (name if name in settings.orms or name not in settings.measured else names.title(name), *cells)
        for name, *cells in rows
    ]
    printed = ["", "What it took on this machine", "", *columns.table(TIMINGS, titled, width)] if titled else []
    return [*printed, *damaged]


def _of_somebody_else(elsewhere: Mapping[str, str]) -> str:
    gone = [layout.model(name).as_posix() for name, what in elsewhere.items() if what == "none"]
    other = [layout.model(name).as_posix() for name, what in elsewhere.items() if what != "none"]
    why = [f"{', '.join(gone)} not here"] * bool(gone) + [f"other weights in {', '.join(other)}"] * bool(other)
    return (
        f"* somebody else's result, which came with git: {'; '.join(why)}. `dvc pull` brings the weights that were "
        "measured, `dvc repro` makes your own."
    )
