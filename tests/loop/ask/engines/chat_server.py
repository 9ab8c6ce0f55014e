"""A real server of the chat completions protocol on loopback, and a proxy in front of it that does harm by a script."""

import asyncio
import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mathse.loop.ask.engines.server.budget import Clock
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Request, Sampling, Task
from mathse.params import Api, Price

KEY = "sk-never-to-be-seen-0123456789"
PRICE = Price(input=100.0, output=1000.0)
FINGERPRINT = "engine"

Said = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of a reply."""


def completion(text: Any, tokens_in: int = 0, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": tokens_in, "completion_tokens": len(str(text or "").split())}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Said:
    return status, headers, json.dumps({"error": {"message": message, "code": code}}).encode()


def asked(body: Mapping[str, Any]) -> str:
    """The text of a request's last turn."""
    content = body["messages"][-1]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.take(self, body)  # type: ignore[attr-defined]

    def say(self, said: Said, promised: int = 0) -> None:
        """Send a reply; where more bytes are promised than sent, hang up after those."""
        status, headers, body = said
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body) + promised))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or bool(promised)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, *_: object) -> None:
        """A client that has hung up is no error of the server."""


class Loopback:
    """What both servers are: on a port of loopback, up or down."""

    def __init__(self) -> None:
        self.port = 0
        self.lock = threading.Lock()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def up(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.take = self.take  # type: ignore[attr-defined]
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            for connection in self._server.connections:
                with suppress(OSError):  # closed long ago
                    connection.shutdown(socket.SHUT_RDWR)
            self._server = None

    def take(self, handler: _Handler, body: bytes) -> None:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator["Loopback"]:
        self.up()
        try:
            yield self
        finally:
            self.down()


Script = Callable[[dict[str, Any]], Said | dict[str, Any]]


class ChatServer(Loopback):
    """Says the same to the same request; remembers what it was asked and answered."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__()
        self.script = script or self.echo
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answered: Counter[str] = Counter()
        self.under_way = self.peak = 0

    @staticmethod
    def echo(body: dict[str, Any]) -> dict[str, Any]:
        text = asked(body)
        return completion(f"Answer to {text}", tokens_in=len(text.split()))

    def take(self, handler: _Handler, raw: bytes) -> None:
        body = json.loads(raw)
        with self.lock:
            self.bodies.append(body)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
        try:
            said = self.script(body)
        finally:
            with self.lock:
                self.under_way -= 1
        if isinstance(said, dict):
            with self.lock:
                self.answered[asked(body)] += 1
            said = 200, {}, json.dumps(said).encode()
        handler.say(said)

    def spent(self) -> float:
        """What all answers of `echo` have cost."""
        words = ((len(text.split()), times) for text, times in self.answered.items())
        return sum((PRICE.input * n + PRICE.output * (n + 2)) / 1e6 * times for n, times in words)


FAULTS = (
    "429", "429 after", "429 ms", "500", "503", "stall", "cut", "malformed", "no choices", "no usage", "hang up"
)  # fmt: skip
LOST = frozenset({"cut", "malformed", "no choices"})
"""Faults by which an answer of the server behind is lost."""


class FaultyProxy(Loopback):
    """Passes requests on to a server, or does what its script says: by the request's text, and how often it came."""

    def __init__(self, behind: Loopback, script: Callable[[str, int], str | None], stall: float = 0.8) -> None:
        super().__init__()
        self.script = script
        self.came: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        """Faults done, by kind."""
        self.lost: Counter[str] = Counter()
        """Answers lost, by text."""
        self._behind = behind
        self._stall = stall

    def take(self, handler: _Handler, raw: bytes) -> None:
        text = asked(json.loads(raw))
        with self.lock:
            self.came[text] += 1
            fault = self.script(text, self.came[text])
            self.done[fault or "passed on"] += 1
            self.lost[text] += fault in LOST
        match fault:
            case "429":
                handler.say(error(429, "slow down"))
            case "429 after":
                handler.say(error(429, "slow down", retry_after="7"))
            case "429 ms":
                handler.say(error(429, "slow down", retry_after_ms="250"))
            case "500" | "503":
                handler.say(error(int(fault), "broken"))
            case "stall":
                time.sleep(self._stall)
                handler.close_connection = True
            case "hang up":
                handler.close_connection = True
            case _:
                self._pass_on(handler, raw, fault)

    def _pass_on(self, handler: _Handler, raw: bytes, fault: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._behind.port, timeout=10)
        try:
            connection.request("POST", "/v1/chat/completions", raw, {"content-type": "application/json"})
            reply = connection.getresponse()
            status, body = reply.status, reply.read()
        except OSError:
            handler.close_connection = True
            return
        finally:
            connection.close()
        said = json.loads(body)
        if fault == "no choices":
            said["choices"] = []
        if fault == "no usage":
            del said["usage"]
        body = json.dumps(said).encode()
        if fault == "cut":
            handler.say((status, {}, body[: len(body) // 2]), promised=len(body) - len(body) // 2)
        else:
            handler.say((status, {}, body[:-7] if fault == "malformed" else body))


def harm(seed: int, share: float, faults: Sequence[str] = FAULTS, worst: int = 3) -> Callable[[str, int], str | None]:
    """A script that harms a share of the tries, but no request more than `worst` times."""

    def script(text: str, time_it_came: int) -> str | None:
        draw = random.Random(f"{seed} {text} {time_it_came}")
        return draw.choice(faults) if time_it_came <= worst and draw.random() < share else None

    return script


class FastClock(Clock):
    """Time that passes only by sleeping, and at once."""

    def __init__(self, on_sleep: Callable[[int], None] = lambda _: None) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self._on_sleep = on_sleep

    def now(self) -> float:
        return self.time

    def date(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        self._on_sleep(len(self.slept))
        await asyncio.sleep(0)


def api(server: Loopback, **changes: Any) -> Api:
    settings = {"model": "m", "base_url": server.url, "key_env": "TEST_API_KEY", "timeout": 5.0, "concurrency": 4}
    return Api(**{**settings, **changes})


def request(place: int, text: str = "", **changes: Any) -> Request:
    text = text or f"Question {place} " + " ".join(str(n) for n in range(place % 7))
    fields: dict[str, Any] = {
        "problem_id": f"p{place}",
        "sample_idx": 0,
        "prompt_id": "solve@1",
        "messages": turn(text),
        "image_ids": (),
        "sampling": Sampling(temperature=0.7, top_p=0.9, max_new_tokens=20),
        "seed": 2**40 + place,
    }
    return Request(**{**fields, **changes})


def tasks(requests: Sequence[Request], length: int = 1) -> list[list[Task]]:
    every = [Task(one.key(FINGERPRINT), one) for one in requests]
    return [every[start : start + length] for start in range(0, len(every), length)]
