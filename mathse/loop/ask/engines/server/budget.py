"""What requests to a server may use: tokens in a minute, and money in a stage; and the clock that they wait by.

From both a request takes, before it is sent, the most that it can use; afterwards what it did use is all that counts:

    2,048 completion tokens at 10.00 per million and 1,300 prompt tokens at 2.50: at most 0.0237, in the end 0.0061
"""

import asyncio
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from mathse.loop.ask.protocol import Bills, Request
from mathse.params import Price

WINDOW = 60.0
"""Seconds in which tokens are counted."""
RECHECK = 1.0
"""Seconds after which a waiting request looks whether others took less than they might have."""
TURN_TOKENS = 64
"""Most tokens that a chat template puts around a turn."""
BYTES_PER_TOKEN = 3
"""Of plain text; a token has four of English and three of most other scripts."""


class Clock:
    """Real time; tests have a clock that does not wait."""

    def now(self) -> float:
        """Seconds that never go backwards, from no particular start."""
        return time.monotonic()

    def date(self) -> float:
        """Seconds since 1970, for dates that a server names."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait without holding anybody up."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Estimate:
    """How large a request is before anybody has counted its tokens.

    Attributes:
        likely: Tokens that it probably takes, its whole completion included.
        most_in: Most prompt tokens: a token has at least one byte.
        most_out: Most completion tokens.
    """

    likely: int
    most_in: int
    most_out: int


def estimate(request: Request, image_tokens: int) -> Estimate:
    """Estimate a request's tokens, `image_tokens` being the most of one image."""
    texts = [message.content for message in request.messages] + [request.json_schema]
    text_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
    around = TURN_TOKENS * (len(request.messages) + 1) + image_tokens * len(request.image_ids)
    most_out = request.sampling.max_new_tokens
    return Estimate(math.ceil(text_bytes / BYTES_PER_TOKEN) + around + most_out, text_bytes + around, most_out)


def cost(price: Price | None, tokens_in: float, tokens_out: float) -> float:
    """What tokens cost; nothing where there is no price."""
    return (price.input * tokens_in + price.output * tokens_out) / 1e6 if price else 0.0


@dataclass
class Grant:
    """Tokens that one request was allowed, and when; the server's own count takes the estimate's place."""

    time: float
    tokens: int


class TokenBudget:
    """Lets requests go one after the other, so that no 60 seconds hold more tokens than allowed.

    A bucket that refills would let twice as many through in its first minute. Used within one event loop.
    """

    def __init__(self, tokens_per_minute: int | None, clock: Clock) -> None:
        self._limit = tokens_per_minute
        self._clock = clock
        self._turn = asyncio.Lock()
        self._grants: deque[Grant] = deque()

    async def take(self, tokens: int) -> Grant:
        """Wait until `tokens` more fit into the last minute; a request above the limit waits for an empty one."""
        if self._limit is None:
            return Grant(self._clock.now(), tokens)
        async with self._turn:
            while True:
                now = self._clock.now()
                while self._grants and now - self._grants[0].time >= WINDOW:
                    self._grants.popleft()
                excess = sum(grant.tokens for grant in self._grants) + min(tokens, self._limit) - self._limit
                if excess <= 0:
                    self._grants.append(Grant(now, tokens))
                    return self._grants[-1]
                # They fit when as many of the oldest have left the window; another may have taken less until then.
                freed = itertools.accumulate(grant.tokens for grant in self._grants)
                last = next(grant for grant, total in zip(self._grants, freed, strict=True) if total >= excess)
                await self._clock.sleep(min(max(last.time + WINDOW - now, 0.001), RECHECK))


class Purse:
    """The money of a stage: what is spent, and what is reserved for requests under way.

    A reply that was lost on its way may have been billed, so it counts as spent at the most that it can have cost; so
    does what a server bills for a reply that is no completion. Neither is on any row, so the bills say it, and what is
    reserved is in them before it is sent: a run that is killed leaves behind what it may have spent. Used from two
    threads.
    """

    def __init__(self, cap: float | None) -> None:
        self.cap = cap
        self.spent = 0.0
        self.unrecorded = 0.0
        """The part of `spent` that is on no row."""
        self.bills: Bills | None = None
        """Of the work under way."""
        self._opened: list[Bills] = []
        self._reserved: list[float] = []
        self._lock = threading.Lock()

    def open(self, recorded: float) -> None:
        """Begin with what earlier runs have spent on this work; what was spent on works with other bills stays."""
        if self.bills is None:
            self.spent = recorded + self.unrecorded
        elif self.bills not in self._opened:
            self._opened.append(self.bills)
            self.spent += recorded

    def reserve(self, most: float) -> bool:
        """Set `most` aside; False, and nothing set aside, if that could break the cap."""
        with self._lock:
            fits = self.cap is None or math.fsum([self.spent, most, *self._reserved]) <= self.cap
            if fits:
                self._reserved.append(most)
            return fits

    def write_down(self, reserved: Mapping[str, float]) -> None:
        """Put what is reserved into the bills, by the requests' keys; they may be sent then."""
        if self.bills is not None and (amounts := {key: most for key, most in reserved.items() if most}):
            self.bills.hold(amounts)

    def settle(self, most: float, paid: float, recorded: bool, key: str = "") -> None:
        """Spend what was `paid` of the `most` that was reserved, and free the rest; `recorded`: a row says so."""
        with self._lock:
            self._reserved.remove(most)
            self.spent += paid
            self.unrecorded += 0.0 if recorded else paid
        if self.bills is not None and most and not recorded:
            self.bills.lose(key, paid)
