import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mathse.errors import UserError
from mathse.loop.ask.engines.any_role.api import ApiEngine
from mathse.loop.ask.engines.server.budget import Clock, Purse, estimate
from mathse.loop.ask.engines.server.client import chat_body
from mathse.loop.ask.engines.server.secret import KeyMissing, Secret
from mathse.loop.ask.engines.server.sender import Call, Sender
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Failure, Outcome, Request, Sampling, Task
from mathse.loop.ask.replies import DECIDING, json_schema
from mathse.params import Api, Price
from mathse.sources.images import encode
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image, Message
from tests.loop.ask.engines.chat_server import KEY, PRICE, ChatServer, FastClock, api, completion, error, request, tasks


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    import PIL.Image

    file = tmp_path_factory.mktemp("images") / "images.parquet"
    store.write(file, Image, [encode(PIL.Image.new("RGB", (30 + n, 40), (n, 0, 0))) for n in range(3)])
    return ImageStore(file, max_pixels=10**6)


def image_ids(images: ImageStore) -> list[str]:
    return sorted(images._places)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    made = ChatServer()
    with made.running():
        yield made


def ask(
    settings: Api, images: ImageStore, requests: Sequence[Request], clock: Clock | None = None
) -> dict[str, Outcome]:
    """Outcomes by problem."""
    batches = tasks(requests)
    names = {task.key: task.request.problem_id for batch in batches for task in batch}
    engine = ApiEngine(settings, images, clock=clock or FastClock())
    got: dict[str, Outcome] = {}
    for outcomes in engine.answer(iter(batches), 0.0):
        assert outcomes
        assert not got.keys() & {names[key] for key in outcomes}
        got |= {names[key]: outcome for key, outcome in outcomes.items()}
    assert set(got) == set(names.values())
    return got


def ask_one(settings: Api, images: ImageStore, one: Request, clock: Clock | None = None) -> Outcome:
    (outcome,) = ask(settings, images, [one], clock).values()
    return outcome


def test_a_completion_has_text_tokens_and_cost(
    server: ChatServer, images: ImageStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = api(server, prices={"m": PRICE})
    outcome = ask_one(settings, images, request(1, text="What is two plus two?"))
    assert outcome == Completion("Answer to What is two plus two?", "stop", 5, 7, (100 * 5 + 1000 * 7) / 1e6)
    assert "m: 1 completions, 5 prompt and 7 completion tokens, cost 0.0075" in caplog.text


@pytest.mark.parametrize(
    ("logprobs", "sure"),
    [
        ([{"token": '{"status": "', "logprob": -1}, {"token": 'WRONG"}', "logprob": -0.5}], 0.607),
        ([{"token": '{"status": "WRONG"}'}], None),
        ([{"token": '{"status": "WRONG"}', "logprob": "likely"}], None),
        ("none", None),
    ],
)
def test_a_server_that_tells_probabilities_is_heard(
    logprobs: object, sure: float | None, server: ChatServer, images: ImageStore
) -> None:
    said = completion('{"status": "WRONG"}', tokens_in=2)
    said["choices"][0]["logprobs"] = {"content": logprobs}
    server.script = lambda body: said
    weighed = replace(request(1), deciding=DECIDING["full"])
    outcome = ask_one(api(server, extra={"logprobs": True}), images, weighed)

    assert (outcome.text, outcome.confidence) == ('{"status": "WRONG"}', sure)
    assert server.bodies[0]["logprobs"] is True


def test_what_is_sent(server: ChatServer, images: ImageStore) -> None:
    ask(api(server), images, [request(1), request(2, sampling=Sampling(max_new_tokens=9))])
    sampled, greedy = sorted(server.bodies, key=lambda body: -body["max_tokens"])
    assert sampled == {
        "model": "m", "messages": [{"role": "user", "content": "Question 1 0"}], "max_tokens": 20,
        "temperature": 0.7, "top_p": 0.9, "seed": 1,
    }  # fmt: skip
    assert (greedy["temperature"], greedy["max_tokens"]) == (0, 9)
    assert "seed" not in greedy
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_what_a_server_refuses_is_left_out_and_what_it_wants_is_added(server: ChatServer, images: ImageStore) -> None:
    settings = api(
        server, omit=["seed", "temperature"], length_key="max_completion_tokens", extra={"reasoning_effort": "low"}
    )
    ask(settings, images, [request(1)])
    (body,) = server.bodies
    assert set(body) == {"model", "messages", "max_completion_tokens", "top_p", "reasoning_effort"}


def test_images_go_before_the_first_user_turn_and_are_read_once(
    server: ChatServer, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = ImageStore.encoded

    def encoded(store: ImageStore, image_id: str) -> bytes:
        read.append(image_id)
        return whole(store, image_id)

    monkeypatch.setattr(ImageStore, "encoded", encoded)
    first, second, third = image_ids(images)
    messages = (Message(role="system", content="Be brief."), *turn("Which is larger?"))
    shared = [request(n, messages=messages, image_ids=(first, second), sample_idx=n) for n in range(3)]
    ask(api(server, concurrency=1), images, [*shared, request(9, image_ids=(third,))])
    assert read == [first, second, third]
    system, user = server.bodies[0]["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    kinds = [part["type"] for part in user["content"]]
    assert kinds == ["image_url", "image_url", "text"]
    urls = [part["image_url"]["url"] for part in user["content"][:2]]
    assert urls[0] != urls[1]
    assert all(url.startswith("data:image/png;base64,iVBORw0KGgo") for url in urls)


def test_a_bad_image_fails_its_request_alone(server: ChatServer, images: ImageStore) -> None:
    one = image_ids(images)[0]
    bad = request(1, image_ids=("nowhere",)), request(2, image_ids=(one,) * 3)
    got = ask(api(server, images=2), images, [*bad, request(3, image_ids=(one, one))])
    assert isinstance(got["p3"], Completion)
    assert [got[name].reason for name in ("p1", "p2")] == ["missing image", "too many images"]  # type: ignore[union-attr]
    assert len(server.bodies) == 1


@pytest.mark.parametrize("mode", ["off", "object", "schema"])
def test_json_is_asked_for_where_a_reply_must_be_json(mode: str, server: ChatServer, images: ImageStore) -> None:
    schema = json_schema(annotation=True)
    ask(api(server, json_mode=mode, concurrency=1), images, [request(1, json_schema=schema), request(2)])
    judged, solved = (body.get("response_format") for body in server.bodies)
    assert solved is None
    assert (
        judged
        == {
            "off": None,
            "object": {"type": "json_object"},
            "schema": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": json.loads(schema)},
            },
        }[mode]
    )


def test_concurrency_reaches_its_limit_and_stays_there(images: ImageStore) -> None:
    together = threading.Barrier(4)

    def script(body: dict[str, Any]) -> dict[str, Any]:
        together.wait(timeout=10)  # breaks, and the test with it, unless four are there at once
        return ChatServer.echo(body)

    server = ChatServer(script)
    with server.running():
        got = ask(api(server, concurrency=4), images, [request(n) for n in range(20)])
    assert all(isinstance(outcome, Completion) for outcome in got.values())
    assert server.peak == 4


def test_tasks_are_taken_when_there_is_room_and_not_before(images: ImageStore) -> None:
    go = threading.Event()
    server = ChatServer(lambda body: (go.wait(10) and ChatServer.echo(body)) or completion(""))
    taken: list[int] = []
    done = 0

    def batches() -> Iterator[list[Task]]:
        for place, batch in enumerate(tasks([request(n) for n in range(12)])):
            assert place - done < 3, "taken before there was room"
            taken.append(place)
            if place == 2:
                threading.Timer(0.1, go.set).start()
            yield batch

    with server.running():
        for outcomes in ApiEngine(api(server, concurrency=3), images).answer(batches(), 0.0):
            done += len(outcomes)
    assert taken == list(range(12))
    assert done == 12


def test_what_arrived_meanwhile_comes_together(server: ChatServer) -> None:
    settings, purse = api(server), Purse(None)
    with Sender(settings, Secret(KEY), purse, FastClock()) as sender:
        for (task,) in tasks([request(n) for n in range(8)]):
            assert purse.reserve(0.0)
            sender.send(Call(task, chat_body(task.request, [], settings), estimate(task.request, 1), 0.0))
        while sender._arrivals.qsize() < 8:
            threading.Event().wait(0.01)
        assert len(list(sender.arrivals(wait=True))) == 8
        assert list(sender.arrivals(wait=False)) == []


def test_leaving_in_the_middle_leaves_nothing_behind(server: ChatServer, images: ImageStore) -> None:
    answers: Any = ApiEngine(api(server), images).answer(iter(tasks([request(n) for n in range(50)])), 0.0)
    next(answers)
    answers.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "api"]


def test_an_error_of_the_work_list_is_not_swallowed(server: ChatServer, images: ImageStore) -> None:
    def batches() -> Iterator[list[Task]]:
        yield from tasks([request(1)])
        raise RuntimeError("the list is damaged")

    with pytest.raises(RuntimeError, match="damaged"):
        list(ApiEngine(api(server), images).answer(batches(), 0.0))


REPLIES: list[tuple[Any, str, bool]] = [
    (error(400, "bad request"), "refused request", False),
    (error(403, "not for you"), "refused request", False),
    (error(413, "too large"), "refused request", False),
    (error(400, "policy", "content_filter"), "content filter", False),
    (completion("Half", finish="content_filter"), "content filter", False),
    (completion("", refusal="I will not."), "refusal", False),
    (error(429), "rate limited", True),
    (error(500), "server error", True),
    (error(503), "server error", True),
    (error(408), "timeout", True),
    ((200, {}, b"<html>Gateway</html>"), "malformed reply", True),
    ((200, {}, b""), "malformed reply", True),
    ((200, {}, json.dumps(completion("half \ud800 a character")).encode()), "malformed reply", True),
    ({"error": {"message": "the provider is busy", "code": 502}}, "server error", True),
    ({"error": "no", "choices": []}, "server error", True),
    (completion("Half", finish="SAFETY"), "content filter", False),
    (completion("Half", finish="ERROR_TOXIC"), "content filter", False),
    (completion("Half", finish="network_error"), "server error", True),
    (completion("Half", finish="time_limit"), "server error", True),
    (completion("Half", finish="abort"), "server error", True),
    (completion([{"type": "refusal", "refusal": "No."}], refusal="No."), "refusal", False),
    (completion(4), "malformed reply", True),
    ((200, {"content_encoding": "br"}, b"\x0b\x02\x80four\x03"), "malformed reply", True),
    ({**completion("Four."), "choices": []}, "malformed reply", True),
]


@pytest.mark.parametrize(("said", "reason", "passing"), REPLIES)
def test_every_failure_is_typed(said: Any, reason: str, passing: bool, images: ImageStore) -> None:
    server = ChatServer(lambda body: said if asked_first(body) else ChatServer.echo(body))
    with server.running():
        got = ask(api(server, attempts=3, patience=1e6), images, [request(1), request(2)])
    assert isinstance(got["p2"], Completion)
    outcome = got["p1"]
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.retryable) == (reason, passing)
    assert outcome.detail
    assert len(server.bodies) == 1 + (3 if passing else 1)


def asked_first(body: dict[str, Any]) -> bool:
    return "Question 1" in json.dumps(body["messages"])


def test_how_a_completion_ended(images: ImageStore) -> None:
    said = {"1": completion("Cut", finish="length"), "2": completion(None, finish="length"), "3": completion("")}
    server = ChatServer(lambda body: said[body["messages"][0]["content"].split()[1]])
    with server.running():
        got = ask(api(server), images, [request(n) for n in (1, 2, 3)])
    ends = [(outcome.text, outcome.finish_reason) for _, outcome in sorted(got.items())]
    assert ends == [("Cut", "length"), ("", "length"), ("", "stop")]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "key refused.*api.key_env"),
        (error(404, "The model `m` does not exist"), "unknown model.*api.model"),
        (error(402, "pay"), "quota used up.*top the account up"),
        (error(429, "pay", "insufficient_quota"), "quota used up"),
    ],
)
def test_what_no_request_survives_stops_the_stage(said: Any, words: str, images: ImageStore) -> None:
    server = ChatServer()
    server.script = lambda body: said if len(server.bodies) > 3 else ChatServer.echo(body)
    got: dict[str, Outcome] = {}
    with server.running(), pytest.raises(UserError, match=words) as stopped:
        for outcomes in ApiEngine(api(server, concurrency=2), images).answer(tasks([request(n) for n in range(99)])):
            got |= outcomes
    assert len(server.bodies) <= 5
    assert sum(isinstance(outcome, Completion) for outcome in got.values()) == 3
    assert "3 completions of this run" in str(stopped.value)
    assert server.url in str(stopped.value)
    assert KEY not in str(stopped.value)


def test_the_key_comes_from_the_environment(
    server: ChatServer, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-and-nobody-else")
    assert ApiEngine(Api(model="m"), images)
    assert isinstance(ask_one(api(server, key_env=None), images, request(1)), Completion)
    assert server.headers.pop()["authorization"] == "Bearer none"
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("TEST_API_KEY")
    for name in ("TEST_API_KEY", None):
        with pytest.raises(KeyMissing, match=name or "OPENAI_API_KEY"):
            ApiEngine(Api(model="m", key_env=name), images)
    assert isinstance(ask_one(api(server), images, request(1)), Completion)
    assert server.headers[0]["authorization"] == "Bearer none"
    assert KEY not in repr(Secret(KEY))
    monkeypatch.setenv("TEST_API_KEY", "sk-…cut off")
    with pytest.raises(KeyMissing, match="TEST_API_KEY: holds characters that no key has"):
        ApiEngine(api(server), images)


def test_the_key_is_nowhere(images: ImageStore, caplog: pytest.LogCaptureFixture) -> None:
    echoes: list[Any] = [completion(f"You sent {KEY}"), error(400, f"bad key {KEY}"), error(500, f"{KEY} broke")]
    echoes.append((200, {}, f"<html>{KEY}".encode()))
    server = ChatServer(lambda body: echoes[int(asked_number(body))])
    with caplog.at_level(logging.DEBUG), server.running():
        got = ask(api(server, attempts=2, patience=1e6), images, [request(n) for n in range(4)])
    assert {header["authorization"] for header in server.headers} == {f"Bearer {KEY}"}
    assert "[key]" in repr(got["p0"]) and "[key]" in repr(got["p1"]) and "[key]" in repr(got["p3"])
    assert KEY not in repr(got)
    assert caplog.records
    assert KEY not in caplog.text


def asked_number(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"].split()[1])


def test_a_reply_without_usage_is_kept_and_costs_the_most_it_can(images: ImageStore) -> None:
    server = ChatServer(lambda body: {k: v for k, v in ChatServer.echo(body).items() if k != "usage"})
    with server.running():
        outcome = ask_one(api(server, prices={"m": PRICE}), images, request(1))
    assert isinstance(outcome, Completion)
    assert (outcome.tokens_in, outcome.tokens_out) == (0, 0)
    assert outcome.cost > 1000 * 20 / 1e6


def test_more_prompt_tokens_than_expected_are_told_and_learnt(
    images: ImageStore, caplog: pytest.LogCaptureFixture
) -> None:
    server = ChatServer(lambda body: completion("Four.", tokens_in=5000))
    with server.running():
        ask(api(server, concurrency=1, prices={"m": PRICE}), images, [request(n) for n in range(3)])
    assert caplog.text.count("raise api.image_tokens") == 1


def test_the_fingerprint_is_what_decides_a_completion(server: ChatServer, images: ImageStore) -> None:
    def fingerprint(**changes: Any) -> str:
        return ApiEngine(api(server, **changes), images).fingerprint

    same = {"key_env": "OTHER", "concurrency": 9, "timeout": 1, "attempts": 2, "patience": 1, "tokens_per_minute": 5}
    same |= {"prices": {"m": Price(input=1, output=1)}, "spending_cap": 3, "image_tokens": 7}
    assert fingerprint(**same) == fingerprint()
    other: list[dict[str, Any]] = [
        {"model": "n"}, {"base_url": "http://elsewhere/v1"}, {"json_mode": "schema"}, {"image_side": 100},
        {"image_bytes": 5000}, {"images": 1}, {"omit": ["seed"]}, {"extra": {"reasoning_effort": "low"}},
    ]  # fmt: skip
    made = [fingerprint(**changes) for changes in other]
    assert len({fingerprint(), *made}) == len(other) + 1
    assert ApiEngine(api(server), images).name == "m"


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": {"seed": 1}}, {"spending_cap": 5}, {"base_url": "https://user:secret@host/v1"},
        {"base_url": "host/v1"}, {"key_env": "sk-123"}, {"concurrency": 0}, {"timeout": 0},
    ],
)  # fmt: skip
def test_params_out_of_bounds(changes: dict[str, Any], server: ChatServer) -> None:
    with pytest.raises(ValueError, match="validation error"):
        api(server, **changes)


def test_an_engine_opened_by_params_of_the_teacher(
    server: ChatServer, images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mathse import layout, params
    from mathse.loop.ask.engines.teacher import open_teacher
    from mathse.loop.solve import solving

    monkeypatch.setattr(layout, "IMAGES", images.file)
    teacher = params.Teacher(engine="api", api=api(server), max_new_tokens=77, temperature=0.5)
    settings = params.load().model_copy(update={"teacher": teacher})
    engine = open_teacher(settings)
    assert engine.name == "m"
    one = request(1, sampling=solving(teacher))
    assert list(engine.answer(iter(tasks([one])), 0.0))
    assert (server.bodies[0]["max_tokens"], server.bodies[0]["temperature"]) == (77, 0.5)
