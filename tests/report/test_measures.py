import json
from pathlib import Path

from pydantic import Field

from mathse import layout
from mathse.loop.evaluation.scores import Metrics
from mathse.report import page, table
from mathse.view import charts


class Wider(Metrics):
    """Metrics with one more measure, as a newcomer would declare it."""

    fluent: float | None = Field(default=None, json_schema_extra={"shown": "fluent, %"})


def test_a_measure_is_declared_with_the_field(run: Path) -> None:
    *known, added = table.declared(Wider)
    assert tuple(known) == table.MEASURES
    assert added == ("fluent", "fluent, %")
    one = Wider(**table.load(run)[0].metrics.model_dump(), fluent=0.1234)
    assert added.of(one) == 12.3
    assert added.of(one.model_copy(update={"fluent": None})) is None


def test_a_measure_is_shown_in_the_table_the_page_and_the_view(run: Path) -> None:
    page.build(run)
    plot = json.loads((run / layout.PLOTS / "measures.json").read_text(encoding="utf-8"))
    drawn = {chart.name: chart for chart, _ in charts.figures(run, [])}
    text = (run / page.PAGE).read_text(encoding="utf-8")
    for measure in table.MEASURES:
        rows = [row for row in plot if row["measure"] == measure.name]
        assert [row["stage"] for row in rows] == [model.title for model in table.load(run)]
        assert measure.title in table.markdown(table.load(run)).splitlines()[0]
        assert f"(plots/{measure.name}.png)" in text
        assert drawn[measure.name].rows == rows


def test_pass_at_k_is_in_the_reports_data_by_model(run: Path) -> None:
    file = run / layout.metrics("base")
    metrics = json.loads(file.read_text(encoding="utf-8")) | {"pass_at": {"1": 0.25, "4": 0.5}}
    file.write_text(json.dumps(metrics), encoding="utf-8")
    page.build(run)

    assert json.loads((run / layout.PLOTS / "pass_at.json").read_text(encoding="utf-8")) == [
        {"stage": "base", "k": 1, "rate": 0.25},
        {"stage": "base", "k": 4, "rate": 0.5},
    ]
