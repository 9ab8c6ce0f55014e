"""The data behind the plots, as lists of flat rows: what `dvc plots` reads and `mathse.report.plots` draws.

accuracy       one row a model       {"stage": "+ distilled", "train_rows": 240, "accuracy": 0.49, "ci_low": ...}
measures       one row per measure and model; see `mathse.report.measures`
transitions    one row a step and outcome   {"step": "base to + distilled", "outcome": "gained", "problems": 112}
orm_confusion  one row a held-out path      {"annotated": "WRONG", "judged": "UNDECIDED"}
error_types    one row a round and type     {"round": 1, "type": "vision", "paths": 31, "share": 0.23}
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from mathse import layout
from mathse.evaluation.orm_scores import OrmMetrics
from mathse.evaluation.scores import DIGITS, Metrics
from mathse.evaluation.transitions import Transition, compare
from mathse.report.table import stage_name
from mathse.tables import store
from mathse.tables.schemas import Prediction, Status, Verdict

Rows = list[dict[str, str | int | float]]

OUTCOMES = ("stayed_correct", "gained", "lost", "stayed_wrong")
UNNAMED = "unnamed"
_TYPE = re.compile(r"\s*(\w+)\s*:")


def accuracy(models: Sequence[Metrics]) -> Rows:
    """Accuracy with its interval, by model."""
    return [
        {
            "stage": stage_name(model.model),
            "train_rows": model.train_rows,
            "accuracy": model.accuracy,
            "ci_low": model.ci_low,
            "ci_high": model.ci_high,
        }
        for model in models
    ]


def transitions(root: Path, models: Sequence[Metrics]) -> Rows:
    """What each step gained and lost, from the prediction tables.

    Raises:
        UserError: A table is missing, or two models were measured on different problems.
    """
    steps = [
        compare((first.model, _predictions(root, first)), (second.model, _predictions(root, second)))
        for first, second in pairwise(models)
    ]
    return [row for step in steps for row in _outcomes(step)]


def _predictions(root: Path, model: Metrics) -> Iterable[Prediction]:
    return store.scan(root / layout.predictions(model.model), Prediction)


def _outcomes(step: Transition) -> Rows:
    name = f"{stage_name(step.before)} to {stage_name(step.after)}"
    return [{"step": name, "outcome": outcome, "problems": getattr(step, outcome)} for outcome in OUTCOMES]


def orm_confusion(orm: OrmMetrics) -> Rows:
    """The teacher's status against the ORM's; one row a path, since DVC's confusion template counts rows."""
    return [
        {"annotated": pair.first.value, "judged": pair.second.value}
        for pair in orm.confusion
        for _ in range(pair.count)
    ]


def error_types(root: Path, rounds: Iterable[int]) -> Rows:
    """Why the judge calls a round's paths wrong (the paper's Figure 4): the word before the analysis's colon.

    Raises:
        UserError: A round's verdicts are missing.
    """
    rows: Rows = []
    for number in rounds:
        file = root / layout.verdicts(layout.round_dir(number))
        counts = Counter(error_type(row) for row in store.scan(file, Verdict) if row.status is Status.WRONG)
        rows += [
            {"round": number, "type": name, "paths": count, "share": round(count / counts.total(), DIGITS)}
            for name, count in sorted(counts.items())
        ]
    return rows


def error_type(verdict: Verdict) -> str:
    """The kind of mistake that a verdict's analysis opens with, or `unnamed`."""
    match = _TYPE.match(verdict.error_analysis or "")
    return match[1].casefold() if match else UNNAMED
