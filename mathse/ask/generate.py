"""Runs requests through an engine: journaled, resumable, retried and counted. Every step that asks a model uses it.

Requests come as a stream and their outcomes go as one: in between they wait on disk (`mathse.ask.worklist`), so that
memory does not grow with their number. They are worked on from short to long, in batches cut at fixed places of the
whole list, so that a request's batch mates do not depend on the order in which requests came or on where an earlier run
was killed. What an engine yields enters the journal in one transaction; a rerun takes what the journal has and makes
the rest.

Failures are returned and counted, never journaled: a rerun tries them again.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mathse.ask.journal import Journal
from mathse.ask.protocol import Completion, Engine, Failure, Outcome, Request, Task
from mathse.ask.worklist import AskedTwice, Planned, Worklist
from mathse.errors import UserError
from mathse.progress import progress
from mathse.tables.schemas import content_id

log = logging.getLogger(__name__)

Answered = tuple[Request, Outcome]


class DuplicateRequest(UserError):
    """Two requests would have one completion, so one of the rows made from it would be a copy of the other."""


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


def generate(
    engine: Engine, requests: Iterable[Request], journal: Path, title: str, attempts: int = 2
) -> Iterator[Answered]:
    """Complete all requests; the work is done before the first pair comes.

    Args:
        engine: Makes the completions.
        requests: All that this step asks; consumed once.
        journal: File of finished completions, made if it is not there.
        title: Names the step in progress lines.
        attempts: How often a request is tried whose failure may pass.

    Yields:
        Each request with its outcome, in the order in which they were given.

    Raises:
        DuplicateRequest: Two requests are the same.
        UserError: The engine cannot go on, or the disk is full; what is journaled is safe.
    """
    with Journal(journal) as finished, Worklist(journal.with_suffix(".work")) as work:
        _write_down(work, requests, engine.fingerprint)
        resumed, spent = _journaled(work, finished)
        with progress(title, len(work), resumed) as advance:
            for attempt in range(attempts):
                if attempt and not work.may_pass():
                    break
                lacking = _lacking(work.batches(engine.batch_size, again=attempt > 0), finished)
                for outcomes in engine.answer(lacking, spent):
                    spent += _keep(outcomes, finished, work)
                    advance(0 if attempt else len(outcomes))
        failed = work.failures()
        if failed:
            log.warning("%s: failed: %s", title, ", ".join(f"{count} {reason}" for reason, count in failed.items()))
        for chunk in work.in_order():
            yield from _answered(chunk, finished, work)


def _write_down(work: Worklist, requests: Iterable[Request], fingerprint: str) -> None:
    """Write the requests down and settle their order."""
    rows = (
        (request.key(fingerprint), _text_length(request), request.problem_id + request.subject_id, request.to_json())
        for request in requests
    )
    try:
        work.add(rows)
    except AskedTwice as error:
        request = Request.from_json(error.task)
        subject = f", of {request.subject_id}" if request.subject_id else ""
        raise DuplicateRequest(
            f"problem {request.problem_id}, sample {request.sample_idx}{subject}: requested twice with the same "
            f"prompt ({request.prompt}), sampling and seed; give each sample its own sample_idx and seed"
        ) from error
    work.order()


def _text_length(request: Request) -> int:
    return sum(len(message.content) for message in request.messages)


def _journaled(work: Worklist, finished: Journal) -> tuple[int, float]:
    """How many of the planned completions an earlier run has made, and what they have cost."""
    if not len(finished):
        return 0, 0.0
    resumed, spent = 0, 0.0
    for chunk in work.in_order():
        known = finished.known([key for key, _ in chunk])
        resumed += len(known)
        spent += sum(payload["cost"] for payload in known.values())
    return resumed, spent


def _lacking(batches: Iterable[Sequence[Planned]], finished: Journal) -> Iterator[list[Task]]:
    """What each batch still lacks."""
    for batch in batches:
        known = finished.known([key for key, _ in batch])
        lacking = [Task(key, Request.from_json(text)) for key, text in batch if key not in known]
        if lacking:
            yield lacking


def _keep(outcomes: Mapping[str, Outcome], finished: Journal, work: Worklist) -> float:
    """Journal completions, note failures; returns what the completions cost."""
    made = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Completion)}
    finished.put({key: asdict(completion) for key, completion in made.items()})
    work.forgive(list(made))
    lost = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Failure)}
    work.fail({key: (failure.reason, failure.detail, failure.retryable) for key, failure in lost.items()})
    return sum(completion.cost for completion in made.values())


def _answered(chunk: Sequence[Planned], finished: Journal, work: Worklist) -> Iterator[Answered]:
    keys = [key for key, _ in chunk]
    made, lost = finished.known(keys), work.failed(keys)
    for key, text in chunk:
        request = Request.from_json(text)
        if key in made:
            yield request, Completion(**made[key])
        elif key in lost:
            yield request, Failure(*lost[key])
        else:
            raise RuntimeError(f"problem {request.problem_id}, sample {request.sample_idx}: the engine gave no outcome")
