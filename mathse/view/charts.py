"""The run's charts, as the report draws them (`mathse.report.drawing`), in the page's colours.

Their rows are those that the report stage wrote; of the verdicts, those of the index.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mathse import layout
from mathse.report import drawing
from mathse.report.drawing import Chart, Rows

MOST_ROWS = 5000
_MARK = re.compile(r'<path aria-label="([^"]*)"( role="graphics-symbol"[^>]*)/>')


@dataclass(frozen=True)
class Figure:
    """A chart as a page shows it.

    Attributes:
        name: What it is called.
        title: What it shows.
        rows: Its numbers.
        svg: Its drawing, whose texts Vega has escaped; empty if the rows cannot be drawn.
    """

    name: str
    title: str
    rows: Rows
    svg: str


def figures(root: Path, verdicts: Rows) -> list[Figure]:
    """All charts that there are rows for, in the order of a page.

    Args:
        verdicts: Number of `paths` by `step` and `verdict`.
    """
    series = {name: _rows(root / layout.PLOTS / f"{name}.json") for name in drawing.DATA.values()}
    charts = [drawing.chart("verdicts", verdicts), *drawing.of_report(series)]
    return [Figure(chart.name, chart.title, chart.rows, _svg(chart)) for chart in charts if chart.rows]


def _rows(file: Path) -> Rows:
    """The rows that the report stage wrote; none if it has not, or if they are not rows."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [row for row in content[:MOST_ROWS] if isinstance(row, Mapping)] if isinstance(content, list) else []


def _svg(chart: Chart) -> str:
    """A drawing whose colours are the page's variables, and whose marks tell their numbers to the mouse."""
    try:
        svg = chart.svg()
    except ValueError:
        return ""
    for name, colour in _palette().items():
        svg = svg.replace(colour, f"var(--{name})")
    return _MARK.sub(r"<path\2><title>\1</title></path>", svg)


def _palette() -> dict[str, str]:
    """The page's light colours by their variables' names: those that charts are drawn in."""
    sheet = (resources.files("mathse.view") / "static" / "view.css").read_text(encoding="utf-8")
    light = sheet[: sheet.index("}")]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
