"""Symbolic comparison by math-verify, in worker processes that can be killed.

sympy may run for ever or take all memory on a short text, and no exception ends that. So it runs in processes of its
own (`symbolic_worker`), each with a limit of memory, that answer one pair at a time within a limit of processor time; a
worker that does not answer is killed and replaced. A pair without an answer is undecided with the reason. Pairs travel
as lines of JSON. What is plainly too large is refused before it is sent.

`default_pool().verify(...)` may be called from any thread; from asyncio through `asyncio.to_thread`.
"""

import atexit
import json
import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

SECONDS = 0.5
"""Of processor time, for one pair: what is decided shall not hang on what else the machine does."""
WALL_SECONDS = 120.0
"""For one pair: no machine is so busy that a worker that lives needs them."""
START_SECONDS = 300.0
"""For a worker's imports."""
MEMORY_MIB = 1_024
LONGEST = 1_000
"""Characters of either text."""

_GIANT = (
    ("a number of over 60 digits", re.compile(r"\d{61,}")),
    ("a large factorial", re.compile(r"\d{4,}\}?\)?\s*!|!\s*!|\(.*!.*\)\s*!")),
    ("a large binomial", re.compile(r"binom\s*\{?\d{4,}|\\choose")),
    ("a large power", re.compile(r"\^\s*[{(]?\s*-?\d{4,}|\*\*\s*\(?-?\d{4,}")),
    ("a tower of powers", re.compile(r"(?:\^|\*\*)[^+\-=<>,]{0,40}(?:\^|\*\*)[^+\-=<>,]{0,40}(?:\^|\*\*)")),
    ("a tower of powers", re.compile(r"\d\s*(?:\^|\*\*)\s*[{(]?\s*\d+\s*(?:\^|\*\*)\s*[{(]?\s*\d")),
)


@dataclass(frozen=True)
class Verdict:
    """What math-verify says; `equal` is None where it says nothing, for this reason."""

    equal: bool | None
    reason: str


def refusal(text: str) -> str | None:
    """Why a text is not given to sympy at all; None if it may be."""
    if len(text) > LONGEST:
        return "too long for symbolic grading"
    depth = deepest = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    if deepest > 30:
        return "nested too deep for symbolic grading"
    plain = text.replace(",", "")
    return next((f"symbolic grading refused: {what}" for what, pattern in _GIANT if pattern.search(plain)), None)


class _NoReply(Exception):
    """A worker did not answer in time, or died."""


class _Worker:
    """One process, which starts at once; used by one thread at a time."""

    def __init__(self, seconds: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mathse.answers.symbolic_worker", str(MEMORY_MIB), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that it can be killed with its fork
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self._is_ready = False

    def ask(self, gold: str, answer: str) -> Verdict:
        """Compare a pair. Raises _NoReply if there is no answer in time; the worker has to go then."""
        if not self._is_ready:
            self._line(START_SECONDS)
            self._is_ready = True
        try:
            self._in.write(json.dumps([gold, answer]).encode() + b"\n")
            self._in.flush()
        except OSError as error:
            raise _NoReply("died") from error
        reply = json.loads(self._line(WALL_SECONDS))
        return Verdict(reply["equal"], reply["reason"])

    def _line(self, seconds: float) -> bytes:
        if not select.select([self._out], [], [], seconds)[0]:
            raise _NoReply("timed out")
        line = self._out.readline()
        if not line.endswith(b"\n"):
            raise _NoReply("died")
        return line

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._in.close()
        self._out.close()


class SymbolicPool:
    """Worker processes, started when they are first needed and replaced when they die."""

    def __init__(self, workers: int = 1, seconds: float = SECONDS) -> None:
        """At most so many processes, each with a pair at a time, and seconds of processor time for it."""
        self.seconds = seconds
        self._idle: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._workers = workers

    def verify(self, gold: str, answer: str) -> Verdict:
        """Compare two texts; never raises on any text, and takes a limited time."""
        for text in (gold, answer):
            if reason := refusal(text):
                return Verdict(None, reason)
        worker = self._idle.get()
        try:
            worker = worker or _Worker(self.seconds)
            return worker.ask(gold, answer)
        except _NoReply as error:
            assert worker is not None
            worker.stop()
            # The next one starts at once, so that nobody waits for its imports.
            worker = _Worker(self.seconds)
            return Verdict(None, f"symbolic grading {error}")
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Stop every worker that is idle."""
        for _ in range(self._workers):
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return
            if worker is not None:
                worker.stop()
            self._idle.put(None)


_pools: dict[int, SymbolicPool] = {}
_lock = threading.Lock()


def default_pool() -> SymbolicPool:
    """This process's pool, of one worker for each of at most four cores; a forked child gets its own."""
    process = os.getpid()
    with _lock:
        if process not in _pools:
            pool = _pools[process] = SymbolicPool(workers=max(1, min(4, os.cpu_count() or 1)))
            # A forked child runs its parent's exit handlers too, and must not stop its workers.
            atexit.register(lambda: pool.close() if os.getpid() == process else None)
        return _pools[process]
