"""What a finished run of an experiment came to, read from its tables and reports (`mathse.report.ablations.Run`)."""

import hashlib
from pathlib import Path

from mathse import layout
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.params import BASE, Params
from mathse.report import table
from mathse.report.ablations import ModelResult, OrmResult, ProblemSet, Run, StepResult, as_digits
from mathse.tables import store
from mathse.tables.schemas import OWN_TESTS, Prediction, Status, Verdict
from mathse.tables.schemas import Path as PathRow

RECORDED = "recorded:"
"""Opens the author's name of a path that no teacher was asked for."""


def collect(root: Path, settings: Params, variant: str, inputs: str) -> tuple[Run, ProblemSet]:
    """What a finished run came to.

    Args:
        root: Where its tables and reports lie.
        settings: Its params.
    """
    solved = {model: _solved(root, model) for model in settings.measured}
    ids = sorted(next(iter(solved.values())))
    steps = {model: steps_to(settings, model) for model in settings.measured}
    calls = {step: _teacher_calls(root, settings, step) for step in set().union(*steps.values())}
    models = {}
    for model, outcomes in solved.items():
        metrics, training = scores.load(root / layout.metrics(model)), table.training(root, model)
        models[model] = ModelResult(
            fingerprint=metrics.fingerprint,
            accuracy=metrics.accuracy,
            correct=sum(outcomes.values()),
            rows=training.rows if training else 0,
            teacher_calls=sum(calls[step] for step in steps[model]),
            solved=as_digits([outcomes[problem] for problem in ids]),
        )
    run = Run(
        variant=variant,
        seed=settings.seed,
        inputs=inputs,
        train_problems=store.metadata(root / layout.remaining(BASE)).rows,
        models=models,
        steps={step: _judged(root, step) for step in settings.steps if step in calls},
        orms={orm: _orm(root, orm) for orm in settings.orms},
    )
    return run, ProblemSet(n=len(ids), sha256=hashlib.sha256("\n".join(ids).encode()).hexdigest())


def steps_to(settings: Params, model: str) -> set[str]:
    """The steps whose paths lead to a model: those of its mix, and those of the models that it needs.

    The ORM's data are left out.
    """
    found, waiting = set[str](), [model]
    while waiting:
        name = waiting.pop()
        if name not in settings.models:
            continue  # base, or the ORM's student
        step = settings.models[name].mix
        waiting.append(settings.models[name].start)
        while step != BASE and step not in found:
            found.add(step)
            row = settings.steps[step]
            if row.ask == "rollout":
                waiting.append(row.model)
            step = row.prev
    return found


def _solved(root: Path, model: str) -> dict[str, bool]:
    """Which test problems a model's greedy answers solve."""
    answers = store.columns(
        root / layout.predictions(model), Prediction, ["benchmark", "problem_id", "sample_idx", "status"]
    )
    return {
        row["problem_id"]: row["status"] == Status.CORRECT
        for row in answers.to_pylist()
        if row["benchmark"] == OWN_TESTS and row["sample_idx"] == 0
    }


def _teacher_calls(root: Path, settings: Params, step: str) -> int:
    """How often a step called the teacher: recorded solutions cost no call, marks before a reflection one each."""
    if settings.steps[step].ask == "rollout":
        return 0
    paths = store.columns(root / layout.paths(step), PathRow, ["author", "parent_path_id"]).to_pylist()
    written = [row for row in paths if not row["author"].startswith(RECORDED)]
    marks = {row["parent_path_id"] for row in written} if settings.reflect.feedback == "teacher" else set()
    return len(written) + len(marks - {None})


def _judged(root: Path, step: str) -> StepResult:
    rows = store.columns(root / layout.verdicts(step), Verdict, ["status", "rule_status"]).to_pylist()
    accepted = [row["rule_status"] for row in rows if row["status"] == Status.CORRECT]
    return StepResult(
        paths=len(rows),
        accepted=len(accepted),
        accepted_decided=sum(status != Status.UNDECIDED for status in accepted),
        accepted_right=accepted.count(Status.CORRECT),
        right=sum(row["rule_status"] == Status.CORRECT for row in rows),
    )


def _orm(root: Path, name: str) -> OrmResult:
    metrics = OrmMetrics.model_validate_json((root / layout.metrics(name)).read_bytes())
    return OrmResult(**{field: getattr(metrics, field) for field in OrmResult.model_fields})
