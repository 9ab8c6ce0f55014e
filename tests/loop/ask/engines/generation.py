"""A step that can be killed: a fixed list of requests through the engine named, each task taken noted in a file.

The engine's own tests, `test_<name>.py` beside this file, open it: `small_engine(folder)`.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import stages  # noqa: F401 (what it sets for every stage)
from mathse import params
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Outcome, Request, Sampling, Task
from mathse.sources.images import encode
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image

BASE = Path(__file__).parents[4] / "models" / "tiny"
COUNT = 96
SAMPLES = 2
PAUSE = 0.005
"""Seconds before each batch: an engine that answers at once would be done before it can be killed."""


def requests() -> list[Request]:
    """Two samples each of many small questions about a picture."""
    picture = pictures()[0].image_id
    return [
        Request(
            f"p{place:04}", sample, "solve-brief@1", turn(f"What is {place} and {place % 9}? " + "So " * (place % 5)),
            (picture,), Sampling(1.0, max_new_tokens=16), seed=1000 * place + sample,
        )
        for place in range(COUNT)
        for sample in range(SAMPLES)
    ]  # fmt: skip


def pictures() -> list[Image]:
    """One picture."""
    import PIL.Image

    return [encode(PIL.Image.linear_gradient("L").resize((112, 112)).convert("RGB"))]


class Watched:
    """An engine, with the keys of the tasks that it takes noted before it sees them."""

    def __init__(self, engine: Engine, notes: Path) -> None:
        self.name, self.fingerprint, self.batch_size = engine.name, engine.fingerprint, engine.batch_size
        self.queued = engine.queued
        self._engine, self._notes = engine, notes

    def answer(self, batches: Iterable[Sequence[Task]], spent: float) -> Iterator[Mapping[str, Outcome]]:
        """See `Engine.answer`."""
        with self._notes.open("a", encoding="utf-8") as notes:
            yield from self._engine.answer(self._noted(batches, notes), spent)

    def _noted(self, batches: Iterable[Sequence[Task]], notes: Any) -> Iterator[Sequence[Task]]:
        for batch in batches:
            notes.writelines(f"{os.getpid()} {task.key}\n" for task in batch)
            notes.flush()
            time.sleep(PAUSE)
            yield batch


def local_model(engine: str = "transformers", **settings: Any) -> LocalModel:
    """The tiny base, small enough for two cores.

    Args:
        engine: The runtime.
        settings: Of `inference` beside it.
    """
    inference = params.Inference(engine=engine, **settings)
    return LocalModel(BASE, params.Compute(threads=1), inference, batch_size=8)


def stored_pictures(folder: Path) -> ImageStore:
    """The requests' images, in a folder."""
    if not (folder / "images.parquet").exists():
        store.write(folder / "images.parquet", Image, pictures())
    return ImageStore(folder / "images.parquet", 10**6)


def main(kind: str, place: str) -> None:
    """Run to the end; what came of it goes to `outcomes.json` in the folder."""
    folder = Path(place)
    opened = import_module(f"tests.loop.ask.engines.test_{kind}").small_engine(folder)
    engine = Watched(opened, folder / "taken.txt")
    made = [
        (label.problem_id, label.sample_idx, outcome.text if isinstance(outcome, Completion) else str(outcome))
        for label, outcome in generate(engine, requests(), folder / "journal.sqlite", kind)
    ]
    (folder / "outcomes.json").write_text(json.dumps(made), encoding="utf-8")
