"""The API engine against a real server through a proxy that does harm: nothing lost, nothing doubled, all typed."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mathse.errors import UserError
from mathse.loop.ask.engines.any_role.api import ApiEngine
from mathse.loop.ask.engines.server.client import Client, Fault, ServerReply
from mathse.loop.ask.engines.server.sender import Call, Sender
from mathse.loop.ask.generate import Answered, generate
from mathse.loop.ask.protocol import Completion, Failure, Outcome
from mathse.params import Api
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image
from tests.loop.ask.engines.chat_server import (
    FAULTS,
    FINGERPRINT,
    KEY,
    PRICE,
    ChatServer,
    FastClock,
    FaultyProxy,
    Loopback,
    api,
    asked,
    harm,
    request,
    tasks,
)  # fmt: skip

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", KEY)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    file = tmp_path_factory.mktemp("images") / "images.parquet"
    store.write(file, Image, [])
    return ImageStore(file, max_pixels=1)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    with made.running():
        yield made


def text(place: int) -> str:
    return request(place).messages[0].content


def run(settings: Api, images: ImageStore, count: int, journal: Path, clock: FastClock | None = None) -> list[Answered]:
    engine = ApiEngine(settings, images, clock=clock or FastClock())
    return list(generate(engine, (request(n) for n in range(count)), journal, "test"))


def journaled(journal: Path) -> list[str]:
    """The texts in a journal, read beside whoever writes it."""
    if not journal.is_file():
        return []
    db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        return [json.loads(payload)["text"] for (payload,) in db.execute("select payload from completions")]
    except sqlite3.OperationalError:  # not yet made
        return []
    finally:
        db.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_and_nothing_doubled(
    seed: int, server: ChatServer, images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, count = FaultyProxy(server, harm(seed, share=0.4)), 120
    clock, failed = FastClock(), Counter[str]()
    monkeypatch.setattr(Sender, "_note_fault", counting(Sender._note_fault, failed))
    with proxy.running():
        settings = api(proxy, timeout=0.4, concurrency=8, patience=1e6, prices={"m": PRICE})
        done = run(settings, images, count, tmp_path / "j", clock)
    assert set(proxy.done) == {*FAULTS, "passed on"}, "a fault that never came proves nothing"
    assert [one.problem_id for one, _ in done] == [f"p{n}" for n in range(count)]
    for place, (_, outcome) in enumerate(done):
        assert isinstance(outcome, Completion)
        assert outcome.text == f"Answer to {text(place)}"
    assert sorted(journaled(tmp_path / "j")) == sorted(f"Answer to {text(n)}" for n in range(count))
    # On a machine with other work a reply may come too late of itself; each such one is asked for once more.
    late = failed["timeout"] + failed["connection lost"] - proxy.done["stall"] - proxy.done["hang up"]
    doubled = {n: server.answered[text(n)] - proxy.lost[text(n)] - 1 for n in range(count)}
    assert min(doubled.values()) >= 0
    assert sum(doubled.values()) <= late
    assert server.peak <= 8 + late
    asked_for_7 = [wait for wait in clock.slept if 7.0 <= wait <= 8.75]
    asked_for_a_quarter = [wait for wait in clock.slept if 0.25 <= wait <= 0.3125]
    assert len(asked_for_7) >= proxy.done["429 after"] > 0
    assert len(asked_for_a_quarter) == proxy.done["429 ms"] > 0
    assert KEY.encode() not in (tmp_path / "j").read_bytes()


def counting(
    whole: Callable[[Sender, Call, Fault], None], failed: Counter[str]
) -> Callable[[Sender, Call, Fault], None]:
    def counted(sender: Sender, call: Call, fault: Fault) -> None:
        failed[fault.reason] += 1
        whole(sender, call, fault)

    return counted


REASONS = {
    "429": "rate limited", "500": "server error", "503": "server error", "stall": "timeout", "cut": "cut reply",
    "malformed": "malformed reply", "no choices": "malformed reply", "hang up": "connection lost",
}  # fmt: skip


@pytest.mark.parametrize("fault", REASONS)
def test_what_goes_on_failing_is_typed(fault: str, server: ChatServer, images: ImageStore) -> None:
    proxy = FaultyProxy(server, lambda words, _: fault if words == text(0) else None)
    with proxy.running():
        settings = api(proxy, timeout=0.4 if fault == "stall" else 5, attempts=2, concurrency=2, patience=1e6)
        slow = FastClock(lambda _: time.sleep(0.02))  # a lost connection counts only if others were answered since
        got: dict[str, Outcome] = {}
        for outcomes in ApiEngine(settings, images, clock=slow).answer(tasks([request(n) for n in range(20)])):
            got |= outcomes
    failure = got[request(0).key(FINGERPRINT)]
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.retryable) == (REASONS[fault], True)
    assert len(got) == 20
    assert proxy.came[text(0)] >= 2 if fault == "hang up" else proxy.came[text(0)] == 2


def test_a_server_that_dies_halfway_and_comes_back(server: ChatServer, images: ImageStore, tmp_path: Path) -> None:
    proxy = FaultyProxy(server, lambda *_: None)
    stages: list[str] = []

    def script(body: dict[str, object]) -> dict[str, object]:
        if sum(server.answered.values()) == 30 and not stages:
            stages.append("down")
            proxy.down()
        return ChatServer.echo(body)

    def on_sleep(_: int) -> None:
        down_sleeps.append(1)
        if len(down_sleeps) == 60:
            stages.append("up")
            proxy.up()

    server.script, down_sleeps = script, list[int]()
    with proxy.running():
        settings = api(proxy, concurrency=4, attempts=2, patience=1e6)
        done = run(settings, images, 80, tmp_path / "j", FastClock(on_sleep))
    assert stages == ["down", "up"]
    assert all(isinstance(outcome, Completion) for _, outcome in done)
    assert len(journaled(tmp_path / "j")) == 80
    assert sum(server.answered.values()) <= 80 + 4, "answers may be lost with the connections, no others"


def test_a_server_that_is_gone_stops_the_stage_with_a_clear_word(
    server: ChatServer, images: ImageStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    proxy, clock = FaultyProxy(server, lambda *_: None), FastClock()

    def script(body: dict[str, object]) -> dict[str, object]:
        if sum(server.answered.values()) == 10:
            proxy.down()
        return ChatServer.echo(body)

    server.script = script
    with proxy.running():
        settings = api(proxy, concurrency=2, patience=900)
        with pytest.raises(UserError) as gone:
            run(settings, images, 50, tmp_path / "j", clock)
        known = journaled(tmp_path / "j")
        assert 8 <= len(known) <= 11
        for word in (proxy.url, "no answer for 900 s", "connection lost", f"{len(known)} completions", "run again"):
            assert word in str(gone.value)
        assert 900 <= clock.time - 1000 <= 900 + 2 * 60
        assert caplog.text.count("no answer (connection lost") == 1
        before = {said: proxy.came[said.removeprefix("Answer to ")] for said in known}
        proxy.up()
        done = run(settings, images, 50, tmp_path / "j")
    assert all(isinstance(outcome, Completion) for _, outcome in done)
    assert {said: proxy.came[said.removeprefix("Answer to ")] for said in known} == before


def test_the_spending_cap_is_never_passed_and_the_stage_goes_on_from_there(
    server: ChatServer, images: ImageStore, tmp_path: Path
) -> None:
    proxy = FaultyProxy(server, harm(5, share=0.3, faults=("cut", "malformed", "500", "429")))
    journal, stops, asked_before = tmp_path / "j", 0, 0
    with proxy.running():
        for cap in (0.05, 0.4, 0.8, 10.0):
            settings = api(proxy, concurrency=6, patience=1e6, prices={"m": PRICE}, spending_cap=cap)
            try:
                done = run(settings, images, 60, journal)
            except UserError as error:
                stops += 1
                assert f"spending_cap {cap:g}" in str(error)
                assert "raise spending_cap and run again" in str(error)
                assert len(journaled(journal)) >= asked_before
                asked_before = len(journaled(journal))
                assert server.spent() <= cap, "what earlier runs lost counts as well"
    assert stops >= 2
    assert len(done) == 60
    assert all(isinstance(outcome, Completion) for _, outcome in done)
    for place in range(60):
        assert server.answered[text(place)] == proxy.lost[text(place)] + 1
    assert sum(outcome.cost for _, outcome in done if isinstance(outcome, Completion)) <= server.spent() + 1e-9


@pytest.mark.parametrize("cap", [0.1, 0.3, 0.7])
def test_one_run_spends_less_than_its_cap_lost_replies_included(
    cap: float, server: ChatServer, images: ImageStore, tmp_path: Path
) -> None:
    proxy = FaultyProxy(server, harm(7, share=0.5, faults=("cut", "malformed", "no choices")))
    with proxy.running(), pytest.raises(UserError, match="for replies that were lost"):
        settings = api(proxy, concurrency=6, patience=1e6, prices={"m": PRICE}, spending_cap=cap)
        run(settings, images, 200, tmp_path / "j")
    assert 0 < server.spent() <= cap


def test_a_cap_below_the_first_request_says_what_it_may_cost(
    server: ChatServer, images: ImageStore, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"the next request may cost 0\.0[34]\d\d; 0 completions of this run"):
        run(api(server, prices={"m": PRICE}, spending_cap=0.01), images, 3, tmp_path / "j")
    assert server.bodies == []


def test_what_earlier_runs_spent_counts(server: ChatServer, images: ImageStore) -> None:
    engine = ApiEngine(api(server, prices={"m": PRICE}, spending_cap=5.0), images)
    with pytest.raises(UserError, match=r"4\.9900 is spent"):
        list(engine.answer(tasks([request(1)]), spent=4.99))
    assert list(engine.answer(tasks([request(1)]), spent=4.0))


def test_tokens_per_minute_on_a_clock_that_does_not_wait(
    server: ChatServer, images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sent, whole = FastClock(), list[tuple[float, int]](), Client.ask

    async def timed(client: Client, body: dict[str, Any]) -> ServerReply:
        at = clock.now()
        reply = await whole(client, body)
        assert reply.usage
        sent.append((at, reply.usage.prompt_tokens + reply.usage.completion_tokens))
        return reply

    monkeypatch.setattr(Client, "ask", timed)
    done = run(api(server, concurrency=4, tokens_per_minute=600), images, 60, tmp_path / "j", clock)
    assert all(isinstance(outcome, Completion) for _, outcome in done)
    total = sum(tokens for _, tokens in sent)
    assert clock.time - 1000 >= (total / 600 - 1) * 60
    assert len({at for at, _ in sent}) > 1, "nobody ever waited"
    for start, _ in sent:
        assert sum(tokens for at, tokens in sent if start <= at < start + 60) <= 600


def test_kill_9_in_the_middle_asks_nothing_again_that_is_journaled(server: ChatServer, tmp_path: Path) -> None:
    proxy, count, journal = (
        FaultyProxy(server, harm(3, 0.3, [fault for fault in FAULTS if fault != "stall"])),
        150,
        tmp_path / "j",
    )
    rng = random.Random(4)
    server.script = lambda body: time.sleep(0.01) or ChatServer.echo(body)  # type: ignore[func-returns-value]
    with proxy.running():
        for enough in (rng.randint(10, 50), rng.randint(60, 120)):
            child = start(proxy, journal, count)
            while len(journaled(journal)) < enough:
                assert child.poll() is None, child.communicate()[1]
                time.sleep(0.005)
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
            known = journaled(journal)
            assert enough <= len(known) < count
            before = {said: proxy.came[said.removeprefix("Answer to ")] for said in known}
        child = start(proxy, journal, count)
        said, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert json.loads(said) == [f"Answer to {text(n)}" for n in range(count)]
    assert {one: proxy.came[one.removeprefix("Answer to ")] for one in before} == before
    again = sum(server.answered.values()) - sum(proxy.lost.values()) - count
    assert again <= 2 * 8, "only what was under way at a kill may be asked again"


def start(proxy: Loopback, journal: Path, count: int) -> subprocess.Popen[str]:
    settings = api(proxy, concurrency=8, patience=1e6).model_dump_json()
    command = [sys.executable, "-m", "tests.loop.ask.engines.api_run", settings, str(journal), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_helper_tells_a_request_by_its_text() -> None:
    assert asked({"messages": [{"content": "a"}]}) == asked({"messages": [{"content": [{}, {"text": "a"}]}]}) == "a"
    assert len({text(n) for n in range(200)}) == 200
