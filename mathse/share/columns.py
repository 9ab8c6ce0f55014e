"""The columns of an export: what trainers read, and where each row comes from.

    TRL             prompt, completion, images
    LLaMA-Factory   conversations, images     (dataset_info.json names them)
    ms-swift        conversations, images

The same exchange in two forms, as the trainers do not agree: TRL puts images before the text by itself, the others want
one `<image>` in the text for each. The second is not called `messages`: TRL refuses a dataset that has that column
as well as `prompt` and `completion`.

Sample: `images [{bytes: <PNG>, path: 9f86....png}]  conversations [{role: user, content: "<image>Find angle C."}, ...]`
"""

import re
from collections.abc import Sequence

from datasets import Features, Image, List
from pydantic import BaseModel, ConfigDict, Field

from mathse.tables.columns import arrow_schema
from mathse.tables.schemas import Message, PathKind, Row, Split, Status

FORMAT, VERSION = "mathse-export", 2
"""What lineage.json calls this form, and its version: raised when a column changes its meaning."""
IMAGE_TOKEN = "<image>"
_MARKUP = re.compile(r"<(image|video|audio|bbox|ref-object|cot-process|start-image)>")


class EncodedImage(BaseModel):
    """An image as Hugging Face's `Image` feature stores it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: bytes
    path: str


class SourceOf(BaseModel):
    """Where a problem came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    source_id: str
    licence: str


class SharedRow(Row):
    """A training row as it is shared. Grain: one row per path, or per annotated path of an ORM's mix."""

    key = ("path_id",)
    unhashed = frozenset({"images"})

    images: tuple[EncodedImage, ...] = Field(description="In the order in which the question has them.")
    prompt: tuple[Message, ...] = Field(description="What the model is asked; images come before the user's text.")
    completion: tuple[Message, ...] = Field(description="What it is to answer.")
    conversations: tuple[Message, ...] = Field(description="Both in one, with `<image>` where each image stands.")

    path_id: str = Field(description="Hash of problem, kind, round, sample, author, prompt_id, seed and text.")
    problem_id: str = Field(description="Hash of question, choices, answer and images.")
    kind: PathKind = Field(
        description="distilled (a teacher's), rollout (a student's), reflection (a second try) or edited (a person's)."
    )
    round: int = Field(description="0 for distilled paths; the round that wrote it for others.")
    sample_idx: int = Field(description="Which of the problem's samples this is.")
    seed: int = Field(description="Seed of this sample's randomness.")
    author: str = Field(description="Content hash of the weights that wrote the path; a teacher's or person's name.")
    prompt_id: str = Field(description="Name and version of the prompt it was written to.")
    parent_path_id: str | None = Field(
        description="Of a reflection: the path it reconsiders; of an edited one: what it corrects."
    )
    text: str = Field(description="The path as it was written.")
    answer: str | None = Field(description="Answer extracted from the path; null if none was found.")
    finish_reason: str = Field(description="stop, length or error.")
    tokens_in: int = Field(description="Of the request that wrote the path.")
    tokens_out: int = Field(description="Of the path.")
    cost: float = Field(description="US dollars; 0 for local models.")

    verdict: Status | None = Field(description="What the judge says of the path; null where none was asked.")
    judge: str | None = Field(description="Content hash of the ORM's weights, or the teacher's name.")
    judge_prompt_id: str | None = Field(description="Name and version of the judging prompt.")
    error_step: str | None = Field(description="The first wrong step, as the judge names it.")
    error_analysis: str | None = Field(description="Why it is wrong.")
    rule_verdict: Status | None = Field(description="The rule grader's own verdict; null where it was not asked.")

    source: str = Field(description="Data set that the problem comes from.")
    source_id: str = Field(description="The problem's id within it.")
    licence: str = Field(description="SPDX identifier of its licence; several, joined by AND, where it has several.")
    origins: tuple[SourceOf, ...] = Field(description="Every source that has the problem.")
    split: Split = Field(description="What the problem was used for: train (the loop) or orm (the judge's training).")
    question: str = Field(description="The question, choices not included.")
    choices: tuple[str, ...] = Field(description="Values of options A, B, C, ...; empty if free-form.")
    gold_answer: str = Field(description="A value, or a choice's letter.")
    gold_solution: str | None = Field(description="The source's own solution, where it has one.")
    image_ids: tuple[str, ...] = Field(description="SHA-256 of each image's file as it is stored.")
    subject: str = Field(description="Topic, such as `angles`.")
    level: int = Field(description="Difficulty, 1 (easiest) and up; 0 if not known.")
    language: str = Field(description="ISO 639-1 code of the question's language.")


def features() -> Features:
    """The columns as `datasets` declares them."""
    declared = Features.from_arrow_schema(arrow_schema(SharedRow).remove_metadata())
    declared["images"] = List(Image())
    return declared


def conversation(prompt: Sequence[Message], completion: Sequence[Message], images: int) -> tuple[Message, ...]:
    """The exchange as one conversation with an `<image>` for each image before the first user's text, as TRL puts them.

    A text that itself has `<image>` in it gets a blank there, as trainers would count one more image.
    """
    turns = [Message(role=turn.role, content=_MARKUP.sub(r"< \1>", turn.content)) for turn in (*prompt, *completion)]
    first = next((place for place, turn in enumerate(turns) if turn.role == "user"), None)
    if images and first is not None:
        turns[first] = Message(role="user", content=IMAGE_TOKEN * images + turns[first].content)
    return tuple(turns)
