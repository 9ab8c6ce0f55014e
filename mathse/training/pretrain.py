"""Pre-trains the tiny base on drills (`mathse.synthetic.curriculum`), with the same trainer as every other training.

Out: a model folder like any other. The parts of the course follow each other. Drills of like length share a
batch, which halves the padding.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from mathse.backbones.loading import settle
from mathse.params import Base, Compute, Train
from mathse.synthetic.curriculum import Part, drill
from mathse.synthetic.tiny import build_model, build_processor, build_tokenizer
from mathse.synthetic.vocabulary import vocabulary
from mathse.training.job import TrainingReport
from mathse.training.muon import Muon
from mathse.training.train import PACKAGES, config, fit, report, versions

_POOL = 8
"""Batches whose drills are sorted by length together."""
Place = tuple[int, Part]


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
        epochs=1, batch_size=settings.batch_size, learning_rate=settings.learning_rate, warmup=0.01,
        weight_decay=0.0, scheduler="cosine",
    )  # fmt: skip
    arguments = config(how, compute, settings.seed) | {"train_sampling_strategy": "sequential"}
    made_from = {
        "name": "base",
        "settings": settings.model_dump(mode="json"),
        "compute": compute.model_dump(mode="json"),
        "packages": versions(PACKAGES),
    }
    model, drills = build_model(tokenizer, settings.seed), _drills(settings)
    optimizer = Muon(
        model.named_parameters(), settings.learning_rate, settings.matrix_learning_rate, beta2=0.95, decay=0.0
    )
    trainer, fingerprint = fit(model, build_processor(tokenizer), drills, out, arguments, made_from, optimizer)
    return report(trainer, fingerprint, len(drills), (), time.monotonic() - began)[0]


def _drills(settings: Base) -> Dataset:
    """Every drill of the run, in training order; drawn a batch at a time."""
    ordered: list[Place] = []
    for part, steps in settings.steps.parts():
        first, count = len(ordered), steps * settings.batch_size
        pool = _POOL * settings.batch_size
        for start in range(first, first + count, pool):
            end = min(start + pool, first + count)
            ordered += _bucketed([(index, part) for index in range(start, end)], settings)
    columns = {"index": [index for index, _ in ordered], "part": [part for _, part in ordered]}

    def drawn(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        made = [drill(settings.seed, *place) for place in zip(batch["index"], batch["part"], strict=True)]
        return {
            "images": [[image] if (image := one.image()) else [] for one in made],
            "prompt": [[{"role": "user", "content": one.prompt}] for one in made],
            "completion": [[{"role": "assistant", "content": one.completion}] for one in made],
        }

    return Dataset.from_dict(columns).with_transform(drawn)


def _bucketed(places: Sequence[Place], settings: Base) -> list[Place]:
    """Places sorted by length, cut into batches, the batches in random order."""

    def words(place: Place) -> int:
        made = drill(settings.seed, *place)
        return len(made.prompt.split()) + len(made.completion.split())

    by_length = sorted(places, key=words)
    size = settings.batch_size
    batches = [by_length[start : start + size] for start in range(0, len(by_length), size)]
    random.Random(f"{settings.seed} {places[0]}").shuffle(batches)
    return [place for batch in batches for place in batch]
