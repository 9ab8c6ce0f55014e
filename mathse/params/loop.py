"""The steps of the loop, and the whole file with the checks across its sections."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mathse.errors import UserError
from mathse.params.benchmarks import BenchmarkName, BenchmarkSource
from mathse.params.data import AnyBase, Pretrained
from mathse.params.inference import Answering, Compute, Described, Inference
from mathse.params.section import Count, Prompt, Section, Share
from mathse.params.sources import Problems, RecordedName
from mathse.params.training import Train

PARAMS = Path("params.yaml")


class ParamsError(UserError):
    """params.yaml is missing, is not YAML, or holds a value that is out of bounds; says which key and what to do."""


class Teacher(Described):
    """The teacher: solves, annotates, reflects. `solver` knows the drawn figures' scenes."""

    engine: Literal["solver", "api", "replay"]
    mistake_rate: float = Field(
        default=0, ge=0, le=1, description="Share of its solutions in which the solver makes a mistake."
    )
    max_new_tokens: Count = Field(default=2048, description="Of a solution, a reflection or a mark, in tokens.")
    temperature: float = Field(
        default=0, ge=0, le=2, description="Of its solutions and reflections; above 0 where it writes several."
    )


class Student(Answering):
    """How the model under training is asked."""

    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt


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

    near_duplicates: NearDuplicates | None = Field(
        default=None, description="Solutions nearly those of other rows leave the mix; null: they stay."
    )


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


class Judge(Answering):
    """How paths are judged: by the ORM (`model`), or by another judge in its place."""

    reference: bool = Field(default=True, description="Whether the judge is shown the gold answer.")
    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt


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
    """Step 1: the teacher writes paths for a part of the training problems."""

    fraction: Share
    samples: Count
    recorded: tuple[Recording, ...] = Field(
        default=(), description="Problems of that part that have recorded solutions get these, at most `samples` each."
    )


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


class Extractor(Answering):
    """Who finds the answer in a reply where a benchmark leaves that to a language model; `model`: the evaluated one."""

    batch_size: Count = 16
    max_new_tokens: Count = 256
    prompt: Prompt = "extract@1"


class Matcher(Answering):
    """Who compares an answer where a benchmark leaves that to a language model; `model`: the evaluated one."""

    batch_size: Count = 16
    max_new_tokens: Count = 64
    prompt: Prompt = "match@1"


class Evaluate(Section):
    """Step 4: pass@1, greedy, on the test split and on `benchmarks`; pass@k besides where `samples` is given."""

    batch_size: Count
    samples: int = Field(default=0, ge=0, le=1024, description="Sampled answers a problem beside the greedy one.")
    temperature: float = Field(default=0.7, gt=0, le=5, description="Of the sampled answers.")
    top_p: Share = 1.0
    prompts: dict[BenchmarkName, Prompt] = Field(
        default_factory=dict, description="By benchmark: in place of `student.prompt`, such as `{mathvision: boxed@1}`."
    )
    extractor: Extractor | None = Field(default=None, description="MathVista's and MathVerse's; null: a rule.")
    matcher: Matcher | None = Field(default=None, description="MathVerse's judge; null: equality of text.")


class Params(Section):
    """The whole of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    compute: Compute
    inference: Inference = Inference()
    problems: Problems
    benchmarks: tuple[BenchmarkSource, ...] = ()
    base: AnyBase
    teacher: Teacher
    student: Student
    orm: Orm
    judge: Judge
    distill: Distill
    rounds: dict[int, Round] = Field(min_length=1)
    rollout: Rollout
    mix: Mix
    reflect: Reflect
    train: Train
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

    @property
    def trust_remote_code(self) -> bool:
        """Whether Python code that lies in a model's folder may run: only where the user says so of the base."""
        return isinstance(self.base, Pretrained) and self.base.trust_remote_code

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
