"""Pre-trains the tiny base on drills (`mathse.synthetic.curriculum`), with the same trainer as every other training.

Out: a model folder like any other. First come the drills that teach to read and to calculate, then all of them. Drills
of like length share a batch, which halves the padding.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from mathse.engines.loading import settle
from mathse.params import Base, Compute, Train
from mathse.synthetic.curriculum import Drill, drill
from mathse.synthetic.tiny import build_model, build_processor, build_tokenizer
from mathse.synthetic.vocabulary import vocabulary
from mathse.training.sft import TrainingReport, config, fit, report

_POOL = 8
"""Batches whose drills are sorted by length together."""


def pretrain(settings: Base, compute: Compute, out: Path) -> TrainingReport:
    """Build the tiny base model.

    Args:
        settings: Steps, batch size, learning rate and seed.
        compute: Device, threads and precision.
        out: Folder of the new model; replaced if there is one.
    """
    began = time.monotonic()
    settle(compute)
    tokenizer = build_tokenizer(vocabulary())
    how = Train(
        epochs=1, batch_size=settings.batch_size, learning_rate=settings.learning_rate, warmup=0.03,
        weight_decay=0.05, beta2=0.95, scheduler="cosine",
    )  # fmt: skip
    arguments = config(how, compute, settings.seed) | {"train_sampling_strategy": "sequential"}
    made_from = {
        "name": "base",
        "settings": settings.model_dump(mode="json"),
        "compute": compute.model_dump(mode="json"),
    }
    model, drills = build_model(tokenizer, settings.seed), _drills(settings)
    trainer, fingerprint = fit(model, build_processor(tokenizer), drills, out, arguments, made_from)
    return report(trainer, fingerprint, len(drills), (), time.monotonic() - began)


def _drills(settings: Base) -> Dataset:
    """Every drill of the run, in training order; drawn a batch at a time."""
    easy = [(index, True) for index in range(settings.easy_steps * settings.batch_size)]
    total = settings.steps * settings.batch_size
    places = [*easy, *((index, False) for index in range(len(easy), total))][:total]
    pool = _POOL * settings.batch_size
    ordered: list[tuple[int, bool]] = []
    for start in range(0, total, pool):
        ordered += _bucketed(places[start : start + pool], settings)
    columns = {"index": [index for index, _ in ordered], "easy": [easy for _, easy in ordered]}

    def drawn(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        made = [_drill(settings, *place) for place in zip(batch["index"], batch["easy"], strict=True)]
        return {
            "images": [[image] if (image := one.image()) else [] for one in made],
            "prompt": [[{"role": "user", "content": one.prompt}] for one in made],
            "completion": [[{"role": "assistant", "content": one.completion}] for one in made],
        }

    return Dataset.from_dict(columns).with_transform(drawn)


def _drill(settings: Base, index: int, easy: bool) -> Drill:
    return drill(settings.seed, index, easy)


def _bucketed(places: Sequence[tuple[int, bool]], settings: Base) -> list[tuple[int, bool]]:
    """Places sorted by length, cut into batches, the batches in random order."""

    def words(place: tuple[int, bool]) -> int:
        made = _drill(settings, *place)
        return len(made.prompt.split()) + len(made.completion.split())

    by_length = sorted(places, key=words)
    size = settings.batch_size
    batches = [by_length[start : start + size] for start in range(0, len(by_length), size)]
    random.Random(f"{settings.seed} {places[0]}").shuffle(batches)
    return [place for batch in batches for place in batch]
