"""What experiments came to (`reports/ablations/*.json`), as tables: per variant, model and seed, with paired tests.

The files hold more than is shown, so that every number can be derived again; here are read the names, the seeds'
accuracies and the comparison across seeds.
"""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from mathse import layout
from mathse.errors import UserError


class _Model(BaseModel):
    accuracy: float
    rows: int = 0
    teacher_calls: int = 0


class _Run(BaseModel):
    variant: str
    seed: int
    models: dict[str, _Model]


class _Difference(BaseModel):
    variant: str
    model: str
    mean: float
    low: float
    high: float
    p: float


class _Row(BaseModel):
    variant: str
    model: str
    mean: float
    low: float
    high: float
    difference: _Difference | None = None


class _Tests(BaseModel):
    n: int


class Ablation(BaseModel):
    """An experiment's results."""

    experiment: str
    title: str
    tests: _Tests
    runs: tuple[_Run, ...]
    comparison: tuple[_Row, ...]

    def cells(self) -> list[tuple[str, ...]]:
        """A row per variant and model, the heading first; accuracies and differences in %."""
        seeds = sorted({run.seed for run in self.runs})
        heading = ("variant", "model", "rows", "teacher calls", *(f"seed {seed}" for seed in seeds))
        cells: list[tuple[str, ...]] = [(*heading, "mean (95 %)", "difference (95 %)", "p", "against")]
        for row in self.comparison:
            models = {
                run.seed: run.models[row.model]
                for run in self.runs
                if run.variant == row.variant and row.model in run.models
            }
            n = max(1, len(models))
            rows, calls = (sum(getattr(m, name) for m in models.values()) / n for name in ("rows", "teacher_calls"))
            by_seed = (f"{100 * models[seed].accuracy:.1f}" if seed in models else "" for seed in seeds)
            other = row.difference
            compared = (
                (_interval(other, "+"), f"{other.p:.2g}", f"{other.variant}, {other.model}") if other else ("", "", "")
            )
            cells.append((row.variant, row.model, f"{rows:,.0f}", f"{calls:,.0f}", *by_seed, _interval(row), *compared))
        return cells


def load(root: Path) -> list[Ablation]:
    """All experiments that have results, by name.

    Raises:
        UserError: A file does not hold such results.
    """
    ablations = []
    for file in sorted((root / layout.ABLATIONS).glob("*.json")):
        try:
            ablations.append(Ablation.model_validate_json(file.read_bytes()))
        except (OSError, ValidationError) as error:
            raise UserError(f"{file}: does not hold an experiment's results; take it from git ({error})") from error
    return ablations


def _interval(row: _Row | _Difference, sign: str = "") -> str:
    mean, low, high = (f"{100 * number:{sign}.1f}" for number in (row.mean, row.low, row.high))
    return f"{mean} ({low} to {high})"
