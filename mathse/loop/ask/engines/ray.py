"""Any local engine on the actors of a Ray cluster, one model per actor: blocks of requests out, outcomes in.

A block is some whole batches, cut where they would be cut without Ray, so that the outcomes are the same; it travels
with its images. An actor has two blocks in hand, which feed one stream of its engine, and outcomes stream back as they
come: an engine with a queue of its own never runs dry at a block's end. Where an actor is lost (its process is killed,
its machine goes), another takes its place, and what had not come back of its blocks is tried again, each block by
itself: so it shows which of them is to blame. The journal stays with the stage, and knows nothing of Ray.

The model's folder must be at the same path on every machine of the cluster.
"""

import logging
import os
import queue
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import PIL.Image

from mathse.errors import UserError
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.protocol import Failure, Outcome, Request, Task
from mathse.params import Ray
from mathse.tables.images import MISSING, ImageError, StoredImages, decode

log = logging.getLogger(__name__)

LOADING_LINE = 30.0
"""Seconds between lines that say that a model is still being loaded."""
BLOCK = 4
"""Requests of a block, as a multiple of those that an engine has in flight: fewer, and it waits for the next block."""

Packed = tuple[list[list[tuple[str, str]]], Mapping[str, bytes]]
"""Batches of keys and requests as JSON, and their images."""


class RayError(UserError):
    """Ray is not installed, the cluster cannot be reached, or has no room for the actors."""


class Block:
    """Batches that one actor is given together; those of their tasks that have no outcome yet."""

    def __init__(self, batches: Iterable[Sequence[Task]]) -> None:
        self.batches = [list(batch) for batch in batches]
        self.tries = 0
        """How often an actor was lost that had this block in hand, and no other."""
        self.suspect = False
        """Whether it must be alone in an actor's hands, as one that had it was lost."""

    @property
    def keys(self) -> set[str]:
        """Of the tasks without an outcome."""
        return {task.key for batch in self.batches for task in batch}

    def strike(self, keys: Iterable[str]) -> None:
        """Forget the tasks whose outcomes have come."""
        done = set(keys)
        self.batches = [left for batch in self.batches if (left := [task for task in batch if task.key not in done])]


@dataclass
class BlockImages:
    """The images of the block from which an actor takes its tasks, as they came along with it."""

    max_pixels: int
    encoded: Mapping[str, bytes]

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: `missing image`, or as `decode`.
        """
        if image_id not in self.encoded:
            raise ImageError(MISSING, f"{image_id} was not sent along")
        return decode(self.encoded[image_id], self.max_pixels)


class Actor:
    """What runs on the cluster: an engine, fed by `take` while `answer` runs."""

    def __init__(self, model: LocalModel, max_pixels: int) -> None:
        self._images = BlockImages(max_pixels, {})
        self._engine = model.open(self._images)
        self._taken: queue.SimpleQueue[Packed | None] = queue.SimpleQueue()
        self._under_way = 0

    def describe(self) -> tuple[str, str, int, bool]:
        """The engine's name, fingerprint and batch size, and whether it has a queue of its own."""
        return self._engine.name, self._engine.fingerprint, self._engine.batch_size, self._engine.queued

    def take(self, block: Packed | None) -> None:
        """Take a block in hand; None: there are no more."""
        self._taken.put(block)

    def answer(self) -> Iterator[dict[str, Outcome]]:
        """Outcomes of the blocks taken, as they come."""
        self._under_way = 0
        for outcomes in self._engine.answer(self._batches(), 0.0):
            self._under_way -= len(outcomes)
            if outcomes:
                yield dict(outcomes)

    def _batches(self) -> Iterator[Sequence[Task]]:
        """The batches of the blocks taken; an empty one where there is none for now, but something is under way."""
        while True:
            try:
                block = self._taken.get(block=not self._under_way)
            except queue.Empty:
                yield []
                continue
            if block is None:
                return
            batches, self._images.encoded = block
            for batch in batches:
                self._under_way += len(batch)
                yield [Task(key, Request.from_json(text)) for key, text in batch]


@dataclass
class _Hand:
    """An actor at work: the stream of its outcomes, and the blocks that it has."""

    actor: Any
    stream: Any
    blocks: list[Block]


class RayEngine:
    """Completes requests on a cluster; see `mathse.loop.ask.protocol.Engine`."""

    name: str
    fingerprint: str
    batch_size: int
    queued: bool

    def __init__(self, model: LocalModel, images: StoredImages, settings: Ray) -> None:
        """Connect, or start a cluster on this machine, and load the model on every actor.

        Raises:
            RayError: Ray is not installed, the cluster cannot be reached, or no actor could load the model.
        """
        self._ray = _connect(settings)
        self._images = images
        self._settings = settings
        self._model = model
        # A thread answers; others take blocks meanwhile.
        options = {"num_cpus": settings.cpus, "num_gpus": settings.gpus, "max_restarts": 0, "max_concurrency": 4}
        self._class = self._ray.remote(**options)(Actor)
        has = self._ray.cluster_resources()
        for resource, key in (("CPU", "cpus"), ("GPU", "gpus")):
            each = getattr(settings, key)
            if each * settings.actors > has.get(resource, 0):  # an actor that fits nowhere would be waited for for ever
                raise RayError(
                    f"inference.ray: {settings.actors} actors of {each:g} {key} do not fit into a cluster of "
                    f"{has.get(resource, 0):g}; set actors or {key} lower"
                )
        self.actors = [self._start_actor() for _ in range(settings.actors)]
        description = self.actors[0].describe.remote()
        while not self._ray.wait([description], timeout=LOADING_LINE)[0]:
            log.info("waiting for the first actor: the cluster is busy, or the model is large")
        try:
            self.name, self.fingerprint, self.batch_size, self.queued = self._ray.get(description)
        except self._ray.exceptions.RayError as error:
            raise RayError(f"no actor could load {model.folder}: {_cause(error)}") from error
        in_flight = model.inference.vllm.in_flight if self.queued else self.batch_size
        self.block = settings.block or BLOCK * in_flight

    def _start_actor(self) -> Any:
        return self._class.remote(self._model, self._images.max_pixels)

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`; a local model is free of charge."""
        coming, lost = self._blocks(batches), deque[Block]()
        self.actors = self.actors or [self._start_actor() for _ in range(self._settings.actors)]
        hands = [self._at_work(actor) for actor in self.actors]
        try:
            while True:
                for hand in hands:
                    while block := self._next_block(hand, lost, coming):
                        hand.blocks.append(block)
                        hand.actor.take.remote(self._packed(block))
                if not any(hand.blocks for hand in hands):
                    break
                if outcomes := self._arrived(hands, lost):
                    yield outcomes
            for hand in hands:
                hand.actor.take.remote(None)
                with suppress(self._ray.exceptions.RayError):  # lost when all was done
                    for rest in hand.stream:
                        self._ray.get(rest)
            hands = []
        finally:
            for hand in hands:  # given up amid the work: what it has in hand is nobody's any more
                self._ray.kill(hand.actor)
                self.actors = []

    def _arrived(self, hands: list[_Hand], lost: deque[Block]) -> Mapping[str, Outcome]:
        """Wait for the next outcomes of any actor; the blocks of one that is lost go to the `lost`."""
        (ready,), _ = self._ray.wait([hand.stream for hand in hands if hand.blocks], num_returns=1)
        place = next(place for place, hand in enumerate(hands) if hand.stream is ready)
        try:
            outcomes: Mapping[str, Outcome] = self._ray.get(next(ready))
        except self._ray.exceptions.RayTaskError as error:  # the engine as a whole cannot go on
            raise RayError(f"an actor cannot go on: {_cause(error)}; what was finished is journaled") from error
        except self._ray.exceptions.RayError as error:
            return self._replace(place, hands, lost, error)
        for block in hands[place].blocks:
            block.strike(outcomes)
        hands[place].blocks = [block for block in hands[place].blocks if block.batches]
        return outcomes

    def _at_work(self, actor: Any) -> _Hand:
        return _Hand(actor, actor.answer.options(num_returns="streaming").remote(), [])

    def _next_block(self, hand: _Hand, lost: deque[Block], coming: Iterator[Block]) -> Block | None:
        """What an actor is given next, if anything: while it has one block's worth to do, it gets another."""
        if lost:
            return None if hand.blocks else lost.popleft()
        if any(block.suspect for block in hand.blocks) or sum(len(block.keys) for block in hand.blocks) > self.block:
            return None
        return next(coming, None)

    def _replace(self, place: int, hands: list[_Hand], lost: deque[Block], error: Exception) -> dict[str, Outcome]:
        """Put another actor in place of one that was lost; its blocks join the `lost`, or have failed too often."""
        log.warning("actor %d was lost (%s); another takes its place", place, type(error).__name__)
        blocks = hands[place].blocks
        self.actors[place] = self._start_actor()
        hands[place] = self._at_work(self.actors[place])
        failures: dict[str, Outcome] = {}
        for block in blocks:
            block.suspect = True
            block.tries += len(blocks) == 1  # else it may have been the other
            if block.tries < self._settings.attempts:
                lost.append(block)
            else:
                failure = Failure("actor lost", f"{block.tries} times: {_cause(error)}")
                failures |= dict.fromkeys(block.keys, failure)
        return failures

    def _blocks(self, batches: Iterable[Sequence[Task]]) -> Iterator[Block]:
        block: list[Sequence[Task]] = []
        for batch in batches:
            block.append(batch)
            if sum(map(len, block)) >= self.block:
                yield Block(block)
                block = []
        if block:
            yield Block(block)

    def _packed(self, block: Block) -> Packed:
        """A block as it travels; images that cannot be read are missing there, request by request."""
        images: dict[str, bytes] = {}
        for image_id in {image_id for batch in block.batches for task in batch for image_id in task.request.image_ids}:
            try:
                images[image_id] = self._images.encoded(image_id)
            except ImageError as error:
                log.warning("%s", error)
        return [[(task.key, task.request.to_json()) for task in batch] for batch in block.batches], images


def _connect(settings: Ray) -> Any:
    """The module, connected to a cluster; nothing is reported to anybody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise RayError(
            f"inference.ray is set, but Ray cannot be imported ({error}): pip install -e '.[ray]'"
        ) from error
    local: dict[str, Any] = {"num_cpus": max(1, round(settings.actors * settings.cpus)), "include_dashboard": False}
    try:
        ray.init(
            address=settings.address,
            ignore_reinit_error=True,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if settings.address else local),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = settings.address or "this machine"
        raise RayError(
            f"inference.ray.address: no Ray cluster at {where} ({error}); start one with `ray start`"
        ) from error
    return ray


def _cause(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
