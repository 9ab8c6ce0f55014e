"""The API engine against servers that speak the protocol in their own way, or do harm: each gives the right value."""

import base64
import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import time
import tracemalloc
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mathse.errors import UserError
from mathse.loop.ask.engines.any_role.api import ApiEngine
from mathse.loop.ask.engines.server.secret import Secret
from mathse.loop.ask.generate import generate
from mathse.loop.ask.journal import Journal
from mathse.loop.ask.protocol import Completion, Failure, Outcome, Sampling
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image
from tests.loop.ask.engines.chat_server import (
    KEY,
    PRICE,
    ChatServer,
    FastClock,
    Said,
    api,
    completion,
    error,
    request,
    tasks,
)

ROOT = Path(__file__).parents[4]
AWKWARD = "sk-Ab3/+x=9Zq~0w|7Tt Kp&4" + "Yv1Lm8Nn5Gg2"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", KEY)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    file = tmp_path_factory.mktemp("images") / "images.parquet"
    store.write(file, Image, [])
    return ImageStore(file, max_pixels=1)


def answered(said: Said | dict[str, Any], images: ImageStore, **settings: Any) -> tuple[Outcome, ChatServer]:
    """What comes of one request to a server that says this, and the server."""
    server = ChatServer(lambda _: said)
    with server.running():
        changes = {"attempts": 2, "patience": 1e6, "prices": {"m": PRICE}, **settings}
        engine = ApiEngine(api(server, **changes), images, clock=FastClock())
        (outcomes,) = engine.answer(tasks([request(1)]))
    return next(iter(outcomes.values())), server


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("stop", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("STOP", "stop"), ("stop_sequence", "stop"),
        ("eos", "stop"), ("tool_calls", "stop"), (None, "stop"), ("", "stop"), ("of its own", "stop"), (7, "stop"),
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("ERROR_LIMIT", "length"),
    ],
)  # fmt: skip
def test_every_server_has_its_own_word_for_the_end(reason: Any, end: str, images: ImageStore) -> None:
    outcome, server = answered(completion("Four.", finish=reason), images)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.finish_reason) == ("Four.", end)
    assert len(server.bodies) == 1, "it was paid once"


def test_an_end_that_is_not_told_is_known_by_the_tokens(images: ImageStore) -> None:
    said = completion("and " * 20, finish=None)  # type: ignore[arg-type]
    assert said["usage"]["completion_tokens"] == 20 == request(1).sampling.max_new_tokens
    assert answered(said, images)[0].finish_reason == "length"
    del said["choices"][0]["finish_reason"]
    assert answered(said, images)[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Step 1. "}, {"type": "text", "text": "It is 4."}], "Step 1. It is 4."),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "It is 4."}], "It is 4."),
        ([{"type": "reasoning", "text": "Hm."}, {"type": "output_text", "text": "It is 4."}], "It is 4."),
        ([{"type": "text", "text": {"value": "It is 4.", "annotations": []}}], "It is 4."),
        ([{"text": "It is 4."}], "It is 4."), (["It is ", "4."], "It is 4."), ([], ""), (None, ""),
        ({"type": "text", "text": "It is 4."}, "It is 4."),
        ([{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": None}], ""),
    ],
)  # fmt: skip
def test_content_may_come_in_parts(content: Any, text: str, images: ImageStore) -> None:
    outcome, server = answered(completion(content), images)
    assert isinstance(outcome, Completion)
    assert outcome.text == text
    assert len(server.bodies) == 1


MOST = 2**63


@pytest.mark.parametrize(
    "usage",
    [
        None, {}, [], "12", {"prompt_tokens": None, "completion_tokens": None}, {"prompt_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": MOST}, {"prompt_tokens": MOST, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 10**400}, {"prompt_tokens": 5, "completion_tokens": 1e308},
        {"prompt_tokens": 5, "completion_tokens": float("inf")}, {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5, "completion_tokens": float("nan")}, {"prompt_tokens": 5, "completion_tokens": 10**9},
        {"prompt_tokens": 5, "completion_tokens": "2"}, {"prompt_tokens": True, "completion_tokens": 2},
        {"prompt_tokens": 5, "completion_tokens": 2.5},
    ],
)  # fmt: skip
def test_usage_that_is_no_count_is_none(usage: Any, images: ImageStore) -> None:
    outcome, server = answered({**completion("Four."), "usage": usage}, images, spending_cap=1.0)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.tokens_in, outcome.tokens_out) == ("Four.", 0, 0)
    assert 1000 * 20 / 1e6 < outcome.cost < 0.1, "the most that it can have cost"
    assert len(server.bodies) == 1


def test_a_number_of_thousands_of_digits_is_no_count(images: ImageStore) -> None:
    body = json.dumps(completion("Four.")).replace('"completion_tokens": 1', '"completion_tokens": ' + "9" * 9999)
    outcome, _ = answered((200, {}, body.encode()), images)
    assert (outcome.text, outcome.tokens_out) == ("Four.", 0)


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 5, "output_tokens": 2}, {"prompt_tokens": 5.0, "completion_tokens": 2.0},
        {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": None},
    ],
)  # fmt: skip
def test_counts_are_counts_by_whatever_name(usage: Any, images: ImageStore) -> None:
    outcome, _ = answered({**completion("Four."), "usage": usage}, images)
    assert (outcome.tokens_in, outcome.tokens_out, outcome.cost) == (5, 2, (100 * 5 + 1000 * 2) / 1e6)


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "small": str.lower,
    "large": str.upper,
    "quoted": lambda key: urllib.parse.quote(key, safe=""),
    "quoted small": lambda key: urllib.parse.quote(key, safe="").lower(),
    "quoted twice": lambda key: urllib.parse.quote(urllib.parse.quote(key, safe=""), safe=""),
    "all quoted": lambda key: "".join(f"%{ord(letter):02X}" for letter in key),
    "escapes": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "html": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "hex": lambda key: key.encode().hex(),
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "bearer": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "urlsafe": lambda key: base64.urlsafe_b64encode(f"u {key}!".encode()).decode(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
}


def hides(text: str, written: str, length: int) -> bool:
    """Whether no part of this length of the key, as written, is in a text."""
    return not any(written[at : at + length] in text for at in range(len(written) - length + 1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [KEY, AWKWARD], ids=["key", "awkward"])
def test_no_form_of_the_key_is_in_a_text_however_cut(form: str, key: str) -> None:
    secret, written = Secret(key), FORMS[form](key)
    share = 12 * len(written) // len(key)  # of twelve characters of the key
    for start in range(9 if form == "bearer" else 0, len(written) - share, 3):
        for end in (start + share, start + 2 * share, len(written)):
            for text in (f"You sent {written[start:end]}", f"{written[start:end]}… is bad", written[start:end]):
                assert hides(secret.out_of(text), written[start:end], share - share // 12), text
                assert hides(secret.out_of_completion(text), written[start:end], share - share // 12), text
    text = "The answer to this problem is 12/37 \\sqrt{2}; see https://example.org/a%20b?key=none. " * 9
    assert secret.out_of(text) == secret.out_of_completion(text) == text


def test_words_of_a_key_stay_in_completions() -> None:
    secret = Secret("solution-server-2024")
    assert secret.out_of_completion("The solution is 4.") == "The solution is 4."
    assert secret.out_of_completion("solution-server-2024 is the key") == "[key] is the key"
    assert Secret("test").out_of_completion("a test") == "a test"
    assert Secret("test").out_of("bad key test") == "bad key [key]"


CUTS = [(form, 0) for form in FORMS] + [
    (form, before) for form in ("plain", "quoted", "basic") for before in (150, 190, 195, 480, 495)
]


@pytest.mark.parametrize(("form", "before"), CUTS)
def test_the_key_is_in_no_outcome_and_no_log(
    form: str, before: int, images: ImageStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_API_KEY", AWKWARD)
    written = FORMS[form](AWKWARD)
    echo = "x" * before + written
    quoted = urllib.parse.quote(echo)
    strange = {"choices": [{"message": {"content": {echo: 1}}}]}
    replies: list[Any] = [
        completion(echo), error(400, echo), error(500, echo, x_echo=quoted), error(401, echo), (200, {}, echo.encode()),
        (404, {}, echo.encode()), (307, {"location": f"http://127.0.0.1:9/{quoted}"}, b""),
        completion("", refusal=echo), (200, {}, json.dumps(strange).encode()),
    ]  # fmt: skip
    for said in replies:
        with caplog.at_level(logging.DEBUG):
            try:
                text = repr(answered(said, images)[0])
            except UserError as stopped:
                text = str(stopped)
        for got in (text, caplog.text):
            assert hides(got, written, 12 * len(written) // len(AWKWARD))
            assert AWKWARD not in got


@pytest.mark.parametrize(
    "said",
    [
        completion("", refusal="half \ud800 of one"),
        (400, {}, b'{"error": {"message": "half \\ud800 of one"}}'),
        (200, {}, b'{"error": {"message": "half \\ud800 of one"}}'),
        (500, {}, b"half \xed\xa0\x80 of one"),
        (200, {}, b"half \xed\xa0\x80 of one"),
    ],
)
def test_half_a_character_is_in_no_failure(said: Any, images: ImageStore) -> None:
    outcome, _ = answered(said, images)
    assert isinstance(outcome, Failure)
    assert "of one" in outcome.detail
    assert outcome.detail.encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int, images: ImageStore) -> None:
    other = ChatServer()
    with other.running():
        location = {"location": f"{other.url}/chat/completions"}
        with pytest.raises(UserError, match=rf"redirected: HTTP {status} to http://127.* api\.base_url"):
            answered((status, location, b""), images)
    assert not other.bodies, "the prompt has gone to another host"


def packed(size: int, packing: str = "gzip") -> bytes:
    """Zeros, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if packing == "gzip" else 15)
    block = bytes(2**20)
    return b"".join([*(packer.compress(block) for _ in range(size // 2**20)), packer.flush()])


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    gzipped = packed(2**29)
    return {"gzip": gzipped, "deflate": packed(2**29, "deflate"), "gzip, gzip": gzip.compress(gzipped), "br": gzipped}


@pytest.mark.parametrize("status", [200, 400, 500, 401, 307])
@pytest.mark.parametrize("packing", ["gzip", "deflate", "gzip, gzip", "br"])
def test_a_bomb_takes_no_memory(status: int, packing: str, bombs: dict[str, bytes], images: ImageStore) -> None:
    said = (status, {"content_encoding": packing, "location": "http://127.0.0.1:9"}, bombs[packing])
    tracemalloc.start()
    try:
        outcome = answered(said, images, attempts=1)[0]
        assert isinstance(outcome, Failure)
        assert outcome.reason == {200: "malformed reply", 400: "refused request", 500: "server error"}[status]
    except UserError as stopped:
        assert status in (401, 307)
        assert "key refused" in str(stopped) or "redirected" in str(stopped)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_without_end_is_not_read_to_its_end(status: int, images: ImageStore) -> None:
    outcome, _ = answered((status, {}, b"[" * 2**25), images, attempts=1)
    assert isinstance(outcome, Failure)
    assert outcome.reason in ("malformed reply", "server error")


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_what_was_asked_for_is_unpacked(packing: str, images: ImageStore) -> None:
    body = json.dumps(completion("Four.")).encode()
    body = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
    outcome, server = answered((200, {"content_encoding": packing}, body), images)
    assert outcome.text == "Four."
    assert server.headers[0]["accept-encoding"] == "gzip, deflate"
    outcome, _ = answered((200, {"content_encoding": packing}, body[:-9]), images)
    assert isinstance(outcome, Failure)
    assert outcome.reason == "cut reply"
    said = gzip.compress(json.dumps({"error": {"message": "too many images"}}).encode())
    assert "too many images" in str(answered((400, {"content_encoding": "gzip"}, said), images)[0])


def run(server: ChatServer, images: ImageStore, journal: Path, cap: float, count: int = 40) -> list[Outcome]:
    settings = api(server, attempts=2, patience=1e6, concurrency=3, prices={"m": PRICE}, spending_cap=cap)
    engine = ApiEngine(settings, images, clock=FastClock())
    return [outcome for _, outcome in generate(engine, (request(n) for n in range(count)), journal, "test")]


def test_what_was_billed_for_malformed_replies_counts_in_the_next_run(images: ImageStore, tmp_path: Path) -> None:
    server = ChatServer(lambda _: (200, {}, b"<html>"))
    with server.running():
        for _ in range(4):
            with pytest.raises(UserError, match=r"spending_cap 0\.3"):
                run(server, images, tmp_path / "j", 0.3)
        sent = len(server.bodies)
        with Journal(tmp_path / "j") as journal:
            billed = journal.billed()
        assert 0.2 < billed <= 0.3
        assert 0.02 * sent <= billed, "each was billed at the most that it can have cost"
        server.script = ChatServer.echo
        outcomes = run(server, images, tmp_path / "j", 9.0)
    assert all(isinstance(outcome, Completion) for outcome in outcomes)
    with Journal(tmp_path / "j") as journal:
        assert journal.billed() == billed


def test_what_a_filter_or_a_refusal_cost_counts_in_the_next_run(images: ImageStore, tmp_path: Path) -> None:
    server = ChatServer(lambda _: completion("I will not. " * 3, tokens_in=100, refusal="No."))
    with server.running():
        run(server, images, tmp_path / "j", 9.0, count=5)
        paid = 5 * (100 * 100 + 1000 * 9) / 1e6
        with Journal(tmp_path / "j") as journal:
            assert journal.billed() == pytest.approx(paid)
        with pytest.raises(UserError, match=r"0\.0950 is spent"):
            run(server, images, tmp_path / "j", 0.1, count=5)


def test_a_cap_holds_though_every_run_is_killed(images: ImageStore, tmp_path: Path) -> None:
    cap, journal = 1.2, tmp_path / "j"

    def slow(body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.02)
        return ChatServer.echo(body)

    server = ChatServer(slow)
    with server.running():
        settings = api(server, concurrency=8, patience=1e6, prices={"m": PRICE}, spending_cap=cap)
        for _ in range(12):
            before = len(server.bodies)
            command = [sys.executable, "-m", "tests.loop.ask.engines.api_run", settings.model_dump_json()]
            child = subprocess.Popen([*command, str(journal), "500"], cwd=ROOT, stderr=subprocess.PIPE)
            while child.poll() is None and len(server.bodies) < before + 12:
                time.sleep(0.005)
            if child.poll() is not None:
                break
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
        assert child.returncode not in (None, -signal.SIGKILL), "the cap was never reached"
        assert b"spending_cap 1.2" in child.communicate()[1]
        assert 0.3 < server.spent() <= cap


def test_a_stage_that_is_interrupted_has_spent_what_is_under_way(images: ImageStore, tmp_path: Path) -> None:
    server = ChatServer(lambda body: time.sleep(0.2) or ChatServer.echo(body))  # type: ignore[func-returns-value]
    with server.running():
        engine = ApiEngine(api(server, concurrency=4, prices={"m": PRICE}, spending_cap=9.0), images)
        with Journal(tmp_path / "j") as journal:
            engine.charge_to(journal)
            answers: Any = engine.answer(tasks([request(n) for n in range(20)]))
            next(answers)
            answers.close()
            assert journal.billed() > 0.02 * 2


def test_without_prices_nothing_is_written_down(images: ImageStore, tmp_path: Path) -> None:
    server = ChatServer(lambda _: error(400))
    with server.running():
        engine = ApiEngine(api(server), images, clock=FastClock())
        list(generate(engine, [request(1, sampling=Sampling(max_new_tokens=5))], tmp_path / "j", "test"))
    with Journal(tmp_path / "j") as journal:
        assert journal._db.execute("select count(*) from bills").fetchone() == (0,)
