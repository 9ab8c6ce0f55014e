"""The table of the loop (the shape of the paper's Table 1), as cells and as Markdown.

In: `reports/metrics/*.json`, and beside it what the mixes and trainings reported (`reports/mixes`, `reports/training`).
One line per model, in the order of `measured` in params.yaml:

    | model         | training rows | accuracy, % (95 %)   | solved of remaining |
    | base          |             0 |   1.2 (0.5 to 2.9)   |                     |
    | + distilled   |           240 |  12.0 (9.2 to 15.6)  |          214 of 240 |

Beside accuracy it has a column for each field of `Metrics` that is declared with what it is `shown` as, a share as a
percentage where that ends with `%`:

    mean_characters: float = Field(ge=0, ..., json_schema_extra={"shown": "characters of a solution"})
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.evaluation import scores
from mathse.loop.evaluation.benchmark_scores import BenchmarkMetrics
from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.scores import Metrics
from mathse.params import BASE
from mathse.report.names import Names

Cells = list[tuple[str, ...]]
R = TypeVar("R", bound=BaseModel)


class Measure(NamedTuple):
    """A number that is shown: the field's name, and what readers are told it is."""

    name: str
    title: str

    def of(self, metrics: Metrics) -> float | None:
        """A model's number as it is shown; None where it was not measured."""
        number: float | None = getattr(metrics, self.name)
        return None if number is None else round(100 * number if self.title.endswith("%") else number, 1)


def declared(model: type[Metrics]) -> tuple[Measure, ...]:
    """The measures among a model's fields, in their order."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return tuple(
        Measure(name, str(extra["shown"]))
        for name, extra in extras.items()
        if isinstance(extra, dict) and "shown" in extra
    )


MEASURES = declared(Metrics)
HEADINGS = ("model", "training rows", "accuracy, % (95 %)", "solved of remaining", *(title for _, title in MEASURES))


@dataclass(frozen=True)
class Measured:
    """A model that is measured, with what is known of its mix and its training.

    Attributes:
        metrics: Its measurement.
        title: What people call it.
        rows: That it was trained on; 0 for the base.
        solved: Problems that the step of its mix solved; None where no step's mix trained it.
        remaining: Problems that were unsolved when its step began.
    """

    metrics: Metrics
    title: str
    rows: int
    solved: int | None
    remaining: int | None


class Training(BaseModel):
    """What a training reported (`reports/training`), as far as it is shown."""

    model: str = Field(default="", description="Content hash of the weights.")
    rows: int = Field(default=0, ge=0)
    steps: int = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0, description="That went through it, repeated epochs included.")
    final_loss: float | None = None


class Mix(BaseModel):
    """What a mix reported (`reports/mixes`), as far as it is shown."""

    rows: int = Field(default=0, ge=0)
    candidates: int | None = None
    left_out: dict[str, int] = Field(default_factory=dict)
    solved: int | None = None
    remaining: int | None = None

    @model_validator(mode="after")
    def _of_how_many(self) -> Self:
        if (self.solved is None) != (self.remaining is None):
            raise ValueError("solved and remaining belong together")
        return self


def load(root: Path) -> list[Measured]:
    """All models that are measured, in the order of `measured`.

    A model that params.yaml no longer names may have left its metrics behind: they are another run's, and not loaded.

    Raises:
        UserError: No model is measured yet, or a report is missing or damaged.
    """
    settings = params.load(root / params.PARAMS)
    models = [name for name in settings.measured if (root / layout.metrics(name)).exists()]
    if not models:
        raise UserError(f"{root / layout.METRICS}: no model is measured yet; `dvc repro` runs the loop")
    known = Names(settings)
    measured = []
    for name in models:
        mix, trained = mix_report(root, known.mix(name)), training(root, name)
        if trained is None and name != BASE:
            raise UserError(f"{root / layout.training_report(name)}: not found; `dvc repro` makes it")
        measured.append(
            Measured(
                metrics=scores.load(root / layout.metrics(name)),
                title=known.title(name),
                rows=trained.rows if trained else 0,
                solved=mix.solved if mix else None,
                remaining=mix.remaining if mix else None,
            )
        )
    return measured


def mix_report(root: Path, step: str) -> Mix | None:
    """What the mix of a step came to; None if it is not there yet.

    Raises:
        UserError: The report is damaged.
    """
    return _report(root / layout.mix_report(step), Mix)


def training(root: Path, model: str) -> Training | None:
    """What the training of a model reported; None if it is not trained yet.

    Raises:
        UserError: The report is damaged.
    """
    return _report(root / layout.training_report(model), Training)


def _report(file: Path, kind: type[R]) -> R | None:
    """What a stage reported; None if there is no such report."""
    try:
        return kind.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UserError(f"{file}: is damaged ({error}); `dvc repro` makes it anew") from error


def load_orms(root: Path) -> dict[str, OrmMetrics]:
    """The ORMs' metrics, by name.

    Raises:
        UserError: None is measured yet, or a file does not hold an ORM's metrics.
    """
    orms = params.load(root / params.PARAMS).orms
    files = {name: root / layout.metrics(name) for name in orms}
    if not any(file.exists() for file in files.values()):
        where = ", ".join(map(str, files.values()))
        raise UserError(f"{where}: the ORM is not measured yet; `dvc repro` runs the loop")
    metrics: dict[str, OrmMetrics] = {}
    for name, file in files.items():
        if not file.exists():
            continue
        try:
            metrics[name] = OrmMetrics.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"{file}: does not hold the ORM's metrics; `dvc repro` makes it anew: {error}") from error
    return metrics


def interval(measured: Metrics | BenchmarkMetrics) -> str:
    """An accuracy and its interval in %: `12.0 (9.2 to 15.6)`."""
    return f"{100 * measured.accuracy:.1f} ({100 * measured.ci_low:.1f} to {100 * measured.ci_high:.1f})"


def cells(model: Measured) -> tuple[str, ...]:
    """One line of the table, a cell per heading."""
    return (
        model.title,
        f"{model.rows:,}",
        interval(model.metrics),
        "" if model.solved is None else f"{model.solved:,} of {model.remaining:,}",
        *("" if (number := measure.of(model.metrics)) is None else f"{number:,.1f}" for measure in MEASURES),
    )


def markdown(models: Sequence[Measured]) -> str:
    """The table as GitHub-flavoured Markdown: the same on every machine."""
    return grid([HEADINGS, *map(cells, models)])


def grid(rows: Cells, left: int = 1) -> str:
    """Cells, their heading first, as GitHub-flavoured Markdown; the first `left` columns are aligned to the left."""
    rule = "|" + "---|" * left + "---:|" * (len(rows[0]) - left)
    heading, *lines = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([heading, rule, *lines]) + "\n"


def orm_lines(orms: dict[str, OrmMetrics]) -> str:
    """The ORMs' measurements, one sentence each; an ORM is named where there are several."""
    sentences = []
    for name, orm in orms.items():
        title = "ORM" if len(orms) == 1 else f"ORM {name}"
        shares = {
            "correct": orm.accuracy_correct,
            "wrong": orm.accuracy_wrong,
            "overall": orm.accuracy,
            "first wrong step": orm.step_accuracy,
        }
        numbers = ", ".join(f"{share_of} {100 * share:.1f} %" for share_of, share in shares.items())
        sentences.append(f"{title} on {orm.n:,} held-out paths: {numbers}, undecided {orm.undecided:,} of {orm.n:,}.")
    return "\n\n".join(sentences)
