"""The rows of every dataset: the only definition of a problem, path, verdict, feedback, mix row and prediction.

A row is a frozen pydantic model; the Parquet schema of its table derives from it (`mathse.tables.store.arrow_schema`).
Each model names its table's grain (`key`, also the total sort order) and a `version`, raised when a column changes
meaning.

Every table carries `row_hash`, a hash of all other columns, by which tables are compared without reading the texts;
paths carry `text_hash` too (white space and case folded), by which duplicates are found.

Vocabulary (one word an idea, used everywhere):
    problem   a question, its images and its gold answer
    path      a reasoning path to a problem: distilled (teacher), rollout (student), reflection (teacher, second try) or
              edited (a person's correction of one of these)
    verdict   what a judge says of a path: CORRECT, WRONG, or UNDECIDED where nothing could be parsed or decided
    feedback  a teacher's annotation of a path: verdict, first wrong step, why, and a suggestion
    decision  what a person says of a path: that it is bad or good, or how it should read
    round     one turn of rollout, judge, mix, train
    mix       the rows one model is trained on
    author    who wrote a row: the content hash of a model's weights, or a teacher's or judge's name
    prompt    the messages a model is asked with; `prompt_id` is the name and version of their template
"""

import hashlib
import json
import re
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

MARKER = "The answer to this problem is"
"""Opens the closing sentence of every solution: `The answer to this problem is <answer>.`"""
DIGEST_BYTES = 16
_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def content_id(*parts: object) -> str:
    """Hash JSON values, in their order, into 32 hex digits; equal ones give equal ids on every machine and run.

    Sample: `content_id("problem", "Find x.", [], "4", [])`  ->  `"9f86d081884c7d659a2feaa0c55ad015"`
    """
    return hashlib.blake2b(_CANONICAL.encode(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()


def folded(text: str) -> str:
    """Fold white space and case, so that two texts that differ in nothing else compare equal."""
    return re.sub(r"\s+", " ", text).strip().casefold()


class Status(StrEnum):
    """What a judge or a grader says of a path. UNDECIDED is neither right nor wrong, and is counted apart."""

    CORRECT = "CORRECT"
    WRONG = "WRONG"
    UNDECIDED = "UNDECIDED"


class PathKind(StrEnum):
    """Who wrote a path and why."""

    DISTILLED = "distilled"
    ROLLOUT = "rollout"
    REFLECTION = "reflection"
    EDITED = "edited"


class Tag(StrEnum):
    """What a person says of a path. A note alone changes nothing."""

    BAD = "bad"
    GOOD = "good"
    FIXED = "fixed"
    NOTE = "note"


class Split(StrEnum):
    """What a problem may be used for: the loop, the ORM's own training, or measuring."""

    TRAIN = "train"
    ORM = "orm"
    TEST = "test"


class Row(BaseModel):
    """A row of a table: immutable, and closed to fields that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: ClassVar[tuple[str, ...]]
    """Columns that identify a row; tables are sorted by them."""
    version: ClassVar[int] = 1
    """Raised when a column's meaning changes."""
    unhashed: ClassVar[frozenset[str]] = frozenset()
    """Columns left out of `row_hash` because another column already is their hash."""

    @computed_field(description="Hash of all other columns: equal rows have equal hashes, across runs and machines.")
    @cached_property
    def row_hash(self) -> str:
        """Hash of the content columns."""
        content = self.model_dump_json(exclude={"row_hash", *self.unhashed})
        return hashlib.blake2b(content.encode(), digest_size=DIGEST_BYTES).hexdigest()


class Problem(Row):
    """A question, its images and its gold answer. Grain: one row per distinct problem (by content).

    Several sources may have it (`Origin` tells them all): the first gives source, id and texts, the strictest licence
    holds.
    """

    key = ("problem_id",)

    problem_id: str = Field(description="Hash of question, choices, answer and images.")
    source: str = Field(description="Name of the source it came from, such as `figures`.")
    source_id: str = Field(description="Its id within the source.")
    licence: str = Field(description="SPDX identifier of the source's licence.")
    split: Split = Field(description="train (the loop), orm (the judge's training) or test (measuring only).")
    question: str = Field(description="The question, choices not included.")
    choices: tuple[str, ...] = Field(default=(), description="Values of options A, B, C, ...; empty if free-form.")
    answer: str = Field(description="Gold answer: a value, or a choice's letter.")
    solution: str | None = Field(default=None, description="Gold solution in steps, where the source has one.")
    image_ids: tuple[str, ...] = Field(default=(), description="Images in the order in which the question has them.")
    subject: str = Field(description="Topic, such as `angles`.")
    level: int = Field(ge=0, description="Difficulty, 1 (easiest) and up; 0 if the source does not say.")
    language: str = Field(default="en", description="ISO 639-1 code of the question's language.")

    @staticmethod
    def id_for(question: str, choices: tuple[str, ...], answer: str, image_ids: tuple[str, ...]) -> str:
        """The id of a problem with this content."""
        return content_id("problem", question, list(choices), answer, list(image_ids))


class BenchmarkItem(Row):
    """A problem of a public benchmark, and what its official scoring reads. Grain: one row per benchmark and item."""

    key = ("benchmark", "item_id")

    benchmark: str = Field(description="Its name, the subset included: `mathvision_testmini`.")
    item_id: str = Field(description="The item's id within the benchmark.")
    question: str = Field(description="The question, choices and image placeholders not included.")
    choices: tuple[str, ...] = Field(default=(), description="Values of options A, B, C, ...; empty if free-form.")
    answer: str = Field(description="Gold answer as our own grader takes it: a value, or a choice's letter.")
    image_ids: tuple[str, ...] = Field(default=(), description="Images in the order in which the question has them.")
    subject: str = Field(description="Topic, as the benchmark names it.")
    level: int = Field(ge=0, description="Difficulty, 1 (easiest) and up; 0 if the benchmark does not say.")
    language: str = Field(default="en", description="ISO 639-1 code of the question's language.")
    licence: str = Field(description="SPDX identifier of the benchmark's licence.")
    official: str = Field(description="JSON object: the fields that official scoring reads, as published.")

    @property
    def problem_id(self) -> str:
        """The item's id among all problems: `mathvision_testmini/4`."""
        return f"{self.benchmark}/{self.item_id}"


class Image(Row):
    """An image, stored once. Grain: one row per distinct encoded image."""

    key = ("image_id",)
    unhashed = frozenset({"data"})

    image_id: str = Field(description="SHA-256 of `data`.")
    data: bytes = Field(
        description="The encoded file as it came; or the picture that models are shown, where others would see another."
    )
    format: str = Field(description="Encoding, such as PNG.")
    width: int = Field(gt=0, description="Pixels.")
    height: int = Field(gt=0, description="Pixels.")
    perceptual_hash: str | None = Field(
        default=None,
        description="64 hex digits that copies of a picture have nearly alike; null if there is next to nothing on it.",
    )


class Origin(Row):
    """Where a problem came from. Grain: one row per source row that was admitted."""

    key = ("problem_id", "source", "source_id")

    problem_id: str
    source: str = Field(description="Name of the source.")
    source_id: str = Field(description="Its id within the source.")
    licence: str = Field(description="SPDX identifier of the source's licence.")
    split: Split = Field(description="What the problem is used for.")


class Reject(Row):
    """A row that could not become a problem, kept with its reason. Grain: one row per rejected source row."""

    key = ("source", "source_id", "reason")

    source: str = Field(description="Name of the source.")
    source_id: str = Field(description="Its id within the source, or its position where it has none.")
    reason: str = Field(description="Short and countable, such as `duplicate` or `unreadable image`.")
    detail: str = Field(default="", description="What exactly was wrong, and where.")


class Leak(Row):
    """A problem that is, quotes or shows a benchmark item. Grain: one row per (problem, item, kind)."""

    key = ("problem_id", "benchmark", "item_id", "kind")
    problem_id: str
    benchmark: str = Field(description="Name of the benchmark, such as `mathvista`.")
    item_id: str = Field(description="The item's id within the benchmark.")
    kind: Literal["equal_text", "shared_grams", "near_image"]
    score: float = Field(description="shared_grams: their weights added up. near_image: bits that differ. Else 1.")
    shared: str = Field(description="The longest run of words that both have; of images, both hashes.")
    question: str = Field(description="Ours with its choices, as it came; of images, the image's id.")
    item_question: str = Field(description="The benchmark's, likewise.")
    removed: bool = Field(default=False, description="Whether the problem was taken out of the tables for it.")


class Path(Row):
    """A reasoning path. Grain: one row per sample of a problem by a model."""

    key = ("path_id",)
    version = 2

    path_id: str = Field(description="Hash of problem, kind, round, sample, author, prompt_id, seed and text.")
    problem_id: str
    kind: PathKind
    round: int = Field(
        ge=0, description="0 for distilled paths; the round that wrote it for others, or what an edited one corrects."
    )
    sample_idx: int = Field(ge=0, description="Which of the problem's samples this is.")
    author: str = Field(description="Who wrote it: content hash of the weights, or the teacher's or person's name.")
    prompt_id: str = Field(description="Name and version of the prompt, such as `solve-brief@1`.")
    seed: int = Field(description="Seed of this sample's randomness.")
    text: str = Field(description="What the model wrote; empty if the request failed.")
    answer: str | None = Field(description="Answer extracted from the text; null if none was found.")
    finish_reason: Literal["stop", "length", "error"]
    error: str | None = Field(default=None, description="Why the request failed, if it did.")
    tokens_in: int = Field(ge=0)
    tokens_out: int = Field(ge=0)
    cost: float = Field(default=0.0, ge=0, description="US dollars; 0 for local models.")
    parent_path_id: str | None = Field(
        default=None, description="Of a reflection: the wrong path it reconsiders. Of an edited one: what it corrects."
    )

    @computed_field(description="Hash of the text with white space and case folded: equal for duplicate paths.")
    @cached_property
    def text_hash(self) -> str:
        """Hash of the folded text."""
        return content_id("text", folded(self.text))


class Verdict(Row):
    """A judge's word on a path, with the rule grader's beside it. Grain: one row per path."""

    key = ("path_id",)
    version = 2

    path_id: str
    problem_id: str
    author: str = Field(description="The judge: content hash of the ORM's weights, or a name.")
    prompt_id: str = Field(description="Name and version of the judging prompt.")
    status: Status
    error_step: str | None = Field(default=None, description="The first wrong step, as the judge names it.")
    error_analysis: str | None = Field(default=None, description="Why it is wrong.")
    confidence: float | None = Field(
        default=None, ge=0, le=1,
        description="The judge's probability of its status: of the tokens that spell it; null if unknown.",
    )  # fmt: skip
    raw: str = Field(description="The judge's reply, unparsed.")
    undecided_reason: str | None = Field(default=None, description="Why UNDECIDED, if so: short and countable.")
    rule_status: Status = Field(description="The rule grader's own verdict: final answer against gold.")
    rule_reason: str = Field(description="Why the rule grader says so.")
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    cost: float = Field(default=0, ge=0, description="What the reply cost, in the currency of the price table.")


class Feedback(Row):
    """A teacher's annotation of a path, what the ORM learns from. Grain: one row per annotated path."""

    key = ("path_id",)
    version = 2

    path_id: str
    problem_id: str
    author: str = Field(description="The teacher: a name, or the content hash of weights.")
    prompt_id: str = Field(description="Name and version of the annotation prompt.")
    status: Status
    answers: Literal["same", "different"] | None = Field(
        default=None, description="The final answer beside the gold, where that was asked for."
    )
    checks: tuple[str, ...] = Field(
        default=(), description="Of a wrong path, what is found at each step up to the first wrong one, likewise."
    )
    error_step: str | None = None
    error_analysis: str | None = None
    improvement_suggestion: str | None = None
    raw: str = Field(description="The teacher's reply, unparsed.")
    undecided_reason: str | None = Field(default=None, description="Why UNDECIDED, if so: short and countable.")
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    cost: float = Field(default=0, ge=0, description="What the reply cost, in the currency of the price table.")


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class MixRow(Row):
    """A training row: a TRL prompt-completion pair with its lineage. Grain: one row per path (or ORM feedback)."""

    key = ("path_id",)
    version = 2

    path_id: str
    problem_id: str
    kind: PathKind
    round: int
    image_ids: tuple[str, ...]
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    rejected_path_id: str | None = Field(
        default=None, description="A judged wrong path of the same problem, if the mix put one beside it."
    )
    rejected: tuple[Message, ...] = Field(default=(), description="What that path says, as `completion`; else empty.")


class WrongPath(BaseModel):
    """A wrong path to a problem that nobody has solved yet, with what the judge said of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path_id: str
    step: str = Field(description="The step that asked for it.")
    round: int
    sample_idx: int
    text: str
    error_step: str | None = Field(default=None, description="The first wrong step, as the judge names it.")
    error_analysis: str | None = Field(default=None, description="Why it is wrong.")


class Remaining(Row):
    """A training problem that no row of a mix solves: the paper's D_remain. Grain: one row per problem."""

    key = ("problem_id",)

    problem_id: str
    wrong: tuple[WrongPath, ...] = Field(
        default=(), description="Its paths that the judge called WRONG: newest step first, then by sample and path_id."
    )


OWN_TESTS = "problems"
"""What predictions of the run's own test split have in place of a benchmark's name."""


class Prediction(Row):
    """A model's answer to a test problem or a benchmark's item. Grain: one row per problem and sample."""

    key = ("benchmark", "problem_id", "sample_idx")
    version = 3

    benchmark: str = Field(default=OWN_TESTS, description="`problems` (the run's own tests), or the benchmark's name.")
    problem_id: str = Field(description="The problem, or the benchmark's name and its item: `mathvision/17`.")
    sample_idx: int = Field(default=0, ge=0, description="0: greedy. From 1: drawn at `evaluate.temperature`.")
    author: str = Field(description="Content hash of the weights that wrote it.")
    prompt_id: str = Field(description="Name and version of the prompt.")
    text: str
    answer: str | None = Field(description="What was taken as its final answer; null: none was found.")
    status: Status = Field(description="The verdict that counts: the benchmark's official rule, or the rule grader.")
    reason: str = Field(description="Why it says so.")
    scorer: str = Field(default="grade", description="Who says so: `grade` (our rule grader), or the official rule.")
    extractor: str = Field(default="rule", description="Who found the answer: `rule`, or a model and its prompt.")
    rule_status: Status | None = Field(default=None, description="Our rule grader's verdict beside an official one.")
    rule_reason: str = Field(default="", description="Why the rule grader says so.")
    finish_reason: Literal["stop", "length", "error"]
    tokens_in: int = Field(ge=0)
    tokens_out: int = Field(ge=0)
    cost: float = Field(default=0.0, ge=0, description="US dollars, extraction and judging included; 0 for local ones.")
