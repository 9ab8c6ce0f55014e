"""Any local engine on the actors of a Ray cluster, one model per actor: blocks of requests out, outcomes in.

A block is some whole batches, cut where they would be cut without Ray, so that the outcomes are the same; it travels
with its images. It is in one actor's hands at a time. Where an actor is lost (its process is killed, its machine goes),
another takes its place and the block is tried again: nothing of it was yielded, so nothing is doubled. The journal
stays with the stage, and knows nothing of Ray.

The model's folder must be at the same path on every machine of the cluster.
"""

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

Packed = list[list[tuple[str, str]]]
"""Batches of keys and requests as JSON."""


class RayError(UserError):
    """Ray is not installed, the cluster cannot be reached, or has no room for the actors."""


@dataclass
class Block:
    """Batches that one actor is given together."""

    batches: list[Sequence[Task]] = field(default_factory=list)
    tries: int = 0

    @property
    def tasks(self) -> list[Task]:
        """All of its tasks."""
        return [task for batch in self.batches for task in batch]


@dataclass
class BlockImages:
    """The images of the block that an actor works on, as they came along with it."""

    max_pixels: int
    encoded: Mapping[str, bytes] = field(default_factory=dict)

    def load(self, image_id: str) -> PIL.Image.Image:
        """The image as RGB.

        Raises:
            ImageError: `missing image`, or as `decode`.
        """
        if image_id not in self.encoded:
            raise ImageError(MISSING, f"{image_id} was not sent along")
        return decode(self.encoded[image_id], self.max_pixels)


class Actor:
    """What runs on the cluster: an engine, and nothing that is remembered from block to block."""

    def __init__(self, model: LocalModel, max_pixels: int) -> None:
        self._images = BlockImages(max_pixels)
        self._engine = model.open(self._images)

    def describe(self) -> tuple[str, str, int, bool]:
        """The engine's name, fingerprint and batch size, and whether it has a queue of its own."""
        return self._engine.name, self._engine.fingerprint, self._engine.batch_size, self._engine.queued

    def answer(self, packed: Packed, images: Mapping[str, bytes]) -> dict[str, Outcome]:
        """Complete a block."""
        self._images.encoded = images
        batches = ([Task(key, Request.from_json(text)) for key, text in batch] for batch in packed)
        return {key: outcome for outcomes in self._engine.answer(batches, 0.0) for key, outcome in outcomes.items()}


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
        self._class = self._ray.remote(num_cpus=settings.cpus, num_gpus=settings.gpus, max_restarts=0)(Actor)
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

    def _start_actor(self) -> Any:
        return self._class.remote(self._model, self._images.max_pixels)

    def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`; a local model is free of charge."""
        coming, again = self._blocks(batches), deque[Block]()
        running: dict[Any, tuple[int, Block]] = {}
        free = list(range(len(self.actors)))[::-1]
        while True:
            while free and (block := again.popleft() if again else next(coming, None)) is not None:
                place = free.pop()
                running[self._send(place, block)] = (place, block)
            if not running:
                return
            (done,), _ = self._ray.wait(list(running), num_returns=1)
            place, block = running.pop(done)
            free.append(place)
            outcomes = self._outcomes(done, place, block)
            if outcomes is None:
                again.append(block)
            else:
                yield outcomes

    def _blocks(self, batches: Iterable[Sequence[Task]]) -> Iterator[Block]:
        block = Block()
        for batch in batches:
            block.batches.append(batch)
            if len(block.tasks) >= self._settings.block:
                yield block
                block = Block()
        if block.batches:
            yield block

    def _send(self, place: int, block: Block) -> Any:
        """Hand a block to an actor; images that cannot be read are missing there, request by request."""
        packed = [[(task.key, task.request.to_json()) for task in batch] for batch in block.batches]
        images: dict[str, bytes] = {}
        for image_id in {image_id for task in block.tasks for image_id in task.request.image_ids}:
            try:
                images[image_id] = self._images.encoded(image_id)
            except ImageError as error:
                log.warning("%s", error)
        return self.actors[place].answer.remote(packed, images)

    def _outcomes(self, done: Any, place: int, block: Block) -> Mapping[str, Outcome] | None:
        """What an actor made of a block; None if the actor was lost and the block shall be tried again."""
        try:
            outcomes: dict[str, Outcome] = self._ray.get(done)
            return outcomes
        except self._ray.exceptions.RayTaskError as error:  # the engine as a whole cannot go on
            raise RayError(f"an actor cannot go on: {_cause(error)}; what was finished is journaled") from error
        except self._ray.exceptions.RayError as error:
            block.tries += 1
            log.warning("actor %d was lost (%s); another takes its place", place, type(error).__name__)
            self.actors[place] = self._start_actor()
            if block.tries < self._settings.attempts:
                return None
            failure = Failure("actor lost", f"{block.tries} times: {_cause(error)}")
            return {task.key: failure for task in block.tasks}


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
