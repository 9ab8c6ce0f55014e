"""The sections of the loop, and the whole file with the checks across them."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from mathse.errors import UserError
from mathse.params.benchmarks import BenchmarkSource
from mathse.params.data import Pretrained
from mathse.params.evaluation import Evaluate
from mathse.params.inference import Compute, Inference
from mathse.params.roles import Judge, Student, Teacher
from mathse.params.rows import Model, OrmModel, Recipe, Step
from mathse.params.section import Count, Name, Section, Share
from mathse.params.sources import Problems, RecordedName
from mathse.params.training import Train

PARAMS = Path("params.yaml")
MOST_SAMPLES = 1024
"""Of a problem in one rollout, however hard it is; `rollout.samples` may be more."""
Temperature = Annotated[float, Field(ge=0, le=5)]
BASE = "base"
"""The model that everything starts from, and what stands before the first step: an empty mix, and all problems."""
STUDENT = "student"
"""The model whose mistakes the first ORM learns from."""


class ParamsError(UserError):
    """params.yaml is missing, is not YAML, or holds a value that is out of bounds; says which key and what to do."""


class Query(Section):
    """A mix: an SQL file and the values of its named `$parameters`."""

    query: Path
    parameters: dict[str, int | float | str] = Field(default_factory=dict)


class NearDuplicates(Section):
    """When two solutions of a mix are the same."""

    jaccard: float = Field(
        default=0.8, ge=0.7, le=1, description="Of their sets of three words in a row: the common share of all."
    )
    within: Literal["mix", "problem"] = Field(default="mix", description="Of which rows one stays.")


class Mix(Query):
    """A student's mix."""

    require: Literal["orm", "rule", "both"] = Field(
        default="orm",
        description="Whose word makes a path a right one. orm: the judge's. rule: the rule grader's, without an ORM. "
        "both: the judge's, unless the rule grader calls the path WRONG; where that is UNDECIDED the judge decides.",
    )
    distinct: Literal["text", "formulas"] = Field(
        default="text",
        description="By what two paths to a problem are the same, so that one stays: their text, white space and case "
        "aside; or their calculations in order, wording aside (a path without any is compared by its text).",
    )
    prefer: Literal["shortest", "confident"] = Field(
        default="shortest",
        description="Which right paths come first where a mix takes so many of a problem: the shortest, or those "
        "of which the judge is surest (a path whose `confidence` is unknown comes last).",
    )
    reflections: Literal["corrected", "draft"] = Field(
        default="corrected",
        description="The prompt of a reflection's row. corrected: the question, as of any row. draft: also the wrong "
        "path that it reconsiders and the judge's critique. Models are asked with `student.prompt` in either case.",
    )
    near_duplicates: NearDuplicates | None = Field(
        default=None, description="Solutions nearly those of other rows leave the mix; null: they stay."
    )


class Orm(Section):
    """Step 0: the Outcome Reward Model and the data it learns from."""

    warmup_problems: Count = Field(description="ORM problems whose teacher paths train the student.")
    samples: Count = Field(description="Student paths per problem.")
    teacher_samples: int = Field(ge=0, description="Teacher paths per problem.")
    teacher_mistake_rate: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0, le=5)
    held_out: Share = Field(lt=1, description="Share of the ORM problems kept for measuring it.")
    mix: Query
    target: Literal["full", "checks", "verdict"] = Field(
        description="What it learns to reply: the verdict with the first wrong step and why (the paper's); that with "
        "both answers before it, and what it finds at each step; or the verdict alone (the paper's Table 5).",
    )
    train: Train


class Recording(Section):
    """Solutions that a teacher wrote once: its paths are taken from there, and it is not asked again."""

    name: RecordedName
    path: Path = Field(description="A file or a folder; best below data/sources/.")
    source: str | None = Field(
        default=None, description="The label of the source whose problems are solved; null: the same as the name."
    )

    @property
    def solves(self) -> str:
        """What the `source` of the solved problems says."""
        return self.source or self.name


class Distill(Section):
    """How the teacher is asked for paths (step 1)."""

    fraction: Share = Field(description="Of the problems that remain, chosen by a hash of seed and problem.")
    samples: Count = Field(description="Paths per problem.")
    recorded: tuple[Recording, ...] = Field(
        default=(), description="Problems of that part that have recorded solutions get these, at most `samples` each."
    )


def _one_or_by_step(temperature: Any) -> str:
    return "<by step>" if isinstance(temperature, dict) else "<one>"


Temperatures = Annotated[
    Annotated[Temperature, Tag("<one>")] | Annotated[dict[Name, Temperature], Tag("<by step>")],
    Discriminator(_one_or_by_step),
]


class Rollout(Section):
    """How the student is asked for paths (step 2)."""

    samples: Count = Field(description="Paths per problem.")
    harder: float = Field(
        default=1,
        ge=1,
        le=4,
        description="By how much `samples` grows with each earlier step that has left wrong paths of a problem, so "
        "that more samples go to what stays unsolved (DART-Math, arXiv 2407.13690); rounded down, at most 1,024 or "
        "`samples`.",
    )
    temperature: Temperatures = Field(
        description='A number, or one for each step that rolls out, such as `{"1": 0.7, "2": 1.0}`.'
    )
    top_p: Share = 1.0

    def samples_after(self, wrong_steps: int) -> int:
        """Paths for a problem of which so many earlier steps have left wrong paths."""
        return max(self.samples, min(MOST_SAMPLES, int(self.samples * self.harder**wrong_steps)))

    def temperature_of(self, step: str) -> float:
        """The temperature of a step that rolls out."""
        return self.temperature[step] if isinstance(self.temperature, dict) else self.temperature


class Reflect(Section):
    """How the teacher reconsiders what stayed wrong (step 3)."""

    scope: Literal["unsolved", "all"] = Field(
        default="unsolved",
        description="unsolved: newest wrong path of each unsolved problem; all: every wrong path of those problems.",
    )
    samples: Count
    feedback: Literal["orm", "teacher", "none"] = Field(
        default="orm",
        description="What the teacher is told of the wrong path (the paper's Table 3): the ORM's step and analysis, "
        "its own, which it is asked for first, or nothing.",
    )


class Params(Section):
    """The whole of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    compute: Compute
    inference: Inference = Inference()
    problems: Problems
    benchmarks: tuple[BenchmarkSource, ...] = ()
    base: Pretrained
    teacher: Teacher
    student: Student
    steps: dict[Name, Step] = Field(min_length=1, description="In their order; the paper's loop by default.")
    models: dict[Name, Model] = Field(min_length=1, description="In their order; the last is what a run is for.")
    orms: dict[Name, OrmModel] = Field(min_length=1)
    orm: Orm
    judge: Judge
    distill: Distill
    rollout: Rollout
    mix: Mix
    reflect: Reflect
    train: Train
    further: Train | None = Field(
        default=None, description="How a model of the loop is trained on, where `models` says `by: further`."
    )
    prefer: Train | None = Field(
        default=None,
        description="How preferences are learnt (`method: dpo`) from a mix with wrong paths beside its rows, where "
        "`models` says `by: prefer`.",
    )
    measured: tuple[Name, ...] = Field(
        min_length=1,
        description="The models that are evaluated, in the order of the report. A list of its own, so that one more on "
        "it evaluates no other again.",
    )
    evaluate: Evaluate

    @model_validator(mode="after")
    def batch_invariance_has_its_gpu(self) -> "Params":
        """On a CPU, vLLM ignores the switch without a word."""
        if self.inference.vllm.batch_invariant and self.compute.device == "cpu":
            raise ValueError("inference.vllm.batch_invariant: needs compute.device: cuda; on a CPU it has no effect")
        return self

    @model_validator(mode="after")
    def each_benchmark_is_there_once(self) -> "Params":
        """Rows and metrics are known by the benchmark's name and subset."""
        titles = [source.title for source in self.benchmarks]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ValueError(f"benchmarks: {', '.join(twice)}: configured twice; remove one")
        return self

    @model_validator(mode="after")
    def each_name_stands_for_one_thing(self) -> "Params":
        """Steps, ORMs, the base and the ORM's student name mixes, models and metrics alike."""
        fixed = (BASE, STUDENT)
        for section, names, others in (
            ("steps", self.steps, fixed),
            ("orms", self.orms, (*fixed, *self.steps)),
            ("models", self.models, (*fixed, *self.orms)),
        ):
            if taken := [name for name in names if name in others]:
                raise ValueError(f"{section}.{taken[0]}: the name is taken; choose another")
        return self

    @model_validator(mode="after")
    def what_is_named_is_there(self) -> "Params":
        """Each step goes on from an earlier one; models and judges are declared."""
        earlier = [BASE]
        for name, step in self.steps.items():
            _known(f"steps.{name}.prev", step.prev, earlier)
            _known(f"steps.{name}.model", step.model, [BASE, *self.models])
            _known(f"steps.{name}.judge", step.judge, list(self.orms))
            earlier.append(name)
        for name, model in self.models.items():
            _known(f"models.{name}.start", model.start, [BASE, *self.models])
            _known(f"models.{name}.mix", model.mix, list(self.steps))
        for name, orm in self.orms.items():
            _known(f"orms.{name}.student", orm.student, [STUDENT, *self.models])
            _known(f"orms.{name}.start", orm.start, [BASE, STUDENT, *self.models, *self.orms])
        for place, measured in enumerate(self.measured):
            _known(f"measured.{place}", measured, [BASE, STUDENT, *self.models])
        return self

    @model_validator(mode="after")
    def each_rollout_has_its_temperature(self) -> "Params":
        """Where temperatures are given by step, they are for the steps that roll out, and for all of them."""
        if isinstance(temperatures := self.rollout.temperature, dict):
            rollouts = [name for name, step in self.steps.items() if step.ask == "rollout"]
            if missing := [name for name in rollouts if name not in temperatures]:
                raise ValueError(
                    f"rollout.temperature.{missing[0]}: step {missing[0]!r} rolls out; give it a temperature"
                )
            if unknown := [name for name in temperatures if name not in rollouts]:
                raise ValueError(f"rollout.temperature.{unknown[0]}: no step of this name rolls out; leave it out")
        return self

    @model_validator(mode="after")
    def nothing_needs_itself(self) -> "Params":
        """A step may only use models that are trained before it, and judges that have learned from such."""
        needs: dict[str, set[str]] = {}
        for name, step in self.steps.items():
            needs[f"steps.{name}"] = {f"steps.{step.prev}", f"models.{step.model}", f"orms.{step.judge}"}
        for name, model in self.models.items():
            needs[f"models.{name}"] = {f"steps.{model.mix}", f"models.{model.start}"}
        for name, orm in self.orms.items():
            started = "orms" if orm.start in self.orms else "models"
            needs[f"orms.{name}"] = {f"models.{orm.student}", f"{started}.{orm.start}"}
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            raise ValueError(f"{' needs '.join(reversed(error.args[1]))}: name an earlier model or judge") from error
        return self

    @model_validator(mode="after")
    def each_way_of_training_is_there(self) -> "Params":
        """A model that is trained further, or by preferences, needs the section that says how."""
        for name, model in self.models.items():
            if getattr(self, model.by) is None:
                method = "method: dpo, " if model.by == "prefer" else ""
                raise ValueError(
                    f"models.{name}.by: there is no section `{model.by}`; add one beside `train`, with its keys: "
                    f"`{model.by}: {{{method}epochs: ..., batch_size: ..., ...}}`"
                )
        for name in self.trained:
            recipe = self.recipe(name)
            if self.trainings[recipe.by].optimizer == "kept" and not self._keeps_optimizer(recipe.start):
                made_by = (
                    "`start: base` has none"
                    if recipe.start == BASE
                    else (
                        f"write `keep_optimizer: true` in `{self.recipe(recipe.start).by}`, which trains {recipe.start}"
                    )
                )
                raise ValueError(
                    f"{recipe.by}.optimizer: kept, but {name} starts from a model without a state: {made_by}"
                )
        if self.prefer is not None and self.prefer.method != "dpo":
            raise ValueError("prefer.method: only dpo learns from preferences; write `method: dpo`")
        return self

    @property
    def trust_remote_code(self) -> bool:
        """Whether Python code that lies in a model's folder may run: only where the user says so of the base."""
        return self.base.trust_remote_code

    def recipe(self, model: str) -> Recipe:
        """What makes a model.

        Args:
            model: `student`, an ORM's name, or a model's.

        Raises:
            ParamsError: There is no such model.
        """
        if model == STUDENT:
            return Recipe(BASE, STUDENT, "train")
        if model in self.orms:
            return Recipe(self.orms[model].start, model, "orm.train")
        if model in self.models:
            row = self.models[model]
            return Recipe(row.start, row.mix, row.by)
        raise ParamsError(f"{PARAMS}: models: there is no {model!r}; known: {', '.join(self.trained)}")

    def _keeps_optimizer(self, model: str) -> bool:
        return model != BASE and self.trainings[self.recipe(model).by].keep_optimizer

    @property
    def trainings(self) -> dict[str, Train]:
        """The ways in which some model is trained, by the section of params that says how."""
        sections = {"train": self.train, "orm.train": self.orm.train, "further": self.further, "prefer": self.prefer}
        used = {self.recipe(model).by for model in self.trained}
        return {name: how for name, how in sections.items() if how is not None and name in used}

    @property
    def trained(self) -> list[str]:
        """Every model that the loop trains: the ORMs' student, the ORMs, the students."""
        return [STUDENT, *self.orms, *self.models]

    def step(self, name: str) -> Step:
        """A step by its name.

        Raises:
            ParamsError: There is none.
        """
        if name not in self.steps:
            raise ParamsError(f"{PARAMS}: steps: there is no step {name!r}; known: {', '.join(self.steps)}")
        return self.steps[name]

    def round_of(self, step: str) -> int:
        """How many rollouts lead to a step, its own included: 0 for what is distilled first."""
        passed = 0
        while step != BASE:
            passed += self.steps[step].ask == "rollout"
            step = self.steps[step].prev
        return passed


def _known(key: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise ValueError(f"{key}: there is no {name!r} at this place; known: {', '.join(names)}")
