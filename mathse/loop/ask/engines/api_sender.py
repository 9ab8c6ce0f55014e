"""Sends requests to a server from an event loop in a thread of its own; their outcomes arrive in a queue.

A request holds its place, and the money set aside for it, from `send` until its outcome arrives: tries, waits between
them and waits for the minute's tokens included. How many there are at once is up to whoever calls `send`.
"""

import asyncio
import logging
import queue
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from mathse.errors import UserError
from mathse.loop.ask.engines.api_budget import Purse, Size, TokenBudget, cost
from mathse.loop.ask.engines.api_chat import Reply
from mathse.loop.ask.engines.api_client import Client, Secret
from mathse.loop.ask.engines.api_clock import Clock
from mathse.loop.ask.engines.api_retry import Fault, Tries, Watch
from mathse.loop.ask.protocol import Completion, Outcome, Task
from mathse.params import Api

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A request on its way.

    Attributes:
        task: What is asked.
        body: As the server takes it.
        size: Its tokens, estimated.
        most: The most that one try can cost.
        on_wire: Whether a try is under way.
        set_aside: Whether `most` is set aside.
    """

    task: Task
    body: dict[str, Any]
    size: Size
    most: float
    on_wire: bool = field(default=False, init=False)
    set_aside: bool = field(default=False, init=False)


Arrival = tuple[Job, Outcome | None]
"""A job and its outcome; none if it was given back."""


class ServerGone(UserError):
    """The server has answered nobody for longer than `api.patience`."""


class Hopeless(UserError):
    """The server refuses whatever it is asked: the key, the model's name or the account is not good."""


class Sender:
    """Open within a `with` block; all that is still under way at its end is given up."""

    def __init__(self, settings: Api, secret: Secret, purse: Purse, clock: Clock) -> None:
        self.stopped: UserError | None = None
        """Why nothing more is to be sent."""
        self.repeated: Counter[str] = Counter()
        """Tries that failed and were made again, by reason."""
        self._settings = settings
        self._secret = secret
        self._purse = purse
        self._clock = clock
        self._arrived: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
        self._jobs: dict[Job, asyncio.Task[Outcome | None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        finally:
            self._end()

    def send(self, job: Job) -> None:
        """Begin with a job, whose `most` is set aside."""
        job.set_aside = True
        self._loop.call_soon_threadsafe(self._start, job)

    def arrivals(self, wait: bool) -> Iterator[Arrival]:
        """Everything that has arrived.

        Args:
            wait: Whether to wait for the first.
        """
        try:
            while True:
                arrival = self._arrived.get(block=wait)
                if isinstance(arrival, BaseException):
                    raise arrival
                yield arrival
                wait = False
        except queue.Empty:
            return

    async def _open(self) -> None:
        self._watch = Watch(self._settings.patience, self._clock)
        self._tokens = TokenBudget(self._settings.tokens_per_minute, self._clock)
        self._client = Client(self._settings, self._secret, self._clock)

    async def _close(self) -> None:
        self._cancel(all_of_them=True)
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)
        await self._client.close()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _start(self, job: Job) -> None:
        self._jobs[job] = self._loop.create_task(self._outcome(job))
        self._jobs[job].add_done_callback(lambda task: self._done(job, task))
        if self.stopped:
            self._jobs[job].cancel()

    def _done(self, job: Job, task: asyncio.Task[Outcome | None]) -> None:
        """Hand a job's end to the thread that waits, also if the job was given up before its first step."""
        del self._jobs[job]
        self._settle(job, 0.0)
        error = None if task.cancelled() else task.exception()
        self._arrived.put(error or (job, None if task.cancelled() else task.result()))

    def _cancel(self, all_of_them: bool) -> None:
        """Give up jobs, those with a try under way only if `all_of_them`: what is paid for should arrive."""
        mine = asyncio.current_task()
        for job, task in self._jobs.items():
            if task is not mine and (all_of_them or not job.on_wire):
                task.cancel()

    async def _outcome(self, job: Job) -> Outcome | None:
        """The job's outcome; None where the spending cap leaves no room for another try."""
        tries = Tries(job.task.key, self._settings.attempts, self._watch)
        while True:
            try:
                return await self._try(job)
            except Fault as fault:
                self._failed(job, fault)
                if self.stopped or not tries.again(fault):
                    return fault.failure()
                if not job.set_aside and not self._set_aside(job):
                    return None
                self.repeated[fault.reason] += 1
                await self._clock.sleep(min(tries.wait(fault), max(self._watch.left(), 0.0)))
                if self._gone(fault):
                    return fault.failure()

    async def _try(self, job: Job) -> Outcome:
        grant = await self._tokens.take(job.size.likely)
        job.on_wire = True
        try:
            reply = await self._client.ask(job.body)
        finally:
            job.on_wire = False
        self._watch.answered()
        if reply.usage:
            self._tokens.correct(grant, reply.usage.prompt_tokens + reply.usage.completion_tokens)
        return self._outcome_of(job, reply)

    def _outcome_of(self, job: Job, reply: Reply) -> Outcome:
        usage, price = reply.usage, self._settings.prices.get(self._settings.model)
        tokens_in, tokens_out = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        paid = cost(price, tokens_in, tokens_out) if usage else job.most
        self._settle(job, paid, recorded=reply.fault is None)
        if reply.fault:
            return reply.fault.failure()
        return Completion(reply.text, reply.finish_reason, tokens_in, tokens_out, paid)

    def _failed(self, job: Job, fault: Fault) -> None:
        """Take note of a try that failed."""
        if fault.billed:
            self._settle(job, job.most)
        if fault.hopeless:
            self._stop(Hopeless(f"{self._where()}: {fault}; {_REMEDIES.get(fault.reason, '')}"), all_of_them=False)
        elif not fault.passing:
            self._watch.answered()
        else:
            self._watch.failed()
            if self._watch.worth_telling():
                log.warning("%s: no answer (%s); trying for %.0f s more", self._where(), fault, self._watch.left())
            self._gone(fault)

    def _gone(self, fault: Fault) -> bool:
        """Whether patience is at its end; if so, everything stops."""
        if self._watch.left() > 0:
            return False
        self._stop(ServerGone(f"{self._where()}: no answer for {self._settings.patience:g} s, at last {fault}"), True)
        return True

    def _stop(self, error: UserError, all_of_them: bool) -> None:
        self.stopped = self.stopped or error
        self._cancel(all_of_them)

    def _where(self) -> str:
        return f"{self._settings.base_url}, {self._settings.model}"

    def _set_aside(self, job: Job) -> bool:
        job.set_aside = self._purse.reserve(job.most)
        return job.set_aside

    def _settle(self, job: Job, paid: float, recorded: bool = False) -> None:
        if job.set_aside:
            job.set_aside = False
            self._purse.settle(job.most, paid, recorded)


_REMEDIES = {
    "key refused": "put a key that is valid for this server into the environment variable that api.key_env names",
    "unknown model": "api.model must be a name that the server knows, and api.base_url must end as it says (often /v1)",
    "quota used up": "top the account up",
}
