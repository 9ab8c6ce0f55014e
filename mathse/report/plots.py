"""Draw the plots' data (`mathse.report.series`) as PNG pictures, the same bytes for the same data.

No display is needed and no global state is touched: figures are made without pyplot, and nothing is written into the
pictures but the pixels.
"""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mathse.report.series import OUTCOMES, Rows
from mathse.tables.schemas import Status

INCHES = (6.4, 4.0)
DOTS_PER_INCH = 120
_COLOURS = {"stayed_correct": "#3b7a57", "gained": "#8fc9a3", "lost": "#e0a458", "stayed_wrong": "#a0a0a0"}
_LINE = "#2f5d8a"


def draw(rows: Rows, drawing: Callable[[Axes, Rows], None], file: Path) -> None:
    """Draw rows with one of this module's drawings into a PNG file.

    Args:
        rows: The plot's data.
        drawing: `accuracy_by_stage`, `accuracy_by_rows`, `transitions`, `orm_confusion`, `error_types` or a `measure`.
        file: Where the picture goes; its folder is made.
    """
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    drawing(axes, rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    # matplotlib writes its own version and, where SOURCE_DATE_EPOCH is set, a date into the picture unless told not to.
    figure.savefig(file, format="png", metadata={"Software": None, "Creation Time": None})


def accuracy_by_stage(axes: Axes, rows: Rows) -> None:
    """Accuracy of each model with its 95 % interval."""
    places = range(len(rows))
    _interval_points(axes, rows, list(places))
    axes.set_xticks(places, [str(row["stage"]) for row in rows])
    axes.set_title("Accuracy by stage, 95 % interval")


def accuracy_by_rows(axes: Axes, rows: Rows) -> None:
    """Accuracy of each model against the rows it was trained on."""
    _interval_points(axes, rows, [int(row["train_rows"]) for row in rows])
    for row in rows:
        axes.annotate(
            str(row["stage"]),
            (float(row["train_rows"]), 100 * float(row["accuracy"])),
            xytext=(8, 6),
            textcoords="offset points",
            fontsize="small",
        )
    axes.margins(x=0.15)
    axes.set_xlabel("training rows")
    axes.set_title("Accuracy against training rows")


def _interval_points(axes: Axes, rows: Rows, places: list[int]) -> None:
    """A line through the accuracies, in per cent, with their intervals."""
    values = [100 * float(row["accuracy"]) for row in rows]
    below = [value - 100 * float(row["ci_low"]) for value, row in zip(values, rows, strict=True)]
    above = [100 * float(row["ci_high"]) - value for value, row in zip(values, rows, strict=True)]
    axes.errorbar(places, values, yerr=[below, above], marker="o", capsize=4, color=_LINE)
    axes.set_ylim(0, 100)
    axes.set_ylabel("accuracy, %")
    axes.grid(axis="y", alpha=0.3)


def transitions(axes: Axes, rows: Rows) -> None:
    """Problems by what each step did to them, stacked (the paper's Figure 2)."""
    steps = list(dict.fromkeys(str(row["step"]) for row in rows))
    base = [0] * len(steps)
    for outcome in OUTCOMES:
        counts = [int(row["problems"]) for row in rows if row["outcome"] == outcome]
        bars = axes.barh(steps, counts, left=base, color=_COLOURS[outcome], label=outcome.replace("_", " "))
        axes.bar_label(bars, [str(count) if count else "" for count in counts], label_type="center", fontsize="small")
        base = [before + count for before, count in zip(base, counts, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("test problems")
    axes.legend(ncols=len(OUTCOMES), fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)


def orm_confusion(axes: Axes, rows: Rows) -> None:
    """The teacher's status against the ORM's, in counts."""
    annotated = [Status.CORRECT.value, Status.WRONG.value]
    judged = [status.value for status in Status]
    counts = [
        [sum(row["annotated"] == first and row["judged"] == second for row in rows) for second in judged]
        for first in annotated
    ]
    axes.imshow(counts, cmap="Blues", vmin=0)
    darkest = max(max(line) for line in counts)
    for place, line in enumerate(counts):
        for other, count in enumerate(line):
            axes.text(other, place, str(count), ha="center", va="center", color=_legible(count, darkest))
    axes.set_xticks(range(len(judged)), judged)
    axes.set_yticks(range(len(annotated)), annotated)
    axes.set(xlabel="judged by the ORM", ylabel="annotated", title="The ORM on held-out paths")


def _legible(count: int, darkest: int) -> str:
    return "white" if count > darkest / 2 else "black"


def error_types(axes: Axes, rows: Rows) -> None:
    """Share of each kind of mistake among a round's wrong paths, one group of bars per kind (the paper's Figure 4)."""
    types = sorted({str(row["type"]) for row in rows})
    rounds = list(dict.fromkeys(str(row["round"]) for row in rows))
    width = 0.8 / max(1, len(rounds))
    for turn, name in enumerate(rounds):
        shares = {str(row["type"]): 100 * float(row["share"]) for row in rows if row["round"] == name}
        places = [place + (turn - (len(rounds) - 1) / 2) * width for place in range(len(types))]
        axes.bar(places, [shares.get(one, 0.0) for one in types], width, label=name)
    axes.set_xticks(range(len(types)), types)
    axes.set(ylabel="share of wrong paths, %", title="What goes wrong, as the ORM says")
    if rounds:
        axes.legend(frameon=False)


def measure(axes: Axes, rows: Rows, name: str) -> None:
    """One measure of each model, as bars."""
    own = [row for row in rows if row["measure"] == name]
    bars = axes.bar([str(row["stage"]) for row in own], [float(row["value"]) for row in own], color=_LINE)
    axes.bar_label(bars, fmt="%.0f", fontsize="small")
    axes.set(title=str(own[0]["title"]) if own else name)
