"""The charts of a run: one Vega-Lite file each in `mathse/report/charts`, and whatever shows one draws that file.

    reports/plots/*.*       `files` of the chart and the rows that the report stage wrote for it: PNG, and SVG and PDF
                            for papers
    dvc plots               the file itself, as the template of a plot in dvc.yaml
    mathse view             `svg` of the same, in the page's own colours

A file is a template in DVC's sense: `<DVC_METRIC_DATA>` stands where the rows go, and the chart is the `spec` of a
facet over `rev`, so that `dvc plots diff` puts revisions side by side. Here there is one revision, and `spec` alone is
drawn. Colours are the light ones of `mathse view` (mathse/view/static/view.css).
"""

import atexit
import io
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources, util
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageFont
import vl_convert

DATA = {
    "accuracy_by_stage": "accuracy",
    "accuracy_by_rows": "accuracy",
    "transitions": "transitions",
    "orm_confusion": "orm_confusion",
    "acceptance": "acceptance",
    "agreement": "agreement",
    "calibration": "calibration",
    "error_types": "error_types",
    "solved": "solved",
    "lengths": "lengths",
    "pass_at": "pass_at",
    "work": "work",
    "measures": "measures",
    "experiments": "experiments",
}
"""Charts of the report, in its order, each with the series that it draws (`mathse.report.series`)."""
OPTIONAL = ("calibration", "pass_at", "experiments")
"""Charts of what not every run has: an ORM's confidence, answers drawn beside the greedy one, experiments."""
SEVERAL = {"measures": ("measure", ""), "experiments": ("experiment", "ablate_")}
"""Files that describe a chart for each value of a column, which is then the chart's name, and what stands before it:
people name experiments, and no chart of theirs takes the place of another."""
VEGA_LITE = "5.21"
SCALE = 2
"""Pixels of a picture per pixel of the chart."""
FONT = "MathSE Sans"
SUBSTITUTES = "DejaVu Sans, Bitstream Vera Sans, Verdana, sans-serif"
"""What an SVG asks for in its place, elsewhere: fonts whose letters are as wide."""
CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "#ffffff",
    "padding": 12,
    "view": {"stroke": None},
    "title": {"anchor": "start", "fontSize": 14, "fontWeight": 600, "color": "#1c1b19", "offset": 14},
    "axis": {
        "labelColor": "#66625b", "titleColor": "#66625b", "gridColor": "#e5e1d8", "domainColor": "#e5e1d8",
        "tickColor": "#e5e1d8", "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "labelLimit": 600,
    },
    "legend": {"labelColor": "#66625b", "labelFontSize": 12, "symbolType": "square", "labelLimit": 600},
}  # fmt: skip
EMPTY = {
    "data": {"values": [{}]},
    "width": 420,
    "height": 60,
    "mark": {"type": "text", "text": "no rows", "color": "#66625b"},
}
"""What is drawn of no rows: not every chart has a size without any."""

Rows = Sequence[Mapping[str, Any]]
BETWEEN = 12
"""Pixels between two names below an axis."""
_BREAKS = re.compile(r" (?=after |\(|preferences)")
_NAMES = re.compile(rb"(?:\n +/[a-z]+\d+ \d+ 0 R){2,}")
_MARK = re.compile(r'<path aria-label="([^"]*)"( role="graphics-symbol"[^>]*)/>')


@dataclass(frozen=True)
class Chart:
    """A chart, its Vega-Lite without data and title, and the rows that it draws."""

    name: str
    title: str
    spec: Mapping[str, Any]
    rows: Rows

    def files(self) -> dict[str, bytes]:
        """A picture under its title as `png`, `svg` and `pdf`: the same bytes for the same chart on every machine.

        Raises:
            ValueError: The rows are none that it can draw.
        """
        svg = _svg(json.dumps({**self._filled(), "title": self.title}))
        smaller = io.BytesIO()
        with PIL.Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=SCALE))) as picture:
            picture.convert("RGB").save(smaller, "PNG", optimize=True)
        return {
            "png": smaller.getvalue(),
            "svg": svg.replace(f'font-family="{FONT}"', f'font-family="{SUBSTITUTES}"').encode(),
            "pdf": _NAMES.sub(_sorted, vl_convert.svg_to_pdf(svg)),
        }

    def svg(self) -> str:
        """A drawing without its title, to stand in a page.

        Raises:
            ValueError: The rows are none that it can draw.
        """
        return _svg(json.dumps(self._filled()))

    def _filled(self) -> dict[str, Any]:
        if not self.rows:
            return EMPTY
        filled = {**self.spec, "data": {"values": list(self.rows)}}
        if isinstance(width := self.spec.get("width"), dict) and "for" not in width:
            # Names stand side by side below the axis, broken where its `labelExpr` breaks them.
            field = self.spec["encoding"]["x"]["field"]
            words = [part for row in self.rows for part in _BREAKS.split(str(row.get(field, "")))]
            filled["width"] = {"step": max(width["step"], *(_font().getlength(part) + BETWEEN for part in words))}
        return filled


def _sorted(names: re.Match[bytes]) -> bytes:
    """The resources of a page by name: the library writes them in another order each time."""
    return b"".join(sorted(re.findall(rb"\n[^\n]+", names[0])))


def chart(name: str, rows: Rows) -> Chart:
    """The chart that the file `name` describes, of these rows."""
    template = json.loads((resources.files("mathse.report") / "charts" / f"{name}.json").read_text(encoding="utf-8"))
    return Chart(name, template["title"], template["spec"], rows)


def of_report(data: Mapping[str, Rows]) -> list[Chart]:
    """The report's charts of its series: of measures (`mathse.report.table.MEASURES`) and experiments, one chart each.

    What not every run measures is left out where there are no rows of it.
    """
    charts: list[Chart] = []
    for name, series in DATA.items():
        rows = data[series]
        if name in SEVERAL:
            charts += _several(chart(name, rows), *SEVERAL[name])
        elif rows or name not in OPTIONAL:
            charts.append(chart(name, rows))
    return charts


def _several(together: Chart, column: str, before: str) -> list[Chart]:
    """The charts of one file, each under the title that its rows have."""
    titles = {str(row.get(column)): str(row.get("title")).capitalize() for row in together.rows}
    return [
        Chart(before + name, title, together.spec, [row for row in together.rows if str(row.get(column)) == name])
        for name, title in titles.items()
    ]


def themed(svg: str, sheet: str) -> str:
    """A drawing in a page's own colours: each light colour of the sheet as its variable, numbers told to the mouse.

    Args:
        sheet: The page's style sheet; its first rule has the light colours, as `--name: #rrggbb;`.
    """
    svg = _MARK.sub(r"<path\2><title>\1</title></path>", svg)
    for name, colour in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet[: sheet.index("}")]):
        svg = svg.replace(colour, f"var(--{name})")
    return svg


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    """Draw Vega-Lite; once, since a page shows the same chart again and again."""
    _add_font()
    return vl_convert.vegalite_to_svg(spec, VEGA_LITE, config=CONFIG, allowed_base_urls=[])


@cache
def _add_font() -> None:
    """Register the font of charts under a name that no machine has.

    Of two fonts with one name the machine's own is taken, and another version of it draws other bytes.
    """
    font = _font_file().read_bytes()
    for encoding in ("ascii", "utf-16-be"):
        font = font.replace("DejaVu Sans".encode(encoding), FONT.encode(encoding))  # both names have 11 letters
    folder = tempfile.mkdtemp(prefix="mathse-font-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # it is read whenever something is drawn
    (Path(folder) / "font.ttf").write_bytes(font)
    vl_convert.register_font_directory(folder)


@cache
def _font() -> PIL.ImageFont.FreeTypeFont:
    """The font of an axis's names, to measure them."""
    return PIL.ImageFont.truetype(_font_file(), CONFIG["axis"]["labelFontSize"])


def _font_file() -> Path:
    """Matplotlib's DejaVu Sans."""
    package = util.find_spec("matplotlib")
    assert package and package.origin
    return Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
