"""The run's charts, as the report draws them (`mathse.report.drawing`), in the page's colours.

Their rows are those that the report stage wrote; of the verdicts, those of the index.
"""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from mathse import layout
from mathse.report import drawing
from mathse.report.drawing import Chart, Rows

MOST_ROWS = 5000


def figures(root: Path, verdicts: Rows) -> list[tuple[Chart, str]]:
    """All charts that there are rows for, in the order of a page, each with its drawing as SVG.

    Vega has escaped the texts of a drawing; its colours are the page's variables, and its marks tell their numbers to
    the mouse. It is empty where the rows cannot be drawn.

    Args:
        verdicts: Number of `paths` by `step` and `verdict`.
    """
    sheet = (resources.files("mathse.view") / "static" / "view.css").read_text(encoding="utf-8")
    series = {name: _rows(root / layout.PLOTS / f"{name}.json") for name in drawing.DATA.values()}
    drawn = []
    for chart in (drawing.chart("verdicts", verdicts), *drawing.of_report(series)):
        if not chart.rows:
            continue
        try:
            svg = drawing.themed(chart.svg(), sheet)
        except ValueError:
            svg = ""
        drawn.append((chart, svg))
    return drawn


def _rows(file: Path) -> Rows:
    """The rows that the report stage wrote; none if it has not, or if they are not rows."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [row for row in content[:MOST_ROWS] if isinstance(row, Mapping)] if isinstance(content, list) else []
