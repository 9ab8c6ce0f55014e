"""An experiment: a question, and the variants of the run that answer it, each a few params laid over the run's own.

    title: What the teacher is told of a wrong path
    source: the paper's Table 3
    question: Does the ORM's critique help the teacher more than its own, or none?
    paper: {CogVLM2: {none: 62.35, teacher: 64.25, orm: 64.70}}
    baseline: orm
    variants:
      - {name: orm, title: the ORM's step and analysis, measured: [final]}
      - {name: none, title: nothing, measured: [final], params: {reflect.feedback: none}}

A key of `params` is a path into params.yaml and its value takes the place of what is there, whole sections too. A value
may follow from the run's own params, or from the baseline's run with the same seed:

    {of: train, with: {epochs: 3}}       the section `train` with another number of epochs
    {of: train.epochs, times: 0.5}       half as many epochs as `train` has
    {of: train.epochs, times: 0.5, unless: {train.optimizer: kept}}   as many as it has where that holds of the run
    {of: judge.prompt, version: 5}       judge-brief@5 where the run has judge-brief@1
    {of: judge.prompt, after: 1}         the version after the run's: judge-brief@2 where it has judge-brief@1
    {rows_of: "2"}                       the rows that trained the baseline's model 2
    {teacher_calls_of: "2"}              what the teacher was asked on the way to it, the ORM's data left out
    {teacher_calls_of: "2", per: train}  the same, for each training problem: a share, such as distill.fraction
"""

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mathse import params, yaml_file
from mathse.errors import UserError
from mathse.params import Params, ParamsError
from mathse.params.section import Name

SHIPPED = Path(__file__).with_name("experiments")
DIGITS = 6
"""Decimals of a share that follows from the baseline."""
FROM_BASELINE = ("rows_of", "teacher_calls_of")
"""Keys of a value that follows from the baseline's run."""
_VERSIONED = re.compile(r"(.+)@(\d+)")


class ExperimentError(UserError):
    """There is no such experiment, or its file is not in order; names the file, the variant and the key."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Measured(_Part):
    """A model of a variant that is measured."""

    model: Name
    against: Name | None = Field(default=None, description="Of the baseline's models; null: the one of this name.")


class Variant(_Part):
    """A run: the params it changes, and which of its models are measured."""

    name: Name
    title: str = Field(description="What is different about it, in a few words.")
    params: dict[str, Any] = Field(default_factory=dict, description="By path into params.yaml; none: the run itself.")
    measured: tuple[Measured, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def a_name_is_a_model(cls, content: Any) -> Any:
        """`measured: [final]` is short for `measured: [{model: final}]`."""
        if isinstance(content, dict) and isinstance(content.get("measured"), list):
            rows = [row if isinstance(row, dict) else {"model": row} for row in content["measured"]]
            return content | {"measured": rows}
        return content

    @property
    def needs_baseline(self) -> bool:
        """Whether it takes numbers from the baseline's run."""
        return any(_asked_of_baseline(self.params))


class Experiment(_Part):
    """A file of experiments/, or a user's own."""

    title: str
    source: str = Field(description="The paper's table, or who reports the ingredient.")
    question: str
    paper: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="What is reported there, by model or set and then by variant."
    )
    baseline: Name = Field(
        description="The variant that others are compared with; its own models are compared with the one before each."
    )
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def variants_fit(self) -> "Experiment":
        """Each name is there once, and what is compared with is measured."""
        names = [variant.name for variant in self.variants]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"variants: {', '.join(twice)}: defined twice; rename one")
        if self.baseline not in names:
            raise ValueError(f"baseline: there is no variant {self.baseline!r}; there are {', '.join(names)}")
        known = [row.model for row in self.variant(self.baseline).measured]
        for variant in self.variants:
            for row in variant.measured:
                if variant.name != self.baseline and (row.against or row.model) not in known:
                    raise ValueError(
                        f"variants: {variant.name}: measured: the baseline does not measure "
                        f"{row.against or row.model!r}; add it there, or say `against`: {', '.join(known)}"
                    )
            asked = set(_asked_of_baseline(variant.params))
            if asked and variant.name == self.baseline:
                raise ValueError(f"variants: {variant.name}: the baseline cannot take numbers from its own run")
            if unknown := sorted(asked.difference(known)):
                raise ValueError(
                    f"variants: {variant.name}: params: asks for the numbers of model {unknown[0]!r}, which the "
                    f"baseline does not measure; it measures {', '.join(known)}"
                )
        return self

    def variant(self, name: str) -> Variant:
        """A variant by its name.

        Raises:
            ExperimentError: There is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise ExperimentError(f"no variant is called {name!r}; there are {', '.join(v.name for v in self.variants)}")

    def ordered(self) -> list[Variant]:
        """The variants as they are run: the baseline first, as others may take numbers from it."""
        return sorted(self.variants, key=lambda variant: variant.name != self.baseline)


class Baseline(Protocol):
    """What a variant may take from the baseline's run."""

    def rows_of(self, model: str) -> int:
        """The rows that trained a model."""
        ...

    def teacher_calls_of(self, model: str) -> int:
        """What the teacher was asked on the way to it."""
        ...

    @property
    def train_problems(self) -> int:
        """How many problems the loop has."""
        ...


def _asked_of_baseline(value: Any) -> Iterator[str]:
    """The models whose numbers params ask for."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in FROM_BASELINE:
                yield str(inner)
            else:
                yield from _asked_of_baseline(inner)


class _FromBaseline(_Part):
    """A value that follows from the baseline's run."""

    rows_of: Name | None = None
    teacher_calls_of: Name | None = None
    per: Literal["train"] | None = None

    def value(self, baseline: Baseline) -> int | float:
        number = (
            baseline.rows_of(self.rows_of) if self.rows_of else baseline.teacher_calls_of(self.teacher_calls_of or "")
        )
        return number if self.per is None else min(1.0, round(number / baseline.train_problems, DIGITS))


class _FromParams(_Part):
    """A value that follows from the run's own params."""

    of: str
    times: float | None = None
    version: int | None = None
    after: int | None = None
    unless: dict[str, Any] = Field(default_factory=dict)
    changes: dict[str, Any] = Field(default_factory=dict, alias="with")


def shipped() -> dict[str, Experiment]:
    """The experiments that come with MathSE, by name."""
    return {file.stem: _read(file) for file in sorted(SHIPPED.glob("*.yaml"))}


def find(name: str) -> tuple[str, Experiment]:
    """An experiment by its name, or a user's own by its file; what its results are called, too.

    Raises:
        ExperimentError: There is no such experiment or file, or it is not in order.
    """
    known = {file.stem: file for file in sorted(SHIPPED.glob("*.yaml"))}
    if name in known:
        return name, _read(known[name])
    own = Path(name)
    if own.suffix not in (".yaml", ".yml"):
        raise ExperimentError(
            f"no experiment is called {name!r}; there are {', '.join(known)}, or name a YAML file of your own"
        )
    if own.stem in known and own.resolve() != known[own.stem].resolve():
        raise ExperimentError(f"{own}: an experiment of MathSE is called {own.stem}, and has results; rename the file")
    try:
        return TypeAdapter(Name).validate_python(own.stem), _read(own)
    except ValidationError as error:
        raise ExperimentError(
            f"{own}: rename the file: its runs are named after it, in small letters, digits, _ and -, 40 at most"
        ) from error


def _read(file: Path) -> Experiment:
    try:
        return Experiment.model_validate(yaml_file.read(file))
    except FileNotFoundError as error:
        raise ExperimentError(f"{file}: not found; `mathse ablate` lists the experiments") from error
    except yaml_file.NotYaml as error:
        raise ExperimentError(f"{file}: {error}") from error
    except ValidationError as error:
        raise ExperimentError(params.describe(error, file)) from error


def laid_over(
    content: Mapping[str, Any],
    experiment: str,
    variant: Variant,
    seed: int | None = None,
    baseline: Baseline | None = None,
) -> tuple[dict[str, Any], Params]:
    """The params of a variant's run: as they are written, and checked.

    Args:
        content: The run's own params, as YAML holds them.
        experiment: Its name, for errors.
        seed: Of the run; None: the one that `content` has.
        baseline: The baseline's run with the same seed, where the variant takes numbers from it.

    Raises:
        ExperimentError: A key is unknown or a value out of bounds; names variant and key.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(content))
    place = Path(f"{experiment}: {variant.name}")
    for key, value in variant.params.items():
        *sections, last = key.split(".")
        section = changed
        for name in sections:
            section = section.setdefault(name, {})
            if not isinstance(section, dict):
                raise ExperimentError(f"{place}: {key}: {name} is a value and has no keys; name the whole of it")
        section[last] = _resolved(value, content, place, key, baseline)
    if seed is not None:
        changed["seed"] = seed
    # No other model is evaluated, and none trained that these do not need.
    changed["measured"] = [row.model for row in variant.measured]
    try:
        return changed, params.parse(changed, place, template=True)
    except ParamsError as error:
        raise ExperimentError(str(error)) from error


def _resolved(value: Any, content: Mapping[str, Any], place: Path, key: str, baseline: Baseline | None) -> Any:
    """A value in which numbers and sections stand for what asks for them."""
    if not isinstance(value, dict):
        return value
    asks_run, asks_baseline = "of" in value, not value.keys().isdisjoint(FROM_BASELINE)
    if not asks_run and not asks_baseline:
        return {name: _resolved(inner, content, place, f"{key}.{name}", baseline) for name, inner in value.items()}
    try:
        if asks_run:
            return _of_params(_FromParams.model_validate(value), content, place, key)
        asked = _FromBaseline.model_validate(value)
    except ValidationError as error:
        raise ExperimentError(params.describe(error, place, key)) from error
    if (asked.rows_of is None) == (asked.teacher_calls_of is None):
        raise ExperimentError(f"{place}: {key}: must ask for one thing: rows_of or teacher_calls_of")
    if baseline is None:
        raise ExperimentError(f"{place}: {key}: takes a number from the baseline's run, which is not there yet")
    return asked.value(baseline)


def _of_params(asked: _FromParams, content: Mapping[str, Any], place: Path, key: str) -> Any:
    """A section with changes, a multiple of a number, or another version of a prompt."""
    found = yaml_file.at(content, asked.of)
    if (
        found is not None
        and asked.unless
        and all(yaml_file.at(content, name) == held for name, held in asked.unless.items())
    ):
        return copy.deepcopy(found)
    if isinstance(found, dict):
        changes = _resolved(asked.changes, content, place, key, None)
        return copy.deepcopy(found) | changes
    if isinstance(found, int | float) and asked.times is not None:
        number = round(found * asked.times, DIGITS)
        return int(number) if number == int(number) else number
    if isinstance(found, str) and (named := _VERSIONED.fullmatch(found)):
        if asked.version is not None:
            return f"{named[1]}@{asked.version}"
        if asked.after is not None:
            return f"{named[1]}@{int(named[2]) + asked.after}"
    raise ExperimentError(f"{place}: {key}: the params have no {asked.of!r} from which that could follow")
