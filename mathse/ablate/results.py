"""What the runs of an experiment came to: `reports/ablations/NAME.json`, from which every number can be derived again.

A run's answers to the test problems are kept one by one, as hexadecimal digits: the bits are the problems in the order
of their ids, 1 where the model's greedy answer is correct. So two runs can be compared problem by problem from the file
alone. Nothing in it depends on when, where or in how many attempts the runs were made.

Sample of a run: `{"variant": "none", "seed": 1, "inputs": "9f86d0...", "models": {"final": {"rows": 2919, ...}}}`
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mathse import layout
from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.params import BASE, Params
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import OWN_TESTS, Prediction, Status, Verdict
from mathse.tables.schemas import Path as PathRow

RECORDED = "recorded:"
"""Opens the author's name of a path that no teacher was asked for."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ProblemSet(_Record):
    """The test problems, which every run of an experiment has in common."""

    n: int = Field(gt=0)
    sha256: str = Field(description="Of their sorted ids, one per line.")


class ModelResult(_Record):
    """A model of a run."""

    fingerprint: str = Field(description="Content hash of its weights.")
    accuracy: float = Field(ge=0, le=1, description="Of its greedy answers to the test problems.")
    correct: int = Field(ge=0)
    rows: int = Field(ge=0, description="That trained it.")
    teacher_calls: int = Field(ge=0, description="Replies of the teacher on the way to it, the ORM's data left out.")
    solved: str = Field(pattern="^[0-9a-f]+$", description="Hexadecimal bits: which test problems it solves.")


class Judged(_Record):
    """What the ORM and the rule grader said of a step's paths."""

    paths: int = Field(ge=0)
    accepted: int = Field(ge=0, description="Judged CORRECT.")
    accepted_decided: int = Field(ge=0, description="Of these, what the rule grader decides.")
    accepted_right: int = Field(ge=0, description="Of these again, what it finds CORRECT.")
    right: int = Field(ge=0, description="Paths that the rule grader finds CORRECT, accepted or not.")


class OrmResult(_Record):
    """An ORM on its held-out paths (the paper's Table 5)."""

    n: int = Field(gt=0)
    accuracy: float
    accuracy_correct: float
    accuracy_wrong: float
    step_accuracy: float


class Run(_Record):
    """One variant with one seed."""

    variant: str
    seed: int
    inputs: str = Field(description="Stands for all that decides the run: pipeline, code, params and data.")
    train_problems: int = Field(ge=0)
    models: dict[str, ModelResult]
    steps: dict[str, Judged] = Field(description="The steps on the way to these models.")
    orms: dict[str, OrmResult]

    def rows_of(self, model: str) -> int:
        """The rows that trained a model."""
        return self._model(model).rows

    def teacher_calls_of(self, model: str) -> int:
        """What the teacher was asked on the way to it."""
        return self._model(model).teacher_calls

    def _model(self, name: str) -> ModelResult:
        if name not in self.models:
            raise UserError(f"{self.variant}: model {name!r} is not measured; there are {', '.join(self.models)}")
        return self.models[name]


class SeedDifference(_Record):
    """Two models of the same seed on the same test problems."""

    gained: int = Field(ge=0, description="Problems that only the variant's model solves.")
    lost: int = Field(ge=0, description="Problems that only the other solves.")
    p: float = Field(description="McNemar's exact test, two-sided.")


class Difference(_Record):
    """A model against another on the same test problems and seeds."""

    variant: str = Field(description="Of the other model.")
    model: str
    mean: float
    low: float
    high: float
    p: float = Field(description="McNemar's exact test on the pairs of all seeds together.")
    by_seed: dict[str, SeedDifference]


class Row(_Record):
    """A variant's model across seeds; intervals are 95 %, drawn over test problems, each with all of its seeds."""

    variant: str
    model: str
    seeds: tuple[int, ...]
    mean: float = Field(description="Accuracy.")
    low: float
    high: float
    difference: Difference | None = Field(description="Null: there is nothing to compare it with.")


class Results(_Record):
    """The file."""

    experiment: str
    title: str
    baseline: str
    tests: ProblemSet
    runs: tuple[Run, ...]
    comparison: tuple[Row, ...]


def path(root: Path, name: str) -> Path:
    """Where an experiment's results lie."""
    return root / layout.ABLATIONS / f"{name}.json"


def load(file: Path) -> Results | None:
    """The results of an experiment; None where there are none yet.

    Raises:
        UserError: The file does not hold results.
    """
    try:
        return Results.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UserError(f"{file}: does not hold an experiment's results; take it from git, or delete it") from error


def save(file: Path, results: Results) -> None:
    """Write the results, whole or not at all."""
    write_json(file, results)


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
    models = {
        model: ModelResult(
            fingerprint=scores.load(root / layout.metrics(model)).fingerprint,
            accuracy=scores.load(root / layout.metrics(model)).accuracy,
            correct=sum(outcomes.values()),
            rows=_rows(root, model) if model in settings.models else 0,
            teacher_calls=sum(calls[step] for step in steps[model]),
            solved=as_digits([outcomes[problem] for problem in ids]),
        )
        for model, outcomes in solved.items()
    }
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
        step = mix_of(settings, name)
        waiting.append(settings.models[name].start)
        while step != BASE and step not in found:
            found.add(step)
            row = settings.steps[step]
            if row.ask == "rollout":
                waiting.append(row.model)
            step = row.prev
    return found


def mix_of(settings: Params, model: str) -> str:
    """The step whose mix trains a model: the one that its row names, or the one of its name."""
    return str(getattr(settings.models[model], "mix", model))


def as_digits(outcomes: Iterable[bool]) -> str:
    """Outcomes as hexadecimal digits, four to a digit, the last ones filled with 0."""
    bits = "".join("01"[outcome] for outcome in outcomes)
    filled = bits.ljust(-(-len(bits) // 4) * 4, "0")
    return "".join(f"{int(filled[place : place + 4], 2):x}" for place in range(0, len(filled), 4))


def from_digits(digits: str, n: int) -> list[bool]:
    """The first `n` outcomes of such digits."""
    return [bit == "1" for digit in digits for bit in f"{int(digit, 16):04b}"][:n]


def _solved(root: Path, model: str) -> dict[str, bool]:
    """Which test problems a model's greedy answers solve."""
    table = store.columns(
        root / layout.predictions(model), Prediction, ["benchmark", "problem_id", "sample_idx", "status"]
    )
    return {
        row["problem_id"]: row["status"] == Status.CORRECT
        for row in table.to_pylist()
        if row["benchmark"] == OWN_TESTS and row["sample_idx"] == 0
    }


def _rows(root: Path, model: str) -> int:
    rows: int = json.loads((root / layout.training_report(model)).read_bytes())["rows"]
    return rows


def _teacher_calls(root: Path, settings: Params, step: str) -> int:
    """How often a step called the teacher: recorded solutions cost no call, marks before a reflection one each."""
    if settings.steps[step].ask == "rollout":
        return 0
    table = store.columns(root / layout.paths(step), PathRow, ["author", "parent_path_id"]).to_pylist()
    written = [row for row in table if not row["author"].startswith(RECORDED)]
    marks = {row["parent_path_id"] for row in written} if settings.reflect.feedback == "teacher" else set()
    return len(written) + len(marks - {None})


def _judged(root: Path, step: str) -> Judged:
    rows = store.columns(root / layout.verdicts(step), Verdict, ["status", "rule_status"]).to_pylist()
    accepted = [row["rule_status"] for row in rows if row["status"] == Status.CORRECT]
    return Judged(
        paths=len(rows),
        accepted=len(accepted),
        accepted_decided=sum(status != Status.UNDECIDED for status in accepted),
        accepted_right=accepted.count(Status.CORRECT),
        right=sum(row["rule_status"] == Status.CORRECT for row in rows),
    )


def _orm(root: Path, name: str) -> OrmResult:
    metrics = OrmMetrics.model_validate_json((root / layout.metrics(name)).read_bytes())
    return OrmResult(**{field: getattr(metrics, field) for field in OrmResult.model_fields})
