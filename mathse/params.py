"""params.yaml as pydantic models: every key documented, bounded and checked against the others.

Each model is one section of the file; a DVC stage names the sections it reads, so that changing a key reruns only what
depends on it. `load` is the only way in; it imports nothing heavy and turns every error into one that names the key.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mathse.errors import UserError

PARAMS = Path("params.yaml")


class ParamsError(UserError):
    """params.yaml is missing, is not YAML, or holds a value that is out of bounds; says which key and what to do."""


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to keys that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Prompt = Annotated[str, Field(pattern=r"^[a-z-]+@\d+$", description="Name and version, such as `solve-brief@1`.")]


class Compute(Section):
    """Where the models run. `threads` is fixed, not detected: sums depend on how work is split."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=2, ge=1, le=256, description="CPU threads of torch.")
    dtype: Literal["float32", "bfloat16"] = "float32"


class FigureSource(Section):
    """Drawn figures (`mathse.synthetic`): problems per split, all distinct by content."""

    name: Literal["figures"]
    seed: int = Field(ge=0)
    train: Count
    orm: Count
    test: Count


class Problems(Section):
    """The problems the loop learns from and is measured on."""

    sources: tuple[FigureSource, ...] = Field(min_length=1)
    max_pixels: int = Field(default=4_000_000, ge=1, description="Images with more pixels are rejected undecoded.")


class CourseSteps(Section):
    """Optimizer steps of each part of the base's course, in this order."""

    first: int = Field(ge=0, description="Tables to read, numbers to compare, options to look up.")
    all: Count = Field(description="Every drill on every picture.")

    def parts(self) -> tuple[tuple[Literal["first", "all"], int], ...]:
        """Each part's name and steps, in order."""
        return ("first", self.first), ("all", self.all)


class Base(Section):
    """The base model: here a tiny Qwen2-VL pre-trained on figure descriptions and arithmetic."""

    build: Literal["figures"]
    seed: int = Field(ge=0)
    steps: CourseSteps
    batch_size: Count
    learning_rate: float = Field(gt=0, le=0.1, description="Of embeddings, biases and norms (AdamW).")
    matrix_learning_rate: float = Field(gt=0, le=0.1, description="Of the matrices between layers (Muon).")


class Teacher(Section):
    """The teacher: solves, annotates, reflects."""

    engine: Literal["solver"]
    mistake_rate: float = Field(ge=0, le=1, description="Share of its solutions in which the solver makes a mistake.")


class Student(Section):
    """How the model under training is run."""

    engine: Literal["transformers"]
    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt


class Query(Section):
    """A mix: an SQL file and the values of its named `$parameters`."""

    query: Path
    parameters: dict[str, int | float | str] = Field(default_factory=dict)


class Train(Section):
    """One supervised fine-tuning run (the paper's Table 6): loss on the completion only."""

    start_from: Literal["base", "previous"] = Field(
        default="base", description="Fine-tune every round from the base (mixes are cumulative) or from the last model."
    )
    epochs: float = Field(gt=0)
    max_steps: int = Field(default=-1, ge=-1, description="Stop after this many steps; -1: after `epochs`.")
    batch_size: Count
    learning_rate: float = Field(gt=0, le=0.1)
    matrix_learning_rate: float | None = Field(
        default=None, gt=0, le=0.1, description="Muon's, of the matrices within the network; null: AdamW for all."
    )
    warmup: float = Field(ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(ge=0, le=1)
    beta2: float = Field(default=0.999, gt=0, lt=1, description="AdamW's second moment.")
    scheduler: Literal["cosine", "linear", "constant_with_warmup"]


class Orm(Section):
    """Step 0: the Outcome Reward Model and the data it learns from."""

    warmup_problems: Count = Field(description="ORM problems whose teacher paths train the student.")
    samples: Count = Field(description="Student paths a problem.")
    teacher_samples: int = Field(ge=0, description="Teacher paths a problem.")
    teacher_mistake_rate: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0, le=5)
    held_out: Share = Field(lt=1, description="Share of the ORM problems kept for measuring it.")
    mix: Query
    train: Train


class Judge(Section):
    """How the ORM judges."""

    reference: bool = Field(default=True, description="Whether the judge is shown the gold answer.")
    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt


class Distill(Section):
    """Step 1: the teacher writes paths for a part of the training problems."""

    fraction: Share
    samples: Count


class Round(Section):
    """Step 2: a round, and the model that writes its paths."""

    prev: int = Field(ge=0, description="The model before: 0 (distilled) or an earlier round.")


class Rollout(Section):
    """How a round's paths are sampled."""

    samples: Count = Field(description="Paths a problem.")
    temperature: float = Field(ge=0, le=5)
    top_p: Share = 1.0


class Reflect(Section):
    """Step 3: the teacher reconsiders what stayed wrong."""

    after: int = Field(ge=0, description="The last round; reflection starts from its remaining problems.")
    scope: Literal["unsolved", "all"] = Field(
        default="unsolved",
        description="unsolved: newest wrong path of each unsolved problem; all: every wrong path of those problems.",
    )
    samples: Count


class Evaluate(Section):
    """Step 4: pass@1, greedy, on the test split."""

    batch_size: Count


class Params(Section):
    """The whole of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    compute: Compute
    problems: Problems
    base: Base
    teacher: Teacher
    student: Student
    orm: Orm
    judge: Judge
    distill: Distill
    rounds: dict[int, Round] = Field(min_length=1)
    rollout: Rollout
    mix: Query
    reflect: Reflect
    train: Train
    evaluate: Evaluate

    @model_validator(mode="after")
    def rounds_form_a_chain(self) -> "Params":
        """Each round follows the one before it, and reflection follows the last."""
        for expected, (number, step) in enumerate(sorted(self.rounds.items()), start=1):
            if number != expected:
                raise ValueError(f"rounds: keys must be 1, 2, 3, ... without a gap; found {number}, not {expected}")
            if step.prev != number - 1:
                raise ValueError(f"rounds.{number}.prev: must be {number - 1}, the model before; found {step.prev}")
        last = max(self.rounds)
        if self.reflect.after != last:
            raise ValueError(f"reflect.after: must be the last round, {last}; found {self.reflect.after}")
        return self

    def model_before(self, name: str) -> str:
        """The model that `name` continues: base for student, ORM and 0; else the last round's or the one before.

        Raises:
            ParamsError: There is no such model.
        """
        if name in {"student", "orm", "0"}:
            return "base"
        if name == "final":
            return str(self.reflect.after)
        if name.isdecimal() and int(name) in self.rounds:
            return str(self.rounds[int(name)].prev)
        known = ["student", "orm", "0", *map(str, sorted(self.rounds)), "final"]
        raise ParamsError(f"{PARAMS}: rounds: there is no model {name!r}; known: {', '.join(known)}")


def describe(error: ValidationError, file: Path) -> str:
    """Turn pydantic's errors into lines of `file: key: what is wrong`."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        found = "" if not key or item["type"] == "missing" else f" (found {item['input']!r})"
        lines.append(f"{file}: {key + ': ' if key else ''}{message}{found}")
    return "\n".join(lines)


def load(file: Path = PARAMS) -> Params:
    """Read and check a params file.

    Args:
        file: The YAML file.

    Raises:
        ParamsError: It is missing, is not YAML, has an unknown key, or a value out of bounds; names the key.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{file}: not found; run from the project's root, or `mathse preset default`") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{file}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{file}: must hold a mapping of sections, found {type(content).__name__}")
    _refuse_whole_number_keys(content.get("rounds"), file)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise ParamsError(describe(error, file)) from error


def _refuse_whole_number_keys(rounds: object, file: Path) -> None:
    """DVC drops keys that are no strings without a word, and with them every stage of the round."""
    bare = [key for key in rounds if not isinstance(key, str)] if isinstance(rounds, dict) else []
    if bare:
        raise ParamsError(f'{file}: rounds.{bare[0]}: put the key in quotes, "{bare[0]}": DVC drops whole-number keys')
