"""Score a model's greedy answers to the test problems (pass@1, the paper's Table 1).

UNDECIDED predictions count in `n` but never as correct, and are shown apart. Every share is between 0 and 1.

In: predictions and problems. Out: `reports/metrics/<m>.json`, one object per model:

    {"model": "0", "fingerprint": "7d79...", "accuracy": 0.49, "ci_low": 0.441, "ci_high": 0.539, "n": 400, ...}
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mathse.errors import UserError
from mathse.loop.evaluation.benchmark_scores import BenchmarkMetrics
from mathse.loop.evaluation.statistics import DIGITS, pass_rates, wilson
from mathse.tables.schemas import OWN_TESTS, Prediction, Problem, Status


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


def measure(
    predictions: Iterable[Prediction], problems: Mapping[str, Problem], model: str, fingerprint: str
) -> Metrics:
    """Score a model's predictions of the run's own tests; sample 0 is pass@1.

    Args:
        predictions: Those of benchmarks are passed over.
        problems: Problems by id; holds at least those predicted.

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
    for row in rows:
        if row.problem_id not in problems:
            raise UserError(
                f"prediction of unknown problem {row.problem_id}: predictions and problems differ; `dvc repro`"
            )
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
        by_level=_tallies(rows, lambda row: str(problems[row.problem_id].level)),
        by_subject=_tallies(rows, lambda row: problems[row.problem_id].subject),
        pass_at=pass_rates(map(sum, drawn.values()), max(map(len, drawn.values()), default=0)),
    )


def _tallies(rows: Iterable[Prediction], group: Callable[[Prediction], str]) -> dict[str, Tally]:
    """Tallies by group, in the groups' order."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        outcomes[group(row)].append(row.status is Status.CORRECT)
    return {
        name: Tally(n=len(right), correct=sum(right), accuracy=round(sum(right) / len(right), DIGITS))
        for name, right in sorted(outcomes.items())
    }


def load(file: Path) -> Metrics:
    """Read a model's metrics.

    Raises:
        UserError: The file is missing or does not hold metrics; names it.
    """
    try:
        return Metrics.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{file}: not there yet; `dvc repro` makes it") from error
    except (OSError, ValidationError) as error:
        raise UserError(f"{file}: does not hold a model's metrics; `dvc repro` makes it anew: {error}") from error
