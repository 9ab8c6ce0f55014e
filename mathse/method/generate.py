"""Runs requests through an engine: journaled, resumable, retried and counted. Every step that asks a model uses it.

Requests are sorted by the length of their text, then by key, and cut into batches at fixed places of the whole sorted
list, so that a request's batch mates do not depend on the order in which requests came or on where an earlier run was
killed. A finished batch enters the journal in one transaction; a rerun takes what the journal has and makes the rest.

Failures are returned and counted, never journaled: a rerun tries them again.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mathse.engines.protocol import Completion, Engine, Failure, Outcome, Request
from mathse.errors import UserError
from mathse.journal import Journal
from mathse.progress import Advance, progress
from mathse.schemas import content_id

Keyed = tuple[str, Request]


class DuplicateRequest(UserError):
    """Two requests would have one completion, so one of the rows made from it would be a copy of the other."""


@dataclass(frozen=True)
class Generated:
    """What a run of requests came to.

    Attributes:
        outcomes: One a request, in the order in which they were given.
        resumed: How many came from the journal.
        failed: How many failed, by reason.
        seconds: Wall-clock time of this run.
    """

    outcomes: list[Outcome]
    resumed: int
    failed: Counter[str]
    seconds: float


def request_seed(run_seed: int, problem_id: str, sample_idx: int, salt: str) -> int:
    """The seed of one request: a hash, so that no two requests share their randomness.

    Args:
        run_seed: The run's own seed.
        problem_id: The problem.
        sample_idx: Which of the problem's samples.
        salt: What the request is for, such as `rollout-1`.

    Returns:
        0 to 2**63 - 1.
    """
    return int(content_id("seed", run_seed, problem_id, sample_idx, salt)[:16], 16) >> 1


def generate(engine: Engine, requests: Sequence[Request], journal: Path, title: str, attempts: int = 2) -> Generated:
    """Complete all requests.

    Args:
        engine: Makes the completions.
        requests: All that this step asks; batches are cut from the whole list.
        journal: File of finished completions, made if it is not there.
        title: Names the step in progress lines.
        attempts: How often a request is tried whose failure may pass.

    Raises:
        DuplicateRequest: Two requests are the same.
    """
    start = time.monotonic()
    keys = [request.key(engine.fingerprint) for request in requests]
    _refuse_duplicates(keys, requests)
    ordered = sorted(zip(keys, requests, strict=True), key=lambda pair: (_text_length(pair[1]), pair[0]))
    with Journal(journal) as finished:
        known: dict[str, Outcome] = {key: Completion(**stored) for key, stored in finished.known(keys).items()}
        resumed = len(known)
        with progress(title, len(requests), resumed) as advance:
            for batch in _batches(ordered, engine.batch_size):
                lacking = [pair for pair in batch if pair[0] not in known]
                known |= _complete(engine, lacking, finished, attempts, advance)
    outcomes = [known[key] for key in keys]
    failed = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Failure))
    return Generated(outcomes, resumed, failed, time.monotonic() - start)


def _complete(
    engine: Engine, batch: Sequence[Keyed], journal: Journal, attempts: int, advance: Advance
) -> dict[str, Outcome]:
    """Complete and journal what a batch still lacks."""
    if not batch:
        return {}
    outcomes = _attempt(engine, batch, attempts)
    journal.put({key: asdict(outcome) for key, outcome in outcomes.items() if isinstance(outcome, Completion)})
    advance(len(batch))
    return outcomes


def _attempt(engine: Engine, batch: Sequence[Keyed], attempts: int) -> dict[str, Outcome]:
    """Complete a batch, then again those of it whose failure may pass."""
    outcomes: dict[str, Outcome] = {}
    waiting = list(batch)
    for _ in range(attempts):
        made = engine.complete([request for _, request in waiting])
        outcomes |= {key: outcome for (key, _), outcome in zip(waiting, made, strict=True)}
        waiting = [pair for pair in waiting if _may_pass(outcomes[pair[0]])]
        if not waiting:
            break
    return outcomes


def _may_pass(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.retryable


def _batches(ordered: Sequence[Keyed], batch_size: int) -> Iterator[Sequence[Keyed]]:
    for start in range(0, len(ordered), batch_size):
        yield ordered[start : start + batch_size]


def _text_length(request: Request) -> int:
    return sum(len(message.content) for message in request.messages)


def _refuse_duplicates(keys: Sequence[str], requests: Sequence[Request]) -> None:
    first: dict[str, Request] = {}
    for key, request in zip(keys, requests, strict=True):
        if key in first:
            subject = f", of {request.subject_id}" if request.subject_id else ""
            raise DuplicateRequest(
                f"problem {request.problem_id}, sample {request.sample_idx}{subject}: requested twice with the same "
                f"prompt ({request.prompt}), sampling and seed; give each sample its own sample_idx and seed"
            )
        first[key] = request
