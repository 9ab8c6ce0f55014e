"""A local cluster of two actors, with real models in them."""

import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import ray

from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.engines.ray import Actor, RayEngine, RayError
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Failure, Outcome, Request, Sampling, Task
from mathse.params import Compute, Inference, Ray
from mathse.tables.images import ImageStore
from tests.loop.ask.engines import generation
from tests.loop.ask.engines.noise import IMAGES

BATCH = 4


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LocalModel:
    return LocalModel(tiny_model, Compute(threads=1), Inference(), BATCH)


@pytest.fixture(scope="module")
def engine(model: LocalModel, images: ImageStore) -> Iterator[RayEngine]:
    yield RayEngine(model, images, Ray(actors=2, cpus=1, block=8))
    ray.shutdown()


def small_engine(folder: Path) -> Engine:
    return RayEngine(generation.local_model(), generation.stored_pictures(folder), Ray(actors=1, block=8))


class QueueEngine:
    """An engine with a queue of its own: at each step three of at most 16 are done, and say how many there were."""

    name, fingerprint, batch_size, queued = "queue", "queue's rules", 4, True

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        coming, inside, taken = iter(batches), list[Task](), list[Task]()
        while True:
            while len(inside) < 16 and (taken or (taken := list(next(coming, ())))):
                inside.append(taken.pop(0))
            if not inside:
                return
            if any(task.request.problem_id == DOOM for task in inside[:3]):
                os._exit(1)
            yield {task.key: Completion(str(len(inside)), "stop", 0, 0) for task in inside[:3]}
            inside = inside[3:]


class QueueModel:
    """Of `QueueEngine`."""

    folder, inference = Path("nowhere"), Inference()

    def open(self, _: object) -> QueueEngine:
        return QueueEngine()


DOOM = "p113"
"""The request that ends the process of whatever works on it."""


def blocks(count: int, doomed: bool = False) -> list[list[Task]]:
    """Batches of four tasks."""
    every = [
        Task(f"k{n}", request) for n, request in enumerate(requests(count)) if doomed or request.problem_id != DOOM
    ]
    return [every[start : start + 4] for start in range(0, len(every), 4)]


def test_an_actor_is_fed_before_it_runs_dry() -> None:
    actor, batches = Actor(QueueModel(), 1), blocks(96)  # type: ignore[arg-type]
    given = [batches[start : start + 4] for start in range(0, len(batches), 4)]
    to_do, inside, steps = 0, list[int](), 0

    def give() -> None:
        nonlocal to_do
        while to_do <= 16:
            block = given.pop(0) if given else None
            actor.take(
                ([[(task.key, task.request.to_json()) for task in batch] for batch in block], {}) if block else None
            )
            to_do += sum(map(len, block)) if block else 10**6

    give()
    for outcomes in actor.answer():
        to_do -= len(outcomes)
        inside.append(int(next(iter(outcomes.values())).text))
        give()
        steps += 1
    assert steps == 32
    assert min(inside[:-6]) >= 13, "it had next to nothing to do between two blocks"


def test_blocks_stream_through_real_actors_and_the_block_to_blame_fails_alone(images: ImageStore) -> None:
    engine = RayEngine(QueueModel(), images, Ray(actors=2))  # type: ignore[arg-type]
    assert engine.block == 4 * Inference().vllm.in_flight
    engine.block = 16
    try:
        answers: Any = engine.answer(blocks(300))
        next(answers)
        answers.close()
        got: dict[str, Outcome] = {}
        yielded = 0
        for outcomes in engine.answer(blocks(300, doomed=True)):
            assert not got.keys() & outcomes.keys(), "an outcome came twice"
            got |= outcomes
            yielded += 1
    finally:
        ray.shutdown()
    failed = {key for key, outcome in got.items() if isinstance(outcome, Failure)}
    assert len(got) == 300
    assert "k113" in failed
    assert failed <= {f"k{n}" for n in range(112, 128)}, "another block has failed with the one that is to blame"
    assert yielded > 90, "outcomes came by the block"


def requests(count: int, temperature: float = 1.0) -> list[Request]:
    return [
        Request(
            f"p{place:03}", 0, "solve-brief@1", turn("Find angle C " + "1 " * (place % 7)),
            (IMAGES[place % len(IMAGES)].image_id,), Sampling(temperature, max_new_tokens=10), seed=place,
        )
        for place in range(count)
    ]  # fmt: skip


def process(actor: Any) -> int:
    """The process that an actor runs in."""
    pid: int = ray.get(actor.__ray_call__.remote(lambda _: os.getpid()))
    return pid


class KillsAnActor:
    """The engine, one of whose actors is killed when the first outcomes have come."""

    def __init__(self, engine: RayEngine) -> None:
        self.name, self.fingerprint, self.batch_size = engine.name, engine.fingerprint, engine.batch_size
        self.queued = engine.queued
        self._engine = engine

    def answer(self, batches: Iterator[Sequence[Task]], spent: float) -> Iterator[Mapping[str, Outcome]]:
        victim = process(self._engine.actors[1])
        for place, outcomes in enumerate(self._engine.answer(batches, spent)):
            if place == 0:
                os.kill(victim, signal.SIGKILL)
            yield outcomes


def test_the_table_is_the_same_though_an_actor_is_killed(
    engine: RayEngine, model: LocalModel, images: ImageStore, tmp_path: Path
) -> None:
    asked = requests(60)
    alone = list(generate(model.open(images), asked, tmp_path / "alone.sqlite", "alone"))
    before = list(engine.actors)
    spread = list(generate(KillsAnActor(engine), asked, tmp_path / "ray.sqlite", "ray"))  # type: ignore[arg-type]
    assert spread == alone
    assert all(isinstance(outcome, Completion) for _, outcome in spread)
    assert engine.actors != before, "no actor was lost"


def test_an_engine_on_actors_is_the_engine(engine: RayEngine, model: LocalModel, images: ImageStore) -> None:
    here = model.open(images)
    assert (engine.name, engine.fingerprint, engine.batch_size) == (here.name, here.fingerprint, BATCH)


def test_a_missing_image_fails_its_request_alone(engine: RayEngine) -> None:
    good, bad = requests(2)
    bad = Request(bad.problem_id, 0, bad.prompt_id, bad.messages, ("0" * 64,), bad.sampling, 0)
    (outcomes,) = engine.answer([[Task("good", good), Task("bad", bad)]])
    assert isinstance(outcomes["good"], Completion)
    assert isinstance(outcomes["bad"], Failure)
    assert outcomes["bad"].reason == "missing image"


def test_a_block_that_kills_every_actor_is_a_typed_failure(engine: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    start = engine._start_actor

    def doomed() -> Any:
        actor = start()
        os.kill(process(actor), signal.SIGKILL)
        return actor

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_start_actor", doomed)
        os.kill(process(engine.actors[0]), signal.SIGKILL)
        os.kill(process(engine.actors[1]), signal.SIGKILL)
        (outcomes,) = engine.answer([[Task(request.problem_id, request) for request in requests(5)]])
    assert set(outcomes) == {request.problem_id for request in requests(5)}
    assert {outcome.reason for outcome in outcomes.values() if isinstance(outcome, Failure)} == {"actor lost"}


def test_a_cluster_that_is_too_small_is_an_error(engine: RayEngine, model: LocalModel, images: ImageStore) -> None:
    with pytest.raises(RayError, match=r"inference\.ray: 3 actors of 1 cpus do not fit into a cluster of 2"):
        RayEngine(model, images, Ray(actors=3))
