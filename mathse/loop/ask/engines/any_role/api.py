"""The engine for a model behind an OpenAI-compatible server: a teacher or a judge at OpenAI, `vllm serve` or elsewhere.

The calling thread takes tasks while there is room, encodes their images and gives out what has arrived; a thread beside
it keeps up to `api.concurrency` requests under way and tries again what may pass (`server.sender`), and keeps to the
tokens of a minute and the money of a stage (`server.budget`).

A completion's row has the tokens that the server counted and what they cost by the price table. A server that counts
nothing leaves zero tokens, and the most that the request can have cost.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from mathse.errors import UserError
from mathse.loop.ask.engines.kind import EngineKind, Surroundings
from mathse.loop.ask.engines.server.budget import Clock, Purse, cost, estimate
from mathse.loop.ask.engines.server.client import chat_body
from mathse.loop.ask.engines.server.images import DataUrls
from mathse.loop.ask.engines.server.secret import Secret
from mathse.loop.ask.engines.server.sender import Call, Sender
from mathse.loop.ask.protocol import Bills, Completion, Failure, Outcome, Task
from mathse.params import Api
from mathse.tables.images import ImageError, StoredImages
from mathse.tables.schemas import content_id

log = logging.getLogger(__name__)

DECISIVE = {"model", "base_url", "json_mode", "omit", "extra", "images", "image_bytes", "image_side"}
"""The settings that decide a completion; not the key, concurrency, waits or budgets."""


class SpendingCapReached(UserError):
    """The next request could cost more than `api.spending_cap` leaves."""


class ApiEngine:
    """Completes requests over HTTP; see `mathse.loop.ask.protocol.Engine`."""

    queued = True

    def __init__(
        self, settings: Api, images: StoredImages, batch_size: int | None = None, clock: Clock | None = None
    ) -> None:
        """Take the key from the environment; nothing is sent yet.

        Args:
            settings: Server, model, limits and prices.
            batch_size: How many tasks are read from the work list at once; by default the concurrency.
            clock: What budgets and waits go by.

        Raises:
            KeyMissing: The server is OpenAI's, and the environment holds no key.
        """
        self.name = settings.model
        self.fingerprint = content_id("api", settings.model_dump(mode="json", include=DECISIVE))
        self.batch_size = batch_size or settings.concurrency
        self._settings = settings
        self._price = settings.prices.get(settings.model)
        self._urls = DataUrls(images, settings)
        self._secret = Secret.of(settings)
        self._purse = Purse(settings.spending_cap)
        self._clock = clock or Clock()
        self._excess = 1.0
        """How many times the tokens that seemed possible a prompt had: it makes the next estimates larger."""

    def charge_to(self, bills: Bills) -> None:
        """See `PaidEngine.charge_to`."""
        self._purse.bills = bills

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`.

        Raises:
            SpendingCapReached: All that was under way has been given out, and the next request may break the cap.
            ServerGone: Nothing but failures for longer than `api.patience`.
            Hopeless: The server refuses the key, does not know the model, or wants more money.
        """
        self._purse.open(spent)
        tasks = chain.from_iterable(batches)
        waiting: deque[Call] = deque()
        under_way, tally = 0, _Tally()
        with Sender(self._settings, self._secret, self._purse, self._clock) as sender:
            while True:
                outcomes, sent = self._fill(sender, tasks, waiting, self._settings.concurrency - under_way)
                under_way += sent
                if not under_way and not outcomes:
                    break
                for call, outcome in sender.arrivals(wait=not outcomes):
                    under_way -= 1
                    if outcome is None:
                        waiting.append(call)
                    else:
                        outcomes[call.task.key] = outcome
                        if outcome.tokens_in > call.size.most_in * self._excess:
                            self._excess = outcome.tokens_in / call.size.most_in
                            log.warning(
                                "%s: %d prompt tokens where at most %d were expected: raise api.image_tokens, or the "
                                "spending cap may be passed by a little",
                                self.name, outcome.tokens_in, call.size.most_in,
                            )  # fmt: skip
                if outcomes:
                    yield outcomes
                    tally.add(outcomes.values())
            if tally.completions or sender.repeats:
                repeats = ", ".join(f"{count} {reason}" for reason, count in sorted(sender.repeats.items()))
                log.info("%s: %s%s", self.name, tally, f"; tries made again: {repeats}" if repeats else "")
            if sender.stopped:
                raise type(sender.stopped)(f"{sender.stopped}; {tally.safe()}; run again when it is mended")
            if waiting:
                purse = self._purse
                lost = f", of it {purse.unrecorded:.4f} for replies that were lost or refused"
                raise SpendingCapReached(
                    f"{self._settings.base_url}, {self.name}: spending_cap {purse.cap:g}: {purse.spent:.4f} is spent"
                    f"{lost if purse.unrecorded else ''}, and the next request may cost {waiting[0].most:.4f}; "
                    f"{tally.safe()}; raise spending_cap and run again: it goes on from there"
                )

    def _fill(
        self, sender: Sender, tasks: Iterator[Task], waiting: deque[Call], room: int
    ) -> tuple[dict[str, Outcome], int]:
        """Send as many tasks as there is room and money for; returns those that cannot be sent, and how many were."""
        failures: dict[str, Outcome] = {}
        ready: list[Call] = []
        while len(ready) < room and len(failures) < self.batch_size and not sender.stopped:
            if not waiting:
                task = next(tasks, None)
                if task is None:
                    break
                call = self._call(task)
                if isinstance(call, Failure):
                    failures[task.key] = call
                    continue
                waiting.append(call)
            if not self._purse.reserve(waiting[0].most):
                break
            ready.append(waiting.popleft())
        self._purse.write_down({call.task.key: call.most for call in ready})
        for call in ready:
            sender.send(call)
        return failures, len(ready)

    def _call(self, task: Task) -> Call | Failure:
        request = task.request
        if len(request.image_ids) > self._settings.images:
            return Failure("too many images", f"{len(request.image_ids)}, and api.images is {self._settings.images}")
        try:
            urls = self._urls.of(request.image_ids)
        except ImageError as error:
            return Failure(error.reason, error.detail)
        size = estimate(request, self._settings.image_tokens)
        most = cost(self._price, size.most_in * self._excess, size.most_out)
        return Call(task, chat_body(request, urls, self._settings), size, most)


@dataclass
class _Tally:
    """What a run has been given, all of it journaled by whoever took it."""

    completions: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.completions += isinstance(outcome, Completion)
            self.tokens_in += outcome.tokens_in
            self.tokens_out += outcome.tokens_out
            self.cost += outcome.cost

    def safe(self) -> str:
        return f"{self.completions} completions of this run and all of earlier ones are safe in the journal"

    def __str__(self) -> str:
        tokens = f"{self.tokens_in} prompt and {self.tokens_out} completion tokens"
        return f"{self.completions} completions, {tokens}" + (f", cost {self.cost:.4f}" if self.cost else "")


ENGINE = EngineKind[Api, [Surroundings]]("api", Api, lambda settings, around: ApiEngine(settings, around.images()))
