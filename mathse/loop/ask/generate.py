"""Runs requests through an engine: journaled, resumable, retried and counted. Every step that asks a model uses it.

Requests come as a stream and their outcomes go as one: in between they wait on disk (`mathse.loop.ask.worklist`), so
that memory does not grow with their number. An outcome comes back with the label of its request; whoever needs more of
a request goes through the requests a second time beside the outcomes, whose order is theirs.

Work goes from short to long in batches cut at fixed places of the whole list, so that a request's batch mates do not
depend on the order in which requests came or on where an earlier run was killed; problem by problem for an engine that
has a queue of its own. What an engine yields enters the journal in one transaction; a rerun takes what the journal has
and makes the rest.

The journal has replies as the model wrote them; what comes back has no thought in it (`mathse.answers.tags`), whichever
engine wrote it: a thought is neither judged nor trained on.

Failures are returned and counted, never journaled: a rerun tries them again.
"""

import json
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from mathse.answers.tags import without_thought
from mathse.errors import UserError
from mathse.loop.ask.journal import Journal
from mathse.loop.ask.protocol import Completion, Engine, Failure, Label, Outcome, PaidEngine, Request, Task
from mathse.loop.ask.worklist import DuplicateKey, Worklist
from mathse.progress import progress

log = logging.getLogger(__name__)

Answered = tuple[Label, Outcome]

T = TypeVar("T")

NOT_ASKED = Failure("failed request")
"""What comes of an item without a request, such as a path without text: the request for that has failed."""


class DuplicateRequest(UserError):
    """Two requests would have one completion, so one of the rows made from it would be a copy of the other."""


def generate(
    engine: Engine,
    requests: Iterable[Request],
    journal: Path,
    title: str,
    attempts: int = 2,
) -> Generator[Answered, None, None]:
    """Complete all requests; the work is done before the first pair comes.

    Args:
        requests: All that this step asks; consumed once.
        journal: File of finished completions, made if it is not there.
        title: Names the step in progress lines.
        attempts: How often a request is tried whose failure may pass.

    Yields:
        Each request's label with its outcome, in the order in which the requests were given.

    Raises:
        DuplicateRequest: Two requests are the same.
        UserError: The engine cannot go on, or the disk is full; what is journaled is safe.
    """
    with Journal(journal) as completions:
        work = completions.worklist()
        _write_down(work, requests, engine)
        resumed, spent = work.journaled()
        spent += completions.billed()
        if isinstance(engine, PaidEngine):
            engine.charge_to(completions)
        with progress(title, len(work), resumed) as advance:
            for attempt in range(attempts):
                if attempt and not work.may_pass():
                    break
                batches = work.batches(engine.batch_size, again=attempt > 0)
                tasks = ([Task(key, Request.from_json(text)) for key, text in batch] for batch in batches)
                for outcomes in engine.answer(tasks, spent):
                    completed = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Completion)}
                    completions.put({key: vars(completion) for key, completion in completed.items()})
                    work.note({key: outcome for key, outcome in outcomes.items() if isinstance(outcome, Failure)})
                    work.forgive(list(completed))
                    spent += sum(completion.cost for completion in completed.values())
                    advance(0 if attempt else len(outcomes))
        if failures := work.failures():
            log.warning("%s: failed: %s", title, ", ".join(f"{count} {reason}" for reason, count in failures.items()))
        for text, payload, reason in work.endings():
            label = Label.from_json(text)
            if payload is not None:
                completion = Completion(**json.loads(payload))
                yield label, replace(completion, text=without_thought(completion.text))
            elif reason is not None:
                yield label, Failure(*reason)
            else:
                raise RuntimeError(f"problem {label.problem_id}, sample {label.sample_idx}: the engine gave no outcome")


def ask_about(
    engine: Engine,
    items: Callable[[], Iterable[T]],
    request_of: Callable[[T], Request | None],
    journal: Path,
    title: str,
) -> Iterator[tuple[T, Outcome]]:
    """Ask about every item for which there is a request; memory does not grow with the number of items.

    `items` is called twice and must give them in the same order; the rest is as for `generate`.

    Yields:
        Each item with what came of its request; `NOT_ASKED` where there was none.

    Raises:
        UserError: As `generate`.
    """
    with closing(generate(engine, filter(None, map(request_of, items())), journal, title)) as answered:
        for item in items():
            request = request_of(item)
            if request is None:
                yield item, NOT_ASKED
                continue
            label, outcome = next(answered, (None, NOT_ASKED))
            if label != request.label:
                subject = f"path {request.subject_id}" if request.subject_id else f"problem {request.problem_id}"
                raise RuntimeError(f"{subject}: it came in another order the second time")
            yield item, outcome


def _write_down(work: Worklist, requests: Iterable[Request], engine: Engine) -> None:
    """Write the requests down and settle their order."""
    rows = (
        (
            request.key(engine.fingerprint),
            sum(len(message.content) for message in request.messages),
            request.problem_id + request.subject_id,
            request.label.to_json(),
            request.to_json(),
        )
        for request in requests
    )
    try:
        work.add(rows)
    except DuplicateKey as error:
        request = Request.from_json(error.task)
        subject = f", of {request.subject_id}" if request.subject_id else ""
        raise DuplicateRequest(
            f"problem {request.problem_id}, sample {request.sample_idx}{subject}: requested twice with the same "
            f"prompt ({request.prompt_id}), sampling and seed; give each sample its own sample_idx and seed"
        ) from error
    work.order(by_problem=engine.queued)
