"""Score a model's greedy answers to the test problems (pass@1, the paper's Table 1).

UNDECIDED predictions count in `n` but never as correct, and are shown apart. Every share is between 0 and 1.

In: predictions and problems. Out: `reports/metrics/<m>.json`, one object a model:

    {"model": "0", "fingerprint": "7d79...", "accuracy": 0.49, "ci_low": 0.441, "ci_high": 0.539, "n": 400, ...}
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mathse.errors import UserError
from mathse.loop.evaluation.benchmark_scores import BenchmarkMetrics
from mathse.loop.evaluation.passes import pass_rates
from mathse.tables.schemas import OWN_TESTS, Prediction, Problem, Status

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""
DIGITS = 6


class Tally(BaseModel):
    """Correct answers in a group of problems."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0)
    correct: int = Field(ge=0)
    accuracy: float = Field(ge=0, le=1)


class Metrics(BaseModel):
    """A model's measurement; what it was trained on and how long that took stand in reports of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(description="`base`, `student`, or the step whose mix trained it.")
    fingerprint: str = Field(description="Content hash of its weights.")
    accuracy: float = Field(ge=0, le=1, description="correct / n.")
    ci_low: float = Field(ge=0, le=1, description="Lower end of the 95 % Wilson interval.")
    ci_high: float = Field(ge=0, le=1, description="Upper end of the 95 % Wilson interval.")
    n: int = Field(gt=0, description="Test problems.")
    correct: int = Field(ge=0)
    wrong: int = Field(ge=0)
    undecided: int = Field(ge=0)
    mean_characters: float = Field(
        ge=0, description="Mean length of its solutions.", json_schema_extra={"shown": "characters of a solution"}
    )
    by_level: dict[str, Tally] = Field(description="By difficulty level.")
    by_subject: dict[str, Tally] = Field(description="By subject.")
    pass_at: dict[str, float] = Field(default_factory=dict, description="pass@k of the drawn samples, by k.")
    benchmarks: dict[str, BenchmarkMetrics] = Field(default_factory=dict, description="By benchmark.")
    table_2: dict[str, float] = Field(default_factory=dict, description="The columns of the paper's Table 2.")


def wilson(correct: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share (Wilson 1927), within [0, 1] even at the ends.

    Args:
        correct: Successes, 0 to `n`.
        n: Trials, at least 1.

    Raises:
        ValueError: The counts are out of bounds.
    """
    if not 0 <= correct <= n or n == 0:
        raise ValueError(f"need 0 <= correct <= n and n >= 1; found correct={correct}, n={n}")
    share, square = correct / n, Z_95**2
    centre = share + square / (2 * n)
    margin = Z_95 * sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = ((centre + sign * margin) / (1 + square / n) for sign in (-1, 1))
    return min(max(0.0, low), share), max(min(1.0, high), share)


def measure(
    predictions: Iterable[Prediction], problems: Mapping[str, Problem], model: str, fingerprint: str
) -> Metrics:
    """Score a model's predictions.

    Args:
        predictions: Those of the run's own tests count here; sample 0 is pass@1.
        problems: Problems by id; holds at least those predicted.
        model: The model's name.
        fingerprint: Content hash of its weights.

    Raises:
        UserError: There is no prediction, or one is of a problem that is not among `problems`.
    """
    rows: list[Prediction] = []
    drawn: dict[str, list[bool]] = defaultdict(list)
    for row in predictions:
        if row.benchmark == OWN_TESTS and row.sample_idx == 0:
            rows.append(row)
        elif row.benchmark == OWN_TESTS:
            drawn[row.problem_id].append(row.status is Status.CORRECT)
    if not rows:
        raise UserError(f"model {model}: no test problem was predicted; raise problems.sources[].test")
    known = [_problem(row, problems) for row in rows]
    by_status = {status: sum(row.status is status for row in rows) for status in Status}
    correct = by_status[Status.CORRECT]
    low, high = wilson(correct, len(rows))
    return Metrics(
        model=model,
        fingerprint=fingerprint,
        accuracy=round(correct / len(rows), DIGITS),
        ci_low=round(low, DIGITS),
        ci_high=round(high, DIGITS),
        n=len(rows),
        correct=correct,
        wrong=by_status[Status.WRONG],
        undecided=by_status[Status.UNDECIDED],
        mean_characters=round(sum(len(row.text) for row in rows) / len(rows), 1),
        by_level=_tallies(rows, known, lambda problem: str(problem.level)),
        by_subject=_tallies(rows, known, lambda problem: problem.subject),
        pass_at=pass_rates(map(sum, drawn.values()), max(map(len, drawn.values()), default=0)),
    )


def _problem(row: Prediction, problems: Mapping[str, Problem]) -> Problem:
    if row.problem_id not in problems:
        raise UserError(f"prediction of unknown problem {row.problem_id}: predictions and problems differ; `dvc repro`")
    return problems[row.problem_id]


def _tallies(rows: list[Prediction], known: list[Problem], group: Callable[[Problem], str]) -> dict[str, Tally]:
    """Tallies by group, in the groups' order."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for row, problem in zip(rows, known, strict=True):
        outcomes[group(problem)].append(row.status is Status.CORRECT)
    return {
        name: Tally(n=len(right), correct=sum(right), accuracy=round(sum(right) / len(right), DIGITS))
        for name, right in sorted(outcomes.items())
    }


def save(metrics: BaseModel, file: Path) -> None:
    """Write metrics as indented JSON, fields in the model's order."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(metrics.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load(file: Path) -> Metrics:
    """Read a model's metrics.

    Raises:
        UserError: The file is missing or does not hold metrics; names it.
    """
    try:
        return Metrics.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"{file}: not there yet; `dvc repro` makes it") from error
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise UserError(f"{file}: does not hold a model's metrics; `dvc repro` makes it anew: {error}") from error
