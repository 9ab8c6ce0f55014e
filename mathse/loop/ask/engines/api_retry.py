"""When a request to a server is tried again, and when the server counts as gone.

A try fails with a `Fault`, whose reason can be counted:

    rate limited, server error, timeout, cut reply, malformed reply, connection lost    tried again
    refused request, content filter, refusal                                            not tried again
    key refused, unknown model, quota used up                                           no request can succeed

Waits double from try to try, with a jitter drawn from the request's key, so that a rerun waits the same; a server that
says how long to wait is obeyed. A request whose connection was lost while the server answered nobody has not used up
a try: the server is gone, not the request bad. After `patience` seconds of nothing but failures everything stops.
"""

import math
import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mathse.loop.ask.engines.api_clock import Clock
from mathse.loop.ask.protocol import Failure

LONGEST_WAIT = 60.0
FIRST_WAIT = 1.0
FIRST_WAIT_LIMITED = 4.0
"""Rates are counted by the minute: the waits of a few tries must be longer than one."""
TOLD_AFTER = 15.0
"""Seconds of silence."""
CONNECTION_LOST = "connection lost"
RATE_LIMITED = "rate limited"


class Fault(Exception):
    """A try that brought no reply.

    Attributes:
        reason: Short and countable.
        detail: What exactly happened.
        passing: Whether another try may succeed.
        wait: Seconds that the server asks to wait, if it does.
        billed: Whether the server may have written a completion nevertheless.
        hopeless: Whether every request will fail in this way.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        passing: bool = False,
        wait: float | None = None,
        billed: bool = False,
        hopeless: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.passing = passing
        self.wait = wait
        self.billed = billed
        self.hopeless = hopeless

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"

    def failure(self) -> Failure:
        """The fault as a request's outcome."""
        return Failure(self.reason, self.detail, retryable=self.passing)


class Watch:
    """Whether the server still answers anybody; one for all requests, used within one event loop."""

    def __init__(self, patience: float, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock
        self._silent_since: float | None = None
        self._told = False
        self.answers = 0

    def answered(self) -> None:
        """The server has answered somebody."""
        self.answers += 1
        self._silent_since = None
        self._told = False

    def failed(self) -> None:
        """A try has failed."""
        if self._silent_since is None:
            self._silent_since = self._clock.now()

    def worth_telling(self) -> bool:
        """Whether the server has been silent for so long that a person should know; true once a silence."""
        told, self._told = self._told, self._told or self._patience - self.left() >= TOLD_AFTER
        return self._told and not told

    def left(self) -> float:
        """Seconds of patience left; 0 or less if there is none."""
        if self._silent_since is None:
            return math.inf
        return self._patience - (self._clock.now() - self._silent_since)


class Tries:
    """How often one request was tried, and how long it waits until the next time."""

    def __init__(self, key: str, attempts: int, watch: Watch) -> None:
        self._key = key
        self._attempts = attempts
        self._watch = watch
        self._made = 0
        self._used = 0
        self._answers = watch.answers

    def again(self, fault: Fault) -> bool:
        """Whether to try again after `fault`."""
        gone = fault.reason == CONNECTION_LOST and self._watch.answers == self._answers
        self._made += 1
        self._used += 0 if gone else 1
        self._answers = self._watch.answers
        return fault.passing and self._used < self._attempts

    def wait(self, fault: Fault) -> float:
        """Seconds until the next try."""
        draw = random.Random(f"{self._key} {self._made}").random()
        if fault.wait is not None:
            return fault.wait * (1 + draw / 4)  # not all at the same moment
        first = FIRST_WAIT_LIMITED if fault.reason == RATE_LIMITED else FIRST_WAIT
        return float(min(first * 2.0 ** min(self._made - 1, 16), LONGEST_WAIT) * (1 + draw) / 2)


def asked_wait(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that a reply's headers ask to wait.

    Args:
        headers: `retry-after-ms` (milliseconds) or `retry-after` (seconds, or a date: RFC 9110, section 10.2.3).
        clock: Says what date it is.

    Returns:
        None where they ask for nothing that can be read.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if (seconds := _number(headers.get(name, ""))) is not None:
            return seconds * unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - clock.date())
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
