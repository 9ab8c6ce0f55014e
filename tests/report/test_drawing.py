"""Charts: one file each, drawn by the report, by DVC and by the pages."""

import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import yaml
from dvc_render.vega import VegaRenderer  # type: ignore[import-untyped]

from mathse.report import drawing

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "mathse" / "report" / "charts").glob("*.json"))
ROWS: dict[str, list[dict[str, Any]]] = {
    "accuracy": [
        {"stage": "base", "train_rows": 0, "accuracy": 0.02, "ci_low": 0.01, "ci_high": 0.05},
        {"stage": "+ <b>round</b> 1", "train_rows": 240, "accuracy": 0.5, "ci_low": 0.4, "ci_high": 0.6},
    ],
    "transitions": [
        {"step": "base to + round 1", "outcome": outcome, "problems": 3}
        for outcome in ("stayed_correct", "gained", "lost", "stayed_wrong")
    ],
    "orm_confusion": [{"annotated": "CORRECT", "judged": "WRONG"}],
    "acceptance": [
        {"step": "round 1", "measure": name, "by": "level", "group": "1", "n": 9, "hits": 8, "share": 0.9,
         "ci_low": 0.6, "ci_high": 1}
        for name in ("precision", "recall")
    ],
    "agreement": [{"step": "round 1", "outcome": "both say wrong", "paths": 3}],
    "calibration": [{"step": "round 1", "confidence": 0.9, "n": 9, "hits": 7, "share": 0.8, "ci_low": 0.6,
                     "ci_high": 0.9}],
    "error_types": [
        {"round": "round 1", "says": says, "type": "vision", "paths": 3, "share": 1.0}
        for says in ("the ORM says", "by the scene")
    ],
    "solved": [
        {"step": "round 1", "by": "all", "group": "all", "n": 9, "hits": 8, "share": 0.9, "ci_low": 0.6,
         "ci_high": 1}
    ],
    "lengths": [
        {"of": "answers of a model", "name": "base", "solutions": 2, "mean": 5, "low": 4, "median": 5, "high": 6}
    ],
    "pass_at": [{"stage": "base", "k": k, "rate": k / 8} for k in (1, 2, 4)],
    "work": [{"work": "paths, round 1", "tokens": "read", "count": 7000, "cost": 0.0}],
    "measures": [{"measure": "length", "title": "characters", "stage": "base", "value": 23.4}],
    "verdicts": [{"step": "Round 1", "verdict": "WRONG", "paths": 5}],
}  # fmt: skip


def series(name: str) -> list[dict[str, Any]]:
    return ROWS[drawing.DATA.get(name, name)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_chart_is_drawn_with_rows_and_without(file: Path) -> None:
    for rows in (series(file.stem), []):
        chart = drawing.chart(file.stem, rows)
        with PIL.Image.open(io.BytesIO(chart.png())) as picture:
            assert not picture.info.keys() - {"gamma"}
            assert len(picture.convert("RGB").getcolors(maxcolors=2**24) or []) > 1
        svg = chart.svg()
        assert "NaN" not in svg and "undefined" not in svg
        assert "<b>" not in svg and "<script" not in svg and " style=" not in svg
        assert svg.count("graphics-symbol") >= len(rows)


def test_rows_that_are_none_of_the_charts_are_an_error_or_a_drawing() -> None:
    nested = {"stage": {"a": [1]}, "accuracy": "x"}
    strange: list[dict[str, Any]] = [{}, {"stage": None}, nested, {"accuracy": float("nan")}]
    for rows in ([row] for row in strange):
        with contextlib.suppress(ValueError):
            assert drawing.chart("accuracy_by_stage", rows).svg().startswith("<svg")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dvc_draws_the_same_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    rows = [{**row, "rev": rev} for rev in ("workspace", "HEAD") for row in series(file.stem)]
    template = str(file.relative_to(ROOT))
    filled = json.loads(VegaRenderer(rows, "chart", template=template, title="unused").partial_html())
    assert filled["data"]["values"] == rows
    assert filled["spec"] == drawing.chart(file.stem, []).spec
    assert "DVC_METRIC" not in json.dumps(filled)
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(filled, vl_version="5.8")
    assert drawn.count(">workspace<") == drawn.count(">HEAD<") == 1, "revisions stand side by side"


def test_the_plots_of_dvc_are_the_reports_charts() -> None:
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    templates = {
        plot["template"]: next(iter(plot["y"]))
        for named in plots
        for plot in named.values()
        if "template" in plot
    }  # fmt: skip
    assert templates == {
        f"mathse/report/charts/{name}.json": f"reports/plots/{data}.json" for name, data in drawing.DATA.items()
    }


def test_colours_are_the_pages() -> None:
    sheet = (ROOT / "mathse" / "view" / "static" / "view.css").read_text(encoding="utf-8")
    light = set(re.findall(r"#[0-9a-f]{6}", sheet[: sheet.index("}")]))
    used = json.dumps(drawing.CONFIG) + "".join(file.read_text(encoding="utf-8") for file in FILES)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", used)) <= light


def test_another_process_draws_the_same_bytes() -> None:
    program = (
        "import hashlib, json, sys; from mathse.report import drawing\n"
        "for name, rows in json.load(sys.stdin).items():\n"
        "    print(hashlib.sha256(drawing.chart(name, rows).png()).hexdigest())"
    )
    charts = {file.stem: series(file.stem) for file in FILES}
    others = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, input=json.dumps(charts), capture_output=True, text=True, check=True
    ).stdout.split()
    assert others == [hashlib.sha256(drawing.chart(*pair).png()).hexdigest() for pair in charts.items()]


def test_letters_are_not_the_machines(tmp_path: Path) -> None:
    """Where the machine has no fonts, and where it has others, the picture is the same: its font is its own."""
    chart = drawing.chart("verdicts", series("verdicts"))
    own = chart.png()
    import matplotlib
    import vl_convert

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    (tmp_path / "Serif.ttf").write_bytes((folder / "DejaVuSerif.ttf").read_bytes())
    vl_convert.register_font_directory(str(tmp_path))
    assert chart.png() == own
    assert b"MathSE Sans" not in (folder / "DejaVuSans.ttf").read_bytes()
