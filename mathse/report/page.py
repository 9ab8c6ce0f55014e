"""Build what lies under `reports/` beside the metrics: the table, the plots (data and pictures), and a page of both.

In: `reports/{metrics,mixes,training}/*.json`, `data/predictions/*`, `data/verdicts/*`.
Out: `reports/table.md`, `reports/plots/*.{json,png}`, `reports/report.md`, `reports/official.json`; the same inputs
give the same bytes.
"""

import json
from pathlib import Path

from mathse import layout, params
from mathse.report import benchmarks, drawing, series, table
from mathse.tables.files import write
from mathse.tables.schemas import OWN_TESTS

TABLE = layout.REPORTS / "table.md"
PAGE = layout.REPORTS / "report.md"
STEPS = "Problems that a step gained and lost, and how likely so uneven a change is by chance (McNemar's exact test)"


def build(root: Path) -> list[Path]:
    """Write the table, the plots and the page, and return the files in order.

    Raises:
        UserError: A metrics file or a table is missing; names it.
    """
    settings = params.load(root / params.PARAMS)
    models, orms = table.load(root), table.load_orms(root)
    steps = benchmarks.steps(root, models)
    data: dict[str, series.Rows] = {
        "accuracy": series.accuracy(models),
        "measures": series.measures(models),
        "transitions": series.transitions(step for name, step in steps if name == OWN_TESTS),
        "orm_confusion": series.orm_confusion(list(orms.values())[-1]),  # the one that judges last
        "error_types": series.error_types(root, settings),
    }
    undrawn = {"pass_at": rows} if (rows := series.pass_at(models)) else {}
    plots = {name: (json.dumps(rows, indent=1) + "\n").encode() for name, rows in (data | undrawn).items()}
    pictures = drawing.of_report(data)
    body = f"{table.markdown(models)}\n{table.orm_lines(orms)}\n{benchmarks.markdown(models)}"
    images = (f"![{chart.title}](plots/{chart.name}.png)\n" for chart in pictures)
    changes = table.grid(benchmarks.step_cells(steps), left=2)
    page = "\n".join(["# The loop, measured\n", body, *images, f"{STEPS}:\n", changes])
    official = json.dumps(benchmarks.official(root, models, settings), indent=1, ensure_ascii=False)
    contents = {
        **{layout.PLOTS / f"{name}.json": content for name, content in plots.items()},
        **{layout.PLOTS / f"{chart.name}.png": chart.png() for chart in pictures},
        layout.OFFICIAL_TABLES: (official + "\n").encode(),
        TABLE: body.encode(),
        PAGE: page.encode(),
    }
    for name, content in contents.items():
        write(root / name, content)
    return [root / name for name in contents]
