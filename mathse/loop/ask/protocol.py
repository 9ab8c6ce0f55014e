"""The one protocol behind which every model stands: a local student, the ORM, a teacher at the end of an API.

An engine is given a stream of *batches* of tasks, each a request under its key, and gives back outcomes as they come,
in any order: a `Completion` or a `Failure` for each. One bad request never ends a run. An engine does not journal,
count or show progress: `mathse.loop.ask.generate` owns those, so that an engine is only the call. It takes the next
batch when it has room for it and never before, so that memory does not grow with the number of requests.

Where a batch is cut matters to an engine that runs a batch at once (its sums depend on how a batch is padded): those
are `BatchEngine`s, and their batches hold texts of about one length. An engine with a queue of its own (`queued`) takes
the tasks one by one and ignores the cuts; its tasks come problem by problem, so that those of one problem share an
image's decoding and a prefix.

A request carries the rendered messages (all that a language model sees) and the `fields` they were rendered from, so
that an engine which is no language model, such as the solver-teacher, need not parse them back out of prose.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

from mathse.tables.schemas import Message, content_id


@dataclass(frozen=True)
class Sampling:
    """How a completion is drawn. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 128


@dataclass(frozen=True)
class Request:
    """One completion to be made.

    Attributes:
        problem_id: The problem it is about.
        sample_idx: Which of the problem's samples; 0 if there is one.
        prompt_id: Name and version of the prompt, such as `solve-brief@1`.
        messages: The conversation so far, ending with the user's turn.
        image_ids: Images of the user's turn, in order.
        sampling: How to draw the completion.
        seed: Seed of this request's own randomness; ignored when greedy.
        fields: What the prompt was rendered from (`question`, `path`, `gold`, `error_step`, ...).
        subject_id: What the request is about beside the problem, such as the path that is judged; part of its identity.
        json_schema: The JSON schema that the reply should follow, as JSON text; empty where it is free text. An engine
            that can hold a model to it does so if its params say so; the reply is parsed in any case.
        deciding: A regular expression for the words of that reply whose probability is wanted
            (`Completion.confidence`); empty where none is. It changes nothing of what is written, but what is known of
            it, so it is part of the request's identity.
    """

    problem_id: str
    sample_idx: int
    prompt_id: str
    messages: tuple[Message, ...]
    image_ids: tuple[str, ...]
    sampling: Sampling
    seed: int
    fields: Mapping[str, str] = field(default_factory=dict)
    subject_id: str = ""
    json_schema: str = ""
    deciding: str = ""

    def key(self, fingerprint: str) -> str:
        """Hash of everything that decides the completion, given the engine's `fingerprint`."""
        turns = [(m.role, m.content) for m in self.messages]
        sampling = (self.sampling.temperature, self.sampling.top_p, self.sampling.max_new_tokens)
        return content_id(
            fingerprint, self.problem_id, self.subject_id, self.prompt_id, turns, list(self.image_ids), sampling,
            self.seed, self.sample_idx, *([self.json_schema] if self.json_schema else []),
            *([self.deciding] if self.deciding else []),
        )  # fmt: skip

    @property
    def label(self) -> "Label":
        """What its outcome comes back under."""
        return Label(self.problem_id, self.sample_idx, self.prompt_id, self.seed, self.subject_id)

    def to_json(self) -> str:
        """The request as one line of JSON; `from_json` gives it back."""
        sampling = self.sampling
        return json.dumps(
            [
                self.problem_id, self.sample_idx, self.prompt_id, [[m.role, m.content] for m in self.messages],
                self.image_ids, [sampling.temperature, sampling.top_p, sampling.max_new_tokens], self.seed,
                dict(self.fields), self.subject_id, self.json_schema, self.deciding,
            ]
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The request that `to_json` wrote."""
        problem_id, sample_idx, prompt_id, turns, image_ids, sampling, *rest = json.loads(text)
        messages = tuple(Message(role=role, content=content) for role, content in turns)
        return cls(problem_id, sample_idx, prompt_id, messages, tuple(image_ids), Sampling(*sampling), *rest)


@dataclass(frozen=True)
class Label:
    """What an outcome comes back under: the part of its request that a row records."""

    problem_id: str
    sample_idx: int
    prompt_id: str
    seed: int
    subject_id: str = ""

    def to_json(self) -> str:
        """The label as one line of JSON; `from_json` gives it back."""
        return json.dumps([self.problem_id, self.sample_idx, self.prompt_id, self.seed, self.subject_id])

    @classmethod
    def from_json(cls, text: str) -> "Label":
        """The label that `to_json` wrote."""
        return cls(*json.loads(text))


@dataclass(frozen=True)
class Completion:
    """What an engine wrote; `confidence` as `mathse.loop.ask.confidence` has it, None where it is not known."""

    text: str
    finish_reason: Literal["stop", "length"]
    tokens_in: int
    tokens_out: int
    cost: float = 0.0
    confidence: float | None = None

    error: ClassVar[None] = None


@dataclass(frozen=True)
class Failure:
    """Why an engine wrote nothing; it reads as an empty completion, so that a row is made of either alike.

    Attributes:
        reason: Short and countable, such as `unreadable image` or `timeout`.
        detail: What exactly happened.
        retryable: Whether the same request may succeed later.
    """

    reason: str
    detail: str = ""
    retryable: bool = False

    text: ClassVar[str] = ""
    finish_reason: ClassVar[Literal["error"]] = "error"
    tokens_in: ClassVar[int] = 0
    tokens_out: ClassVar[int] = 0
    cost: ClassVar[float] = 0.0
    confidence: ClassVar[None] = None

    @property
    def error(self) -> str:
        """Reason and detail, as rows record them."""
        return f"{self.reason}: {self.detail}"


Outcome = Completion | Failure
"""Either has `text`, `finish_reason`, `tokens_in`, `tokens_out`, `cost`, `confidence` and `error` (None: none)."""


@dataclass(frozen=True)
class Task:
    """A request under the key by which its completion is journaled."""

    key: str
    request: Request


class Engine(Protocol):
    """Anything that completes requests."""

    name: str
    """The model's content hash, or the teacher's name: recorded on every row it writes."""
    fingerprint: str
    """Hash of everything in the engine that decides a completion: weights, precision, rules."""
    batch_size: int
    """How many tasks a batch has, but for the last."""
    queued: bool
    """Whether it takes tasks one by one into a queue of its own: then they come problem by problem."""

    def answer(self, batches: Iterable[Sequence[Task]], spent: float) -> Iterator[Mapping[str, Outcome]]:
        """Complete every task of a stream of batches.

        Args:
            batches: Taken one at a time, in the thread that iterates over the answers. An empty one says that there is
                nothing more for now: the engine goes on with what it has, and takes the next one then.
            spent: What this work has cost so far, for engines with a spending cap: completions that need not be made
                again, and what was billed without one.

        Yields:
            Outcomes by the task's key, as they come; what is yielded together is journaled in one transaction.

        Raises:
            UserError: The engine as a whole cannot go on, such as a server that is gone. What it yielded is safe.
        """
        ...


class Bills(Protocol):
    """Where money is written down that no completion shows; each call is on the disk when it returns."""

    def hold(self, amounts: Mapping[str, float]) -> None:
        """Requests are about to be sent: the most that this try of each can cost, by key."""
        ...

    def lose(self, key: str, amount: float) -> None:
        """A request's try has ended without a completion, and cost this; nothing is held for it any more."""
        ...


@runtime_checkable
class PaidEngine(Protocol):
    """An engine whose completions cost money: its spending cap is for all that it is asked, under whatever bills."""

    def charge_to(self, bills: Bills) -> None:
        """Write what it holds and loses there from now on; what a completion costs is on the completion."""
        ...


class BatchEngine(ABC):
    """An engine that completes one batch after the other."""

    name: str
    fingerprint: str
    batch_size: int
    queued = False

    @abstractmethod
    def complete(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Complete `requests`, at most `batch_size` of them; one outcome each, in order."""

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`; a batch is free of charge."""
        for batch in batches:
            outcomes = self.complete([task.request for task in batch])
            yield {task.key: outcome for task, outcome in zip(batch, outcomes, strict=True)}
