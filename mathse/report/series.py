"""The data behind the charts, as lists of flat rows: what `dvc plots` reads and `mathse.report.drawing` draws.

accuracy       one row per model              {"stage": "+ distilled", "train_rows": 240, "accuracy": 0.49, ...}
measures       one row per measure and model  {"measure": "mean_characters", "stage": "+ distilled", "value": 96.5, ...}
pass_at        one row per model and k, where `evaluate.samples` is given: it falls where variety is lost
                               {"stage": "+ distilled", "k": 4, "pass_at": 0.61}
transitions    one row per step and outcome   {"step": "base to + distilled", "outcome": "gained", "problems": 112}
orm_confusion  one row per held-out path      {"annotated": "WRONG", "judged": "UNDECIDED"}
error_types    one row per round and type     {"round": "round 1", "type": "vision", "paths": 31, "share": 0.23}
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mathse import layout
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.statistics import DIGITS
from mathse.loop.evaluation.transitions import Transition
from mathse.params import Params
from mathse.report.names import Names
from mathse.report.table import MEASURES, Measured
from mathse.tables import store
from mathse.tables.schemas import Status, Verdict

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


def measures(models: Iterable[Measured]) -> Rows:
    """The numbers beside accuracy (`mathse.report.table.MEASURES`), by measure and model."""
    measured = [(model.title, model.metrics) for model in models]
    return [
        {"measure": measure.name, "title": measure.title, "stage": title, "value": number}
        for measure in MEASURES
        for title, metrics in measured
        if (number := measure.of(metrics)) is not None
    ]


def pass_at(models: Iterable[Measured]) -> Rows:
    """pass@k of the drawn samples, by model and k."""
    return [
        {"stage": model.title, "k": int(k), "pass_at": share}
        for model in models
        for k, share in model.metrics.pass_at.items()
    ]


def transitions(steps: Iterable[Transition]) -> Rows:
    """What became of the run's own tests in each step."""
    return [
        {"step": f"{step.before} to {step.after}", "outcome": outcome, "problems": getattr(step, outcome)}
        for step in steps
        for outcome in OUTCOMES
    ]


def orm_confusion(orm: OrmMetrics) -> Rows:
    """The teacher's status against the ORM's; one row per path: the chart counts them."""
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
    for step in (name for name, about in settings.steps.items() if about.ask == "rollout"):
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
