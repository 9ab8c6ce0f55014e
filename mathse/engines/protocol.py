"""The one protocol behind which every model stands: a local student, the ORM, a teacher at the end of an API.

An engine is given a *batch* of requests and returns one outcome per request, in the same order: a `Completion` or a
`Failure`. One bad request never ends a run. An engine does not journal, retry, count or show progress:
`method.generate` owns those, so that an engine is only the call.

A request carries the rendered messages (all that a language model sees) and the `fields` they were rendered from, so
that an engine which is no language model, such as the solver-teacher, need not parse them back out of prose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mathse.schemas import Message, content_id


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
        prompt: Name and version of the prompt, such as `solve-brief@1`.
        messages: The conversation so far, ending with the user's turn.
        image_ids: Images of the user's turn, in order.
        sampling: How to draw the completion.
        seed: Seed of this request's own randomness; ignored when greedy.
        fields: What the prompt was rendered from (`question`, `path`, `gold`, `error_step`, ...).
        subject_id: What the request is about beside the problem, such as the path that is judged; part of its identity.
    """

    problem_id: str
    sample_idx: int
    prompt: str
    messages: tuple[Message, ...]
    image_ids: tuple[str, ...]
    sampling: Sampling
    seed: int
    fields: Mapping[str, str] = field(default_factory=dict)
    subject_id: str = ""

    def key(self, fingerprint: str) -> str:
        """Hash of everything that decides the completion, given the engine's `fingerprint`."""
        turns = [(m.role, m.content) for m in self.messages]
        drawn = (self.sampling.temperature, self.sampling.top_p, self.sampling.max_new_tokens)
        return content_id(
            fingerprint, self.problem_id, self.subject_id, self.prompt, turns, list(self.image_ids), drawn,
            self.seed, self.sample_idx,
        )  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """What an engine wrote."""

    text: str
    finish_reason: Literal["stop", "length"]
    tokens_in: int
    tokens_out: int
    cost: float = 0.0


@dataclass(frozen=True)
class Failure:
    """Why an engine wrote nothing.

    Attributes:
        reason: Short and countable, such as `unreadable image` or `timeout`.
        detail: What exactly happened.
        retryable: Whether the same request may succeed later.
    """

    reason: str
    detail: str = ""
    retryable: bool = False


Outcome = Completion | Failure


class Engine(Protocol):
    """Anything that completes requests."""

    name: str
    """The model's content hash, or the teacher's name: recorded on every row it writes."""
    fingerprint: str
    """Hash of everything in the engine that decides a completion: weights, precision, rules."""
    batch_size: int
    """How many requests one call is given."""

    def complete(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Complete `requests`, at most `batch_size` of them; one outcome each, in order."""
        ...
