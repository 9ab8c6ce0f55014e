"""The data behind the plots, as lists of flat rows: what `dvc plots` reads and `mathse.report.plots` draws.

accuracy       one row per model     {"stage": "+ distilled", "train_rows": 240, "accuracy": 0.49, "ci_low": ...}
measures       one row per measure and model; see `mathse.report.measures`
transitions    one row per step and outcome   {"step": "base to + distilled", "outcome": "gained", "problems": 112}
orm_confusion  one row per held-out path      {"annotated": "WRONG", "judged": "UNDECIDED"}
error_types    one row per round and type     {"round": "round 1", "type": "vision", "paths": 31, "share": 0.23}
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from mathse import layout
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.scores import Metrics
from mathse.loop.evaluation.statistics import DIGITS
from mathse.loop.evaluation.transitions import Transition, compare
from mathse.params import Params
from mathse.report.names import Names
from mathse.report.table import Measured
from mathse.tables import store
from mathse.tables.schemas import Prediction, Status, Verdict

Rows = list[dict[str, str | int | float]]

OUTCOMES = ("stayed_correct", "gained", "lost", "stayed_wrong")
UNNAMED = "unnamed"
_TYPE = re.compile(r"\s*(\w+)\s*:")


def accuracy(models: Sequence[Measured]) -> Rows:
    """Accuracy with its interval, by model."""
    return [
        {
            "stage": model.title,
            "train_rows": model.rows,
            "accuracy": model.metrics.accuracy,
            "ci_low": model.metrics.ci_low,
            "ci_high": model.metrics.ci_high,
        }
        for model in models
    ]


def transitions(root: Path, models: Sequence[Measured]) -> Rows:
    """What each step gained and lost, from the prediction tables.

    Raises:
        UserError: A table is missing, or two models were measured on different problems.
    """
    steps = [
        compare((first.title, _predictions(root, first.metrics)), (second.title, _predictions(root, second.metrics)))
        for first, second in pairwise(models)
    ]
    return [row for step in steps for row in _outcomes(step)]


def _predictions(root: Path, model: Metrics) -> Iterable[Prediction]:
    return store.scan(root / layout.predictions(model.model), Prediction)


def _outcomes(step: Transition) -> Rows:
    name = f"{step.before} to {step.after}"
    return [{"step": name, "outcome": outcome, "problems": getattr(step, outcome)} for outcome in OUTCOMES]


def orm_confusion(orm: OrmMetrics) -> Rows:
    """The teacher's status against the ORM's; one row a path, since DVC's confusion template counts rows."""
    return [
        {"annotated": pair.first.value, "judged": pair.second.value}
        for pair in orm.confusion
        for _ in range(pair.count)
    ]


def error_types(root: Path, settings: Params) -> Rows:
    """Why the judge calls a round's paths wrong (the paper's Figure 4): the word before the analysis's colon.

    Raises:
        UserError: A round's verdicts are missing.
    """
    rows: Rows = []
    known = Names(settings)
    for step in (name for name, asked in settings.steps.items() if asked.ask == "rollout"):
        verdicts = store.scan(root / layout.verdicts(step), Verdict)
        counts = Counter(error_type(row) for row in verdicts if row.status is Status.WRONG)
        rows += [
            {"round": known.heading(step), "type": name, "paths": count, "share": round(count / counts.total(), DIGITS)}
            for name, count in sorted(counts.items())
        ]
    return rows


def error_type(verdict: Verdict) -> str:
    """The kind of mistake that a verdict's analysis opens with, or `unnamed`."""
    match = _TYPE.match(verdict.error_analysis or "")
    return match[1].casefold() if match else UNNAMED
