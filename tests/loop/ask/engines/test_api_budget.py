import asyncio
import datetime
import random
from pathlib import Path

import pytest

from mathse.loop.ask.engines.server.budget import WINDOW, Clock, Purse, TokenBudget, cost, estimate
from mathse.loop.ask.engines.server.client import CONNECTION_LOST, RATE_LIMITED, Fault, requested_wait
from mathse.loop.ask.engines.server.sender import Patience, Tries
from mathse.loop.ask.journal import Journal
from mathse.loop.ask.replies import json_schema
from mathse.params import Price
from tests.loop.ask.engines.chat_server import FastClock, request


def busiest_minute(granted: list[tuple[float, int]]) -> int:
    return max(sum(tokens for at, tokens in granted if start <= at < start + WINDOW) for start, _ in granted)


@pytest.mark.parametrize("seed", range(5))
def test_no_minute_holds_more_tokens_than_allowed(seed: int) -> None:
    clock, rng = FastClock(), random.Random(seed)

    async def run() -> list[tuple[float, int]]:
        budget, granted = TokenBudget(1000, clock), []
        for _ in range(60):
            likely = rng.randint(1, 400)
            grant = await budget.take(likely)
            counted = rng.randint(0, likely)
            grant.tokens = counted
            granted.append((clock.now(), counted))
            clock.time += rng.random() * 3
        return granted

    granted = asyncio.run(run())
    assert busiest_minute(granted) <= 1000
    total = sum(tokens for _, tokens in granted)
    assert granted[-1][0] - granted[0][0] < (total / 1000 + 2) * WINDOW, "far slower than allowed"


def test_what_a_request_really_took_makes_room() -> None:
    clock = FastClock()

    async def run() -> None:
        budget = TokenBudget(1000, clock)
        for _ in range(9):
            grant = await budget.take(200)
            grant.tokens = 100
        assert clock.slept == []
        grant = await budget.take(100)
        waiting = asyncio.create_task(budget.take(60))
        while len(clock.slept) < 20:
            await asyncio.sleep(0)
        grant.tokens = 40
        await waiting
        assert len(clock.slept) < 25

    asyncio.run(run())


def test_a_request_above_the_limit_has_a_minute_to_itself() -> None:
    clock = FastClock()

    async def run() -> None:
        budget = TokenBudget(1000, clock)
        await budget.take(10)
        await budget.take(5000)
        assert sum(clock.slept) == WINDOW
        await budget.take(10)
        assert sum(clock.slept) == 2 * WINDOW

    asyncio.run(run())


def test_waiting_requests_go_in_turn() -> None:
    clock = FastClock()

    async def run() -> list[int]:
        budget, order = TokenBudget(100, clock), list[int]()

        async def one(place: int) -> None:
            await budget.take(60)
            order.append(place)

        await asyncio.gather(*(one(place) for place in range(6)))
        return order

    assert asyncio.run(run()) == list(range(6))
    assert clock.time >= 1000 + 5 * WINDOW


def test_without_a_limit_nobody_waits() -> None:
    clock = FastClock()

    async def run() -> None:
        budget = TokenBudget(None, clock)
        for _ in range(100):
            await budget.take(10**9)

    asyncio.run(run())
    assert clock.slept == []


def test_the_size_of_a_request_is_not_too_small() -> None:
    plain = estimate(request(1, text="a" * 300), 500)
    assert plain.most_in >= 300
    assert plain.most_out == 20
    assert estimate(request(1, text="形" * 300), 500).most_in >= 900
    assert estimate(request(1, text="a" * 300, image_ids=("i", "j")), 500).most_in == plain.most_in + 1000
    schema = json_schema(annotation=False)
    assert estimate(request(1, text="a" * 300, json_schema=schema), 500).most_in == plain.most_in + len(schema)
    assert plain.likely <= plain.most_in + plain.most_out


def test_cost_is_by_the_million() -> None:
    assert cost(Price(input=2, output=10), 500_000, 100_000) == 2.0
    assert cost(None, 500_000, 100_000) == 0.0


def test_a_purse_never_promises_more_than_it_holds() -> None:
    rng, purse = random.Random(1), Purse(10.0)
    purse.open(1.0)
    held: list[float] = []
    refused = 0
    for _ in range(500):
        if held and rng.random() < 0.5:
            most = held.pop(rng.randrange(len(held)))
            purse.settle(most, most * rng.random() * 0.3, recorded=rng.random() < 0.5)
        else:
            most = rng.random()
            fits = purse.spent + sum(held) + most <= 10.0
            assert purse.reserve(most) == fits
            held += [most] if fits else []
            refused += not fits
        assert purse.spent + sum(held) <= 10.0 + 1e-9
    assert refused > 50
    unrecorded = purse.unrecorded
    purse.open(0.5)
    assert purse.spent == 0.5 + unrecorded


def test_a_purse_is_for_all_works_of_a_stage(tmp_path: Path) -> None:
    purse = Purse(10.0)
    with Journal(tmp_path / "marks") as marks, Journal(tmp_path / "reflections") as reflections:
        for journal, recorded in ((marks, 2.0), (marks, 2.5), (reflections, 3.0), (reflections, 9.0)):
            purse.bills = journal
            purse.open(recorded)
        assert purse.spent == 5.0
        assert not purse.reserve(5.5)
        assert purse.reserve(1.0)
        purse.write_down({"a": 1.0, "free": 0.0})
        assert (marks.billed(), reflections.billed()) == (0.0, 1.0)
        purse.settle(1.0, 0.25, recorded=False, key="a")
        assert reflections.billed() == 0.25


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0), ({"retry-after": "0.5"}, 0.5), ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25), ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({}, None), ({"retry-after": ""}, None), ({"retry-after": "soon"}, None), ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None), ({"retry-after": "inf"}, None), ({"retry-after": "1e999"}, None),
        ({"retry-after": "Thu, 99 Jan 1970 00:00:01 GMT"}, None),
    ],
)  # fmt: skip
def test_what_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_wait(headers, FastClock()) == seconds


def test_a_date_is_compared_with_the_real_one() -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    wait = requested_wait({"retry-after": later.strftime("%a, %d %b %Y %H:%M:%S GMT")}, Clock())
    assert wait is not None
    assert 3000 < wait <= 3600


def waits(key: str, fault: Fault, count: int = 9) -> list[float]:
    tries, made = Tries(key, count + 1, Patience(900, FastClock())), []
    while tries.again(fault):
        made.append(tries.wait(fault))
    return made


def test_waits_double_are_bounded_and_hang_on_the_key_alone() -> None:
    broken, limited = Fault("server error", "", passing=True), Fault(RATE_LIMITED, "", passing=True)
    first = waits("a", broken)
    assert first == waits("a", broken) != waits("b", broken)
    for place, wait in enumerate(first):
        full = min(2.0**place, 60.0)
        assert full / 2 <= wait <= full
    assert sum(waits("a", limited, 5)) > 60, "shorter than the minute by which rates are counted"
    asked = waits("a", Fault(RATE_LIMITED, "", passing=True, wait=7.0))
    assert all(7.0 <= wait <= 8.75 for wait in asked)
    assert len(set(asked)) == len(asked)


def test_a_lost_connection_uses_up_a_try_only_while_others_are_answered() -> None:
    patience, lost = Patience(900, FastClock()), Fault(CONNECTION_LOST, "", passing=True)
    tries = Tries("a", 3, patience)
    assert all(tries.again(lost) for _ in range(50))
    for _ in range(2):
        patience.answered()
        assert tries.again(lost)
        assert tries.again(lost)
    patience.answered()
    assert not tries.again(lost)


def test_patience_is_counted_from_the_first_failure_since_the_last_answer() -> None:
    clock = FastClock()
    patience = Patience(100, clock)
    clock.time += 500
    patience.failed()
    assert patience.left() == 100
    assert not patience.warning_due()
    clock.time += 60
    patience.failed()
    assert patience.left() == 40
    assert patience.warning_due()
    assert not patience.warning_due()
    patience.answered()
    clock.time += 60
    patience.failed()
    assert patience.left() == 100
    clock.time += 100
    assert patience.left() == 0
    assert patience.warning_due()
