"""The table of the loop (the shape of the paper's Table 1), for the terminal and as Markdown.

In: `reports/metrics/*.json`. One line a model, in the order in which the loop makes them:

    | model         | training rows | accuracy, % (95 %)   | solved of remaining | seconds |
    | base          |             0 |   1.2 (0.5 to 2.9)   |                     |       4 |
    | + distilled   |           240 |  12.0 (9.2 to 15.6)  |          214 of 240 |      66 |
"""

import json
from pathlib import Path

from pydantic import ValidationError
from rich import box
from rich.table import Table

from mathse import layout, params
from mathse.errors import UserError
from mathse.evaluation import scores
from mathse.evaluation.orm_scores import OrmMetrics
from mathse.evaluation.scores import Metrics
from mathse.report import measures

_LOOP = ("model", "training rows", "accuracy, % (95 %)", "solved of remaining", "seconds")
HEADINGS = (*_LOOP, *(measure.title for measure in measures.MEASURES))
_NAMES = {"base": "base", "0": "+ distilled", "final": "+ reflection"}


def stage_name(model: str) -> str:
    """A model's name as readers know it: `1` is `+ round 1`."""
    return _NAMES.get(model, f"+ round {model}")


def stage_order(model: str) -> float:
    """Place of a model in the loop: base, 0, 1, ..., final."""
    return {"base": -1.0, "final": float("inf")}[model] if model in ("base", "final") else float(model)


def load(root: Path) -> list[Metrics]:
    """Metrics of all models that are measured, in the loop's order.

    A round that params.yaml no longer has may have left its metrics behind: they are another run's, and not loaded.

    Raises:
        UserError: No model is measured yet, or a file does not hold metrics.
    """
    folder = root / layout.METRICS
    loop = {*_NAMES, *map(str, params.load(root / params.PARAMS).rounds)}
    names = [file.stem for file in folder.glob("*.json") if file.stem in loop]
    if not names:
        raise UserError(f"{folder}: no model is measured yet; `dvc repro` runs the loop")
    return [scores.load(root / layout.metrics(name)) for name in sorted(names, key=stage_order)]


def load_orm(root: Path) -> OrmMetrics:
    """The ORM's metrics.

    Raises:
        UserError: It is not measured yet, or the file does not hold its metrics.
    """
    file = root / layout.metrics("orm")
    try:
        return OrmMetrics.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"{file}: the ORM is not measured yet; `dvc repro` runs the loop") from error
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise UserError(f"{file}: does not hold the ORM's metrics; `dvc repro` makes it anew: {error}") from error


def cells(metrics: Metrics) -> tuple[str, ...]:
    """One line of the table, a cell a heading. Seconds are those of training and evaluation together."""
    solved = "" if metrics.solved is None else f"{metrics.solved:,} of {metrics.remaining:,}"
    return (
        stage_name(metrics.model),
        f"{metrics.train_rows:,}",
        f"{100 * metrics.accuracy:.1f} ({100 * metrics.ci_low:.1f} to {100 * metrics.ci_high:.1f})",
        solved,
        f"{metrics.train_seconds + metrics.seconds:,.0f}",
        *measures.cells(metrics),
    )


def terminal(models: list[Metrics]) -> Table:
    """The table for a terminal."""
    table = Table(title=f"Accuracy on {models[-1].n:,} held-out problems, pass@1", box=box.SIMPLE_HEAD)
    rows = [cells(metrics) for metrics in models]
    for place, heading in enumerate(HEADINGS):
        # A narrow terminal may break a heading, never a number.
        widest = max(len(row[place]) for row in rows)
        table.add_column(heading, justify="right" if place else "left", min_width=widest)
    for row in rows:
        table.add_row(*row)
    return table


def markdown(models: list[Metrics]) -> str:
    """The table as GitHub-flavoured Markdown."""
    rule = "|---|" + "---:|" * (len(HEADINGS) - 1)
    lines = [f"| {' | '.join(row)} |" for row in (HEADINGS, *(cells(metrics) for metrics in models))]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def orm_line(orm: OrmMetrics) -> str:
    """The ORM's measurement in one sentence."""
    shares = {
        "correct": orm.accuracy_correct,
        "wrong": orm.accuracy_wrong,
        "overall": orm.accuracy,
        "first wrong step": orm.step_accuracy,
    }
    said = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    return f"ORM on {orm.n:,} held-out paths: {said}, undecided {orm.undecided:,} of {orm.n:,}."
