"""Sends requests to a server from an event loop in a thread of its own; their outcomes arrive in a queue.

A request holds its place, and the money reserved for it, from `send` until its outcome arrives: tries, waits between
them and waits for the minute's tokens included. How many there are at once is up to whoever calls `send`.

Waits double from try to try, with a jitter drawn from the request's key, so that a rerun waits the same; a server that
says how long to wait is obeyed. A request whose connection was lost while the server answered nobody has not used up
a try: the server is gone, not the request bad. After `api.patience` seconds of nothing but failures everything stops.
"""

import asyncio
import logging
import math
import queue
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from mathse.errors import UserError
from mathse.loop.ask.confidence import confidence
from mathse.loop.ask.engines.server.budget import Clock, Estimate, Purse, TokenBudget, cost
from mathse.loop.ask.engines.server.client import CONNECTION_LOST, RATE_LIMITED, Client, Fault
from mathse.loop.ask.engines.server.secret import Secret
from mathse.loop.ask.protocol import Completion, Outcome, Task
from mathse.params import Api

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
FIRST_WAIT = 1.0
FIRST_WAIT_LIMITED = 4.0
"""Rates are counted by the minute: the waits of a few tries must be longer than one."""
SILENCE_WARNING = 15.0
"""Seconds of silence after which a person is warned."""
REMEDIES = {
    "key refused": "put a key that is valid for this server into the environment variable that api.key_env names",
    "unknown model": "api.model must be a name that the server knows, and api.base_url must end as it says (often /v1)",
    "quota used up": "top the account up",
    "redirected": "put that address into api.base_url, if the prompts and images are for it",
}
BELIEVED = 100
"""How many times the most tokens that seem possible a server may count; what is above is no count."""
FEW = 10_000
"""Tokens that are believed in any case."""
LONGEST_COUNTS = 100


class ServerGone(UserError):
    """The server has answered nobody for longer than `api.patience`."""


class Hopeless(UserError):
    """The server refuses every request: the key, the model's name or the account is not good."""


@dataclass(eq=False)
class Call:
    """A request on its way.

    Attributes:
        task: The request under its key.
        body: As the server takes it.
        size: Its tokens, estimated.
        most: The most that one try can cost.
        on_wire: Whether a try is under way.
        reserved: Whether `most` is reserved.
    """

    task: Task
    body: dict[str, Any]
    size: Estimate
    most: float
    on_wire: bool = field(default=False, init=False)
    reserved: bool = field(default=False, init=False)


Arrival = tuple[Call, Outcome | None]
"""A call and its outcome; none if it was given back."""


class Patience:
    """Whether the server still answers anybody; one for all requests, used within one event loop."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._silent_since: float | None = None
        self._warned = False
        self.answers = 0

    def answered(self) -> None:
        """The server has answered somebody."""
        self.answers += 1
        self._silent_since = None
        self._warned = False

    def failed(self) -> None:
        """A try has failed."""
        if self._silent_since is None:
            self._silent_since = self._clock.now()

    def left(self) -> float:
        """Seconds of patience left; 0 or less if there is none."""
        if self._silent_since is None:
            return math.inf
        return self._seconds - (self._clock.now() - self._silent_since)

    def warning_due(self) -> bool:
        """Whether the server has been silent for so long that a person should know; true once per silence."""
        due = not self._warned and self._seconds - self.left() >= SILENCE_WARNING
        self._warned = self._warned or due
        return due


class Tries:
    """How often one request was tried, and how long it waits until the next time."""

    def __init__(self, key: str, attempts: int, patience: Patience) -> None:
        self._key = key
        self._attempts = attempts
        self._patience = patience
        self._made = 0
        self._used = 0
        self._answers = patience.answers

    def again(self, fault: Fault) -> bool:
        """Whether to try again after `fault`."""
        gone = fault.reason == CONNECTION_LOST and self._patience.answers == self._answers
        self._made += 1
        self._used += 0 if gone else 1
        self._answers = self._patience.answers
        return fault.passing and self._used < self._attempts

    def wait(self, fault: Fault) -> float:
        """Seconds until the next try."""
        draw = random.Random(f"{self._key} {self._made}").random()
        if fault.wait is not None:
            return fault.wait * (1 + draw / 4)  # not all at the same moment
        first = FIRST_WAIT_LIMITED if fault.reason == RATE_LIMITED else FIRST_WAIT
        return float(min(first * 2.0 ** min(self._made - 1, 16), LONGEST_WAIT) * (1 + draw) / 2)


class Sender:
    """Open within a `with` block; all that is still under way at its end is given up."""

    def __init__(self, settings: Api, secret: Secret, purse: Purse, clock: Clock) -> None:
        self.stopped: UserError | None = None
        """Why nothing more is to be sent."""
        self.repeats: Counter[str] = Counter()
        """Tries that failed and were made again, by reason."""
        self._settings = settings
        self._server = f"{settings.base_url}, {settings.model}"
        self._purse = purse
        self._clock = clock
        self._patience = Patience(settings.patience, clock)
        self._tokens = TokenBudget(settings.tokens_per_minute, clock)
        self._client = Client(settings, secret, clock)
        self._arrivals: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
        self._calls: dict[Call, asyncio.Task[Outcome | None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _close(self) -> None:
        self._cancel(all_of_them=True)
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        await self._client.close()

    def send(self, call: Call) -> None:
        """Begin with a call, whose `most` is reserved."""
        call.reserved = True
        self._loop.call_soon_threadsafe(self._start, call)

    def arrivals(self, wait: bool) -> Iterator[Arrival]:
        """Everything that has arrived; with `wait`, at least one."""
        try:
            while True:
                arrival = self._arrivals.get(block=wait)
                if isinstance(arrival, BaseException):
                    raise arrival
                yield arrival
                wait = False
        except queue.Empty:
            return

    def _start(self, call: Call) -> None:
        self._calls[call] = self._loop.create_task(self._complete(call))
        self._calls[call].add_done_callback(lambda task: self._finish(call, task))
        if self.stopped:
            self._calls[call].cancel()

    def _finish(self, call: Call, task: asyncio.Task[Outcome | None]) -> None:
        """Hand a call's end to the thread that waits, also if the call was given up before its first step."""
        del self._calls[call]
        error = None if task.cancelled() else task.exception()
        try:
            self._settle(call, 0.0)
        except UserError as full:  # the disk, most likely
            error = error or full
        self._arrivals.put(error or (call, None if task.cancelled() else task.result()))

    async def _complete(self, call: Call) -> Outcome | None:
        """The call's outcome; None where the spending cap leaves no room for another try."""
        tries = Tries(call.task.key, self._settings.attempts, self._patience)
        while True:
            try:
                return await self._try(call)
            except Fault as fault:
                self._note_fault(call, fault)
                if self.stopped or not tries.again(fault):
                    return fault.failure()
                if not call.reserved:
                    call.reserved = self._purse.reserve(call.most)
                    if not call.reserved:
                        return None
                    self._purse.write_down({call.task.key: call.most})
                self.repeats[fault.reason] += 1
                await self._clock.sleep(min(tries.wait(fault), max(self._patience.left(), 0.0)))
                if self._give_up(fault):
                    return fault.failure()

    async def _try(self, call: Call) -> Outcome:
        grant = await self._tokens.take(call.size.likely)
        call.on_wire = True
        try:
            reply = await self._client.ask(call.body)
        except asyncio.CancelledError:
            self._settle(call, call.most)  # the server may finish it, and bill it
            raise
        finally:
            call.on_wire = False
        self._patience.answered()
        size, usage = call.size, reply.usage
        if usage and not (
            usage.prompt_tokens <= BELIEVED * size.most_in + FEW
            and usage.completion_tokens <= BELIEVED * size.most_out + FEW
        ):
            log.warning("%s: counts that cannot be are passed over: %s", self._server, str(usage)[:LONGEST_COUNTS])
            usage = None
        tokens_in = tokens_out = 0
        paid = call.most  # unless the server says what it counted
        if usage:
            tokens_in, tokens_out = usage.prompt_tokens, usage.completion_tokens
            paid = cost(self._settings.prices.get(self._settings.model), tokens_in, tokens_out)
            grant.tokens = tokens_in + tokens_out
        self._settle(call, paid, recorded=reply.fault is None)
        if reply.fault:
            return reply.fault.failure()
        end = reply.finish_reason or ("length" if tokens_out >= size.most_out else "stop")
        deciding = call.task.request.deciding
        pieces, logprobs = [token for token, _ in reply.tokens], [logprob for _, logprob in reply.tokens]
        sure = confidence(pieces, logprobs, deciding) if deciding else None
        return Completion(reply.text, end, tokens_in, tokens_out, paid, sure)

    def _note_fault(self, call: Call, fault: Fault) -> None:
        """Draw the consequences of a try that failed: for the money, the patience and everybody else's requests."""
        if fault.billed:
            self._settle(call, call.most)
        if fault.hopeless:
            self._stop(Hopeless(f"{self._server}: {fault}; {REMEDIES.get(fault.reason, '')}"), all_of_them=False)
        elif not fault.passing:
            self._patience.answered()
        else:
            self._patience.failed()
            if self._patience.warning_due():
                log.warning("%s: no answer (%s); trying for %.0f s more", self._server, fault, self._patience.left())
            self._give_up(fault)

    def _give_up(self, fault: Fault) -> bool:
        """Whether patience is at its end; if so, everything stops."""
        if self._patience.left() > 0:
            return False
        error = ServerGone(f"{self._server}: no answer for {self._settings.patience:g} s, at last {fault}")
        self._stop(error, all_of_them=True)
        return True

    def _stop(self, error: UserError, all_of_them: bool) -> None:
        self.stopped = self.stopped or error
        self._cancel(all_of_them)

    def _cancel(self, all_of_them: bool) -> None:
        """Give up calls, those with a try under way only if `all_of_them`: what is paid for should arrive."""
        current = asyncio.current_task()
        for call, task in self._calls.items():
            if task is not current and (all_of_them or not call.on_wire):
                task.cancel()

    def _settle(self, call: Call, paid: float, recorded: bool = False) -> None:
        if call.reserved:
            call.reserved = False
            self._purse.settle(call.most, paid, recorded, call.task.key)
