"""The table of the loop (the shape of the paper's Table 1), for the terminal and as Markdown.

In: `reports/metrics/*.json`, and beside it what the mixes and trainings reported (`reports/mixes`, `reports/training`).
One line per model, in the order of `measured` in params.yaml:

    | model         | training rows | accuracy, % (95 %)   | solved of remaining |
    | base          |             0 |   1.2 (0.5 to 2.9)   |                     |
    | + distilled   |           240 |  12.0 (9.2 to 15.6)  |          214 of 240 |
"""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich import box
from rich.table import Table

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.scores import Metrics
from mathse.params import BASE
from mathse.report import measures
from mathse.report.names import Names

_LOOP = ("model", "training rows", "accuracy, % (95 %)", "solved of remaining")
HEADINGS = (*_LOOP, *(measure.title for measure in measures.MEASURES))


@dataclass(frozen=True)
class Measured:
    """A model that is measured, with what is known of its mix and its training.

    Attributes:
        metrics: Its measurement.
        title: What people call it.
        rows: That it was trained on; 0 for the base.
        solved: Problems that its own step solved; None where no step's mix trained it.
        remaining: Problems that were unsolved when its step began.
    """

    metrics: Metrics
    title: str
    rows: int
    solved: int | None
    remaining: int | None


def load(root: Path) -> list[Measured]:
    """All models that are measured, in the order of `measured`.

    A model that params.yaml no longer names may have left its metrics behind: they are another run's, and not loaded.

    Raises:
        UserError: No model is measured yet, or a report is missing or damaged.
    """
    settings = params.load(root / params.PARAMS)
    models = [name for name in settings.measured if (root / layout.metrics(name)).exists()]
    if not models:
        raise UserError(f"{root / layout.METRICS}: no model is measured yet; `dvc repro` runs the loop")
    known = Names(settings)
    measured = []
    for name in models:
        mix, training = (_report(root / file(name)) for file in (layout.mix_report, layout.training_report))
        if training is None and name != BASE:
            raise UserError(f"{root / layout.training_report(name)}: not found; `dvc repro` makes it")
        measured.append(
            Measured(
                metrics=scores.load(root / layout.metrics(name)),
                title=known.title(name),
                rows=(training or {}).get("rows", 0),
                solved=(mix or {}).get("solved"),
                remaining=(mix or {}).get("remaining"),
            )
        )
    return measured


def _report(file: Path) -> dict[str, Any] | None:
    """What a stage reported; None if there is no such report."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: is damaged ({error}); `dvc repro` makes it anew") from error
    return content


def load_orms(root: Path) -> dict[str, OrmMetrics]:
    """The ORMs' metrics, by name.

    Raises:
        UserError: None is measured yet, or a file does not hold an ORM's metrics.
    """
    orms = params.load(root / params.PARAMS).orms
    files = {name: root / layout.metrics(name) for name in orms}
    if not any(file.exists() for file in files.values()):
        where = ", ".join(map(str, files.values()))
        raise UserError(f"{where}: the ORM is not measured yet; `dvc repro` runs the loop")
    metrics: dict[str, OrmMetrics] = {}
    for name, file in files.items():
        if not file.exists():
            continue
        try:
            metrics[name] = OrmMetrics.model_validate(json.loads(file.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
            raise UserError(f"{file}: does not hold the ORM's metrics; `dvc repro` makes it anew: {error}") from error
    return metrics


def cells(model: Measured) -> tuple[str, ...]:
    """One line of the table, a cell per heading."""
    metrics = model.metrics
    return (
        model.title,
        f"{model.rows:,}",
        f"{100 * metrics.accuracy:.1f} ({100 * metrics.ci_low:.1f} to {100 * metrics.ci_high:.1f})",
        "" if model.solved is None else f"{model.solved:,} of {model.remaining:,}",
        *measures.cells(metrics),
    )


def terminal(models: Sequence[Measured]) -> Table:
    """The table for a terminal."""
    table = Table(title=f"Accuracy on {models[-1].metrics.n:,} held-out problems, pass@1", box=box.SIMPLE_HEAD)
    rows = [cells(model) for model in models]
    for place, heading in enumerate(HEADINGS):
        # Each column is as narrow as its numbers and the words of its heading, so that all fits into 80 characters.
        widest = max(len(part) for part in (*heading.split(), *(row[place] for row in rows)))
        table.add_column(textwrap.fill(heading, widest), justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def markdown(models: Sequence[Measured]) -> str:
    """The table as GitHub-flavoured Markdown: the same on every machine."""
    rule = "|---|" + "---:|" * (len(HEADINGS) - 1)
    lines = [f"| {' | '.join(row)} |" for row in (HEADINGS, *(cells(model) for model in models))]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def orm_lines(orms: dict[str, OrmMetrics]) -> str:
    """The ORMs' measurements, one sentence each; an ORM is named where there are several."""
    sentences = []
    for name, orm in orms.items():
        title = "ORM" if len(orms) == 1 else f"ORM {name}"
        shares = {
            "correct": orm.accuracy_correct,
            "wrong": orm.accuracy_wrong,
            "overall": orm.accuracy,
            "first wrong step": orm.step_accuracy,
        }
        numbers = ", ".join(f"{share_of} {100 * share:.1f} %" for share_of, share in shares.items())
        sentences.append(f"{title} on {orm.n:,} held-out paths: {numbers}, undecided {orm.undecided:,} of {orm.n:,}.")
    return "\n\n".join(sentences)
