"""Build what lies under `reports/` beside the metrics: the table, the plots (data and pictures), and a page of both.

In: `reports/{metrics,mixes,training}/*.json`, `data/predictions/*`, `data/verdicts/*`.
Out: `reports/table.md`, `reports/plots/*.{json,png}`, `reports/report.md`; the same inputs give the same bytes.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes

from mathse import layout, params
from mathse.report import benchmarks, measures, plots, series, table
from mathse.report.series import Rows
from mathse.report.table import Measured

TABLE = layout.REPORTS / "table.md"
PAGE = layout.REPORTS / "report.md"
BENCHMARKS = "Public benchmarks, pass@1 by their official rules, accuracy in % (95 % bootstrap)"
STEPS = "Problems that a step gained and lost, and how likely so uneven a change is by chance (McNemar's exact test)"

Drawing = tuple[str, str, Callable[[Axes, Rows], None]]
"""Name of the picture's file, name of its data, and what draws it."""
PICTURES: tuple[Drawing, ...] = (
    ("accuracy_by_stage", "accuracy", plots.accuracy_by_stage),
    ("accuracy_by_rows", "accuracy", plots.accuracy_by_rows),
    ("transitions", "transitions", plots.transitions),
    ("orm_confusion", "orm_confusion", plots.orm_confusion),
    ("error_types", "error_types", plots.error_types),
    *((one.name, "measures", partial(plots.measure, name=one.name)) for one in measures.MEASURES),
)


def build(root: Path) -> list[Path]:
    """Write the table, the plots and the page.

    Args:
        root: The project's root.

    Returns:
        The files written, in order.

    Raises:
        UserError: A metrics file or a table is missing; names it.
    """
    settings = params.load(root / params.PARAMS)
    models, orms = table.load(root), table.load_orms(root)
    data = {
        "accuracy": series.accuracy(models),
        "measures": measures.rows((model.title, model.metrics) for model in models),
        "transitions": series.transitions(root, models),
        "orm_confusion": series.orm_confusion(list(orms.values())[-1]),  # the one that judges last
        "error_types": series.error_types(root, settings),
    }
    written = [_write_json(root / layout.PLOTS / f"{name}.json", rows) for name, rows in data.items()]
    for name, source, drawing in PICTURES:
        plots.draw(data[source], drawing, root / layout.PLOTS / f"{name}.png")
        written.append(root / layout.PLOTS / f"{name}.png")
    body = f"{table.markdown(models)}\n{table.orm_lines(orms)}\n{_benchmarks(models)}"
    page = _page(body, benchmarks.markdown(benchmarks.step_cells(benchmarks.steps(root, models)), left=2))
    official = json.dumps(benchmarks.official(root, models, settings), indent=1, ensure_ascii=False)
    written.append(_write(root / layout.OFFICIAL_TABLES, official + "\n"))
    return [*written, _write(root / TABLE, body), _write(root / PAGE, page)]


def _benchmarks(models: Sequence[Measured]) -> str:
    """The table of public benchmarks and its notes; nothing where no model is measured on one."""
    found = benchmarks.cells(models)
    if not found:
        return ""
    notes = "".join(f"\n{note}." for note in benchmarks.notes(models))
    return f"\n{BENCHMARKS}:\n\n{benchmarks.markdown(found)}{notes}{chr(10) if notes else ''}"


def _page(body: str, steps: str) -> str:
    """The table, every picture, and what each step changed."""
    pictures = (f"![{name.replace('_', ' ')}](plots/{name}.png)\n" for name, _, _ in PICTURES)
    return "\n".join(["# The loop, measured\n", body, *pictures, f"{STEPS}:\n", steps])


def _write_json(file: Path, rows: Rows) -> Path:
    return _write(file, json.dumps(rows, indent=1) + "\n")


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
