"""What a finished run of an experiment came to, read from its tables and reports (`mathse.report.ablations.Run`)."""

import hashlib
from pathlib import Path

import pyarrow.compute as pc

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
            pass_at=metrics.pass_at,
        )
    run = Run(
        variant=variant,
        seed=settings.seed,
        inputs=inputs,
        train_problems=store.metadata(root / layout.remaining(BASE)).rows,
        models=models,
        steps={step: _judged(root, step) for step in settings.steps if step in calls},
        orms={name: _orm(metrics) for name, metrics in table.load_orms(root).items()},
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
    greedy = answers.filter((pc.field("benchmark") == OWN_TESTS) & (pc.field("sample_idx") == 0))
    return {row["problem_id"]: row["status"] == Status.CORRECT for row in greedy.to_pylist()}


def _teacher_calls(root: Path, settings: Params, step: str) -> int:
    """How often a step called the teacher: recorded solutions cost no call, marks before a reflection one each."""
    if settings.steps[step].ask == "rollout":
        return 0
    paths = store.columns(root / layout.paths(step), PathRow, ["author", "parent_path_id"])
    written = paths.filter(~pc.starts_with(pc.field("author"), RECORDED))
    has_marks = settings.reflect.feedback == "teacher"
    marks: int = pc.count_distinct(written["parent_path_id"], mode="only_valid").as_py() if has_marks else 0
    return int(written.num_rows) + marks


def _judged(root: Path, step: str) -> StepResult:
    verdicts = store.columns(root / layout.verdicts(step), Verdict, ["status", "rule_status"])
    grouped = verdicts.group_by(verdicts.column_names).aggregate([([], "count_all")])
    counts = {(row["status"], row["rule_status"]): row["count_all"] for row in grouped.to_pylist()}
    accepted = {rule: count for (status, rule), count in counts.items() if status == Status.CORRECT}
    return StepResult(
        paths=verdicts.num_rows,
        accepted=sum(accepted.values()),
        accepted_decided=sum(count for rule, count in accepted.items() if rule != Status.UNDECIDED),
        accepted_right=accepted.get(Status.CORRECT, 0),
        right=sum(count for (_, rule), count in counts.items() if rule == Status.CORRECT),
    )


def _orm(metrics: OrmMetrics) -> OrmResult:
    return OrmResult(**{field: getattr(metrics, field) for field in OrmResult.model_fields})
