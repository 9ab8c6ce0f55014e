"""The run's charts as Vega-Lite: from the data that the report stage wrote, and from the verdicts of the index.

Sample: `{"title": "Accuracy", "rows": [...], "spec": {"mark": "line", "encoding": {...}}}`; colours and fonts are the
page's own.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.report.names import Names
from mathse.share.view.filters import Vocabulary
from mathse.share.view.present import heading
from mathse.share.view.search import Connection
from mathse.share.view.statements import STATUSES

MOST_ROWS = 5000
Spec = dict[str, Any]

_STAGE = {"field": "stage", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": 0}}
_PERCENT = {"axis": {"format": ".0%"}}
_ORDER = {"CORRECT": 0, "WRONG": 1, "UNDECIDED": 2}


@dataclass(frozen=True)
class Chart:
    """A chart and the rows it draws.

    Attributes:
        name: Its place in the address.
        title: What it shows.
        rows: Flat rows.
        spec: Vega-Lite without data.
    """

    name: str
    title: str
    rows: list[dict[str, Any]]
    spec: Spec


def charts(root: Path, connection: Connection, known: Vocabulary, names: Names) -> list[Chart]:
    """All charts that can be drawn, in the order of a page."""
    judged = _verdicts(connection, known, names)
    drawn = [
        Chart("accuracy", "Accuracy on the test problems, with its 95 % interval", _plot(root, "accuracy"), _ACCURACY),
        Chart("verdicts", "What the ORM says of the paths of each step", judged, _VERDICTS),
        Chart(
            "transitions", "Test problems gained and lost from model to model", _plot(root, "transitions"), _TRANSITIONS
        ),
        Chart("errors", "What goes wrong, as the ORM says", _plot(root, "error_types"), _ERRORS),
        Chart("confusion", "The ORM on held-out paths: annotated against judged", _confusion(root), _CONFUSION),
        *measured(root),
    ]
    return [chart for chart in drawn if chart.rows]


def _plot(root: Path, name: str) -> list[dict[str, Any]]:
    """The rows that the report stage wrote; none if it has not, or if they are not rows."""
    try:
        found = json.loads((root / layout.PLOTS / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = found if isinstance(found, list) else []
    return [row for row in rows[:MOST_ROWS] if isinstance(row, dict)]


def measured(root: Path) -> list[Chart]:
    """What the report shows of the models' metrics beside accuracy (`mathse.report.measures`), a chart each."""
    of: dict[str, list[dict[str, Any]]] = {}
    for row in _plot(root, "measures"):
        of.setdefault(str(row.get("measure")), []).append(row)
    return [Chart(name, str(rows[0].get("title")).capitalize(), rows, _MEASURE) for name, rows in of.items()]


def _verdicts(connection: Connection, known: Vocabulary, names: Names) -> list[dict[str, Any]]:
    sql = "select step, status, sum(paths) from summary where status > 0 group by step, status order by step, status"
    return [
        {"step": heading(known.label("round", step), names), "verdict": STATUSES[status - 1], "paths": int(paths)}
        for step, status, paths in connection.execute(sql).fetchall()
    ]


def _confusion(root: Path) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    for row in _plot(root, "orm_confusion"):
        pair = (str(row.get("annotated")), str(row.get("judged")))
        counts[pair] = counts.get(pair, 0) + 1
    return [{"annotated": first, "judged": second, "paths": number} for (first, second), number in counts.items()]


_ACCURACY: Spec = {
    "encoding": {"x": _STAGE},
    "layer": [
        {
            "mark": {"type": "rule"},
            "encoding": {
                "y": {"field": "ci_low", "type": "quantitative", "title": None, **_PERCENT},
                "y2": {"field": "ci_high"},
            },
        },
        {
            "mark": {"type": "line", "point": {"size": 60, "filled": True}},
            "encoding": {
                "y": {"field": "accuracy", "type": "quantitative", "title": None, **_PERCENT},
                "tooltip": [
                    {"field": "stage"},
                    {"field": "accuracy", "format": ".1%"},
                    {"field": "train_rows", "title": "training rows", "format": ","},
                ],
            },
        },
    ],
}
_VERDICTS: Spec = {
    "mark": {"type": "bar", "height": {"band": 0.7}},
    "encoding": {
        "y": {"field": "step", "type": "nominal", "sort": None, "title": None},
        "x": {"field": "paths", "type": "quantitative", "stack": "normalize", "title": None, **_PERCENT},
        "color": {"field": "verdict", "type": "nominal", "scale": {"domain": list(_ORDER)}, "legend": {"title": None}},
        "tooltip": [{"field": "step"}, {"field": "verdict"}, {"field": "paths", "format": ","}],
    },
}
_TRANSITIONS: Spec = {
    "mark": {"type": "bar", "height": {"band": 0.7}},
    "encoding": {
        "y": {"field": "step", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 240}},
        "x": {"field": "problems", "type": "quantitative", "title": None},
        "color": {
            "field": "outcome", "type": "nominal", "legend": {"title": None},
            "scale": {"domain": ["stayed_correct", "gained", "lost", "stayed_wrong"]},
        },
        "tooltip": [{"field": "step"}, {"field": "outcome"}, {"field": "problems", "format": ","}],
    },
}  # fmt: skip
_ERRORS: Spec = {
    "mark": {"type": "bar"},
    "encoding": {
        "x": {"field": "type", "type": "nominal", "title": None, "axis": {"labelAngle": 0}},
        "xOffset": {"field": "round", "type": "nominal"},
        "y": {"field": "share", "type": "quantitative", "title": None, **_PERCENT},
        "color": {"field": "round", "type": "nominal", "legend": {"title": "round"}},
        "tooltip": [{"field": "round"}, {"field": "type"}, {"field": "paths", "format": ","}],
    },
}
_CONFUSION: Spec = {
    "encoding": {
        "x": {"field": "judged", "type": "nominal", "sort": list(_ORDER), "axis": {"labelAngle": 0}},
        "y": {"field": "annotated", "type": "nominal", "sort": list(_ORDER)},
    },
    "layer": [
        {"mark": "rect", "encoding": {"opacity": {"field": "paths", "type": "quantitative", "legend": None}}},
        {"mark": {"type": "text", "fontSize": 13}, "encoding": {"text": {"field": "paths", "format": ","}}},
    ],
}
_MEASURE: Spec = {
    "mark": {"type": "bar", "width": {"band": 0.6}},
    "encoding": {
        "x": _STAGE,
        "y": {"field": "value", "type": "quantitative", "title": None},
        "tooltip": [{"field": "stage"}, {"field": "value", "format": ".1f"}],
    },
}
