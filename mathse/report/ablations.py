"""What experiments came to: `reports/ablations/NAME.json`, from which every number can be derived again.

`mathse ablate` writes them (`mathse.ablate`). A run's answers to the test problems are kept one by one, as hexadecimal
digits: the bits are the problems in the order of their ids, 1 where the model's greedy answer is correct. So two runs
can be compared problem by problem from the file alone. Nothing in it depends on when, where or in how many attempts the
runs were made.

Sample of a run: `{"variant": "none", "seed": 1, "inputs": "9f86d0...", "models": {"final": {"rows": 2919, ...}}}`
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mathse import layout
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import wilson
from mathse.params import BASE
from mathse.tables.files import write_json

STEPS = "table1"
"""The experiment that is the run itself with several seeds."""


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
    pass_at: dict[str, float] = Field(default_factory=dict, description="pass@k of drawn answers, by k.")


class StepResult(_Record):
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
    steps: dict[str, StepResult] = Field(description="The steps on the way to these models.")
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
    """The file of an experiment."""

    experiment: str
    title: str
    baseline: str
    tests: ProblemSet
    runs: tuple[Run, ...]
    comparison: tuple[Row, ...]

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        """Every run says of each test problem whether it is solved, and a row compares runs that are there."""
        for run in self.runs:
            for name, model in run.models.items():
                if len(model.solved) != -(-self.tests.n // 4):
                    raise ValueError(f"{run.variant}, seed {run.seed}, {name}: not of {self.tests.n} problems")
        for row in self.comparison:
            if set(row.seeds) != self.models(row.variant, row.model).keys():
                raise ValueError(f"{row.variant}, {row.model}: compared on other seeds than there are runs of")
        return self

    @property
    def is_of_orms(self) -> bool:
        """Whether it is ORMs alone that are compared, and no model after the base is measured."""
        return all(run.models.keys() == {BASE} for run in self.runs)

    @property
    def has_several_orms(self) -> bool:
        """Whether variants differ in their ORMs."""
        by_seed: dict[int, list[dict[str, OrmResult]]] = {}
        for run in self.runs:
            by_seed.setdefault(run.seed, []).append(run.orms)
        return any(orms != others[0] for others in by_seed.values() for orms in others)

    @property
    def most_drawn(self) -> str | None:
        """The largest k of which there is a pass@k; None where no answers were drawn."""
        drawn = {k for run in self.runs for model in run.models.values() for k in model.pass_at}
        return max(drawn, key=int, default=None)

    def pass_at(self, k: str, variant: str, model: str) -> str:
        """A model's pass@k in %, in the mean of the seeds; empty where it is not known."""
        rates = [result.pass_at[k] for result in self.models(variant, model).values() if k in result.pass_at]
        return f"{100 * sum(rates) / len(rates):.1f}" if rates else ""

    def models(self, variant: str, model: str) -> dict[int, ModelResult]:
        """A variant's model by seed."""
        return {run.seed: run.models[model] for run in self.runs if run.variant == variant and model in run.models}


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


def load_all(root: Path) -> list[Results]:
    """Those of every experiment that has some, by name.

    Raises:
        UserError: A file does not hold results.
    """
    files = sorted((root / layout.ABLATIONS).glob("*.json"))
    return [results for file in files if (results := load(file)) is not None]


def save(file: Path, results: Results) -> None:
    """Write the results, whole or not at all."""
    write_json(file, results)


def as_digits(outcomes: Iterable[bool]) -> str:
    """Outcomes as hexadecimal digits, four to a digit, the last ones filled with 0."""
    bits = "".join("01"[outcome] for outcome in outcomes)
    filled = bits.ljust(-(-len(bits) // 4) * 4, "0")
    return "".join(f"{int(filled[place : place + 4], 2):x}" for place in range(0, len(filled), 4))


def from_digits(digits: str, n: int) -> list[bool]:
    """The first `n` outcomes of such digits."""
    return [bit == "1" for digit in digits for bit in f"{int(digit, 16):04b}"][:n]


def cells(results: Results) -> list[tuple[str, ...]]:
    """A row per variant and model, the heading first; accuracies and differences in %."""
    seeds = sorted({run.seed for run in results.runs})
    most = results.most_drawn
    heading = ("variant", "model", "rows", "teacher calls", *(f"seed {seed}" for seed in seeds))
    drawn = (f"pass@{most}, %",) if most else ()
    rows: list[tuple[str, ...]] = [(*heading, *drawn, "mean (95 %)", "difference (95 %)", "p", "against")]
    for row in results.comparison:
        models = results.models(row.variant, row.model)
        by_seed = (f"{100 * models[seed].accuracy:.1f}" if seed in models else "" for seed in seeds)
        other = row.difference
        compared = (
            (interval(other, "+"), f"{other.p:.2g}", f"{other.variant}, {other.model}") if other else ("", "", "")
        )
        drawn = (results.pass_at(most, row.variant, row.model),) if most else ()
        made = made_from(models.values())
        rows.append((row.variant, row.model, *made, *by_seed, *drawn, interval(row), *compared))
    return rows


def orm_cells(results: Results) -> list[tuple[str, ...]]:
    """A row per variant and ORM on its held-out paths, those of all seeds together; the heading first; shares in %."""
    heading = ("variant", "ORM", "held-out paths", "accuracy (95 %)", "correct", "wrong", "first wrong step")
    rows: list[tuple[str, ...]] = [heading]
    found: dict[tuple[str, str], list[OrmResult]] = {}
    for run in results.runs:
        for name, orm in run.orms.items():
            found.setdefault((run.variant, name), []).append(orm)
    for (variant, name), orms in found.items():
        n = sum(orm.n for orm in orms)
        hits = sum(round(orm.accuracy * orm.n) for orm in orms)
        low, high = wilson(hits, n)
        means = (
            sum(getattr(orm, field) for orm in orms) / len(orms)
            for field in ("accuracy_correct", "accuracy_wrong", "step_accuracy")
        )
        accuracy = f"{100 * hits / n:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        rows.append((variant, name, f"{n:,}", accuracy, *(f"{100 * mean:.1f}" for mean in means)))
    return rows


def grids(results: Results) -> dict[str, list[tuple[str, ...]]]:
    """Its tables by what they are of: of the models and, where variants differ in them, of the ORMs."""
    found = {} if results.is_of_orms else {f"{results.tests.n:,} test problems": cells(results)}
    return found | ({"the ORMs on their held-out paths": orm_cells(results)} if results.has_several_orms else {})


def made_from(models: Collection[ModelResult]) -> tuple[str, str]:
    """The rows that trained a model and the calls of the teacher on the way to it, in the mean of the seeds."""
    rows = sum(model.rows for model in models) / len(models)
    calls = sum(model.teacher_calls for model in models) / len(models)
    return f"{rows:,.0f}", f"{calls:,.0f}"


def interval(row: Row | Difference, sign: str = "", to: str = " to ") -> str:
    """A mean and its interval in %: `45.6 (43.1 to 48.0)`."""
    mean, low, high = (f"{100 * number:{sign}.1f}" for number in (row.mean, row.low, row.high))
    return f"{mean} ({low}{to}{high})"
