"""Charts: one file each, drawn by the report, by DVC and by the pages."""

import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import PIL.Image
import pytest
import yaml
from dvc_render.vega import VegaRenderer  # type: ignore[import-untyped]

from mathse.report import drawing

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "mathse" / "report" / "charts").glob("*.json"))
ROWS: dict[str, list[dict[str, Any]]] = {
    "accuracy": [
        {"kind": "run", "of": "this run", "stage": "base", "train_rows": 0, "accuracy": 0.02, "ci_low": 0.01,
         "ci_high": 0.05, "p": ""},
        {"kind": "run", "of": "this run", "stage": "+ <b>round</b> 1", "train_rows": 240, "accuracy": 0.5,
         "ci_low": 0.4, "ci_high": 0.6, "p": "p = 0.026"},
    ],
    "experiments": [
        {"experiment": "table3", "title": "what is told", "name": "none", "seeds": 3, "mean": 0.4, "low": 0.3,
         "high": 0.5, "lowest": 0.38, "highest": 0.42, "p": "p = 0.2", "paper": "62.35 %"}
    ],
    "transitions": [
        {"step": "base to + round 1", "outcome": outcome, "problems": 3, "p": "p = 1"}
        for outcome in ("stayed_correct", "gained", "lost", "stayed_wrong")
    ],
    "orm_confusion": [{"annotated": "CORRECT", "judged": "WRONG", "paths": 3, "share": 1.0, "paper": ""}],
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
        files = chart.files()
        assert files["pdf"].startswith(b"%PDF-") and b"Date" not in files["pdf"]
        assert b"MathSE" not in files["svg"]
        with PIL.Image.open(io.BytesIO(files["png"])) as picture:
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
        "    print(hashlib.sha256(b''.join(drawing.chart(name, rows).files().values())).hexdigest())"
    )
    charts = {file.stem: series(file.stem) for file in FILES}
    others = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, input=json.dumps(charts), capture_output=True, text=True, check=True
    ).stdout.split()
    own = [b"".join(drawing.chart(*pair).files().values()) for pair in charts.items()]
    assert others == [hashlib.sha256(content).hexdigest() for content in own]


def test_letters_are_not_the_machines(tmp_path: Path) -> None:
    """Where the machine has no fonts, and where it has others, the picture is the same: its font is its own."""
    chart = drawing.chart("verdicts", series("verdicts"))
    own = chart.files()
    import matplotlib
    import vl_convert

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    (tmp_path / "Serif.ttf").write_bytes((folder / "DejaVuSerif.ttf").read_bytes())
    vl_convert.register_font_directory(str(tmp_path))
    assert chart.files() == own
    assert b"MathSE Sans" not in (folder / "DejaVuSans.ttf").read_bytes()


LONG = ("base", "+ reflection after round 10", "+ round 2, preferences", "+ round 2 (a-model-with-a-long-name)")


def boxes(svg: str, labels: list[str]) -> list[tuple[float, float, float, float]]:
    """Where each label's letters are: left, top, right, bottom."""
    root = ElementTree.fromstring(svg)
    found = []

    def walk(node: ElementTree.Element, x: float, y: float) -> None:
        turned = "rotate" in node.get("transform", "")
        if match := re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", node.get("transform", "")):
            x, y = x + float(match[1]), y + float(match[2])
        for text in [node, *node.findall("{*}tspan")] if node.tag.endswith("}text") else []:
            if text.text in labels and not turned:
                down = y + float(text.get("dy", 0)) * (text is not node)
                size = float(node.get("font-size", "12px").removesuffix("px"))
                width = drawing._font().getlength(text.text) * size / drawing._font().size
                left = x - {"middle": width / 2, "end": width}.get(node.get("text-anchor", ""), 0)
                found.append((left, down - 9, left + width, down + 2))
        for child in node:
            walk(child, x, y)

    walk(root, 0, 0)
    return found


def test_labels_do_not_collide_and_none_is_cut() -> None:
    accuracies = (0.02, 0.221, 0.222, 0.223)
    of = {"kind": "run", "of": "this run"}
    rows = [
        {**of, "stage": stage, "train_rows": 350 * bool(place), "accuracy": accuracies[place], "ci_low": 0.0,
         "ci_high": 0.3, "p": "p < 0.001" if place else ""}
        for place, stage in enumerate(LONG)
    ]  # fmt: skip
    parts = [part for stage in LONG for part in re.split(r" (?=after |\(|preferences)", stage)]
    for name, labels in (("accuracy_by_stage", [*parts, "p < 0.001"]), ("accuracy_by_rows", list(LONG))):
        svg = drawing.chart(name, rows).files()["svg"].decode()
        width, height = (float(number) for number in re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2])
        found = boxes(svg, labels)
        assert len(found) == (len(parts) + 3 if name == "accuracy_by_stage" else len(LONG))
        for box in found:
            assert box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height
        for one, other in combinations(found, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (name, one, other)


def test_a_pictures_numbers_are_the_papers_and_the_seeds() -> None:
    rows = [
        {"kind": "run", "of": "this run", "stage": "base", "train_rows": 0, "accuracy": 0.1, "ci_low": 0.05,
         "ci_high": 0.15, "p": ""},
        {"kind": "run", "of": "this run", "stage": "+ round 1", "train_rows": 9, "accuracy": 0.2, "ci_low": 0.15,
         "ci_high": 0.25, "p": ""},
        {"kind": "seeds", "of": "mean of 3 seeds", "stage": "base", "train_rows": 0, "accuracy": 0.1, "ci_low": 0.08,
         "ci_high": 0.12, "p": ""},
        {"kind": "seeds", "of": "mean of 3 seeds", "stage": "+ round 1", "train_rows": 9, "accuracy": 0.2,
         "ci_low": 0.18, "ci_high": 0.22, "p": "p = 0.026"},
        {"kind": "paper", "of": "paper: CogVLM2", "stage": "base", "accuracy": 0.3085},
    ]  # fmt: skip
    svg = drawing.chart("accuracy_by_stage", rows).svg()
    for shown in ("paper: CogVLM2", "mean of 3 seeds", "p = 0.026", "base, paper: CogVLM2: 30.9%"):
        assert shown in svg
    band = "".join(re.findall(r'class="mark-area[^"]*"[^>]*>(.*?)</g>', svg))
    heights = {float(number) for number in re.findall(r"[ML,]\d[\d.]*,([\d.]+)", band)}
    assert {round(240 * (1 - share), 1) for share in (0.08, 0.12, 0.18, 0.22)} <= {round(one, 1) for one in heights}


def test_an_experiment_takes_no_charts_place() -> None:
    row = {"title": "whose word", "name": "orm", "seeds": 3, "mean": 0.4, "low": 0.3, "high": 0.5, "lowest": 0.3}
    row |= {"highest": 0.5, "p": "", "paper": ""}
    named = list(drawing.DATA)
    empty: dict[str, list[Any]] = {series: [] for series in drawing.DATA.values()}
    charts = drawing.of_report(empty | {"experiments": [row | {"experiment": name} for name in named]})
    names = [chart.name for chart in charts]
    assert len(names) == len(set(names))
    assert {f"ablate_{name}" for name in named} <= set(names)
