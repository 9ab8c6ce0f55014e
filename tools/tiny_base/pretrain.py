"""Pre-trains the tiny base on drills (`curriculum`), with the same trainer as every other training.

Out: a model folder like any other, with its lineage file and a card. The parts of the course follow each other. Drills
of like length share a batch, which halves the padding.

Sample of `lineage.json`: {"name": "tiny", "settings": {"seed": 3, "steps": {"first": 400, "all": 3200}, ...}, ...}
"""

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from mathse.loop.ask.engines.local.loading import settle
from mathse.params import Compute, Train
from mathse.training.job import TrainingReport
from mathse.training.muon import Muon
from mathse.training.train import PACKAGES, config, fit, report, versions
from tools.tiny_base.curriculum import Part, drill
from tools.tiny_base.tiny import build_model, build_processor, build_tokenizer
from tools.tiny_base.vocabulary import vocabulary

CARD = Path(__file__).with_name("card.md")
"""Becomes the model's README.md: its licence is read from there when it is fetched as a base."""
COMPUTE = Compute(device="cpu", threads=2, dtype="float32")
"""What the committed model was made with; another number of threads may give other bytes."""
_POOL = 8
"""Batches whose drills are sorted by length together."""
Place = tuple[int, Part]


@dataclass(frozen=True)
class Recipe:
    """How the model is made; as it stands, how the committed one was made.

    Attributes:
        seed: Of weights and drills.
        steps: Optimizer steps of each part of the course, in this order: tables to read, numbers to compare and options
            to look up; then every drill on every picture.
        batch_size: Drills per step.
        learning_rate: AdamW's, of embeddings, biases and norms.
        matrix_learning_rate: Muon's, of the matrices between layers.
    """

    seed: int = 3
    steps: tuple[tuple[Part, int], ...] = (("first", 400), ("all", 3200))
    batch_size: int = 32
    learning_rate: float = 1e-3
    matrix_learning_rate: float = 0.01

    def settings(self) -> dict[str, Any]:
        """The recipe as the lineage file has it."""
        return {**asdict(self), "steps": dict(self.steps)}


def pretrain(out: Path, recipe: Recipe = Recipe()) -> TrainingReport:
    """Build the tiny base model.

    Args:
        out: Folder of the new model; replaced if there is one.
        recipe: How.
    """
    made = _train(_drills(recipe), out, recipe)
    shutil.copyfile(CARD, out / "README.md")
    return made


def _train(drills: Dataset, out: Path, recipe: Recipe) -> TrainingReport:
    """Hand model and drills to the project's trainer; all that is asked of `mathse.training` is asked here."""
    began = time.monotonic()
    settle(COMPUTE)
    tokenizer = build_tokenizer(vocabulary())
    model = build_model(tokenizer, recipe.seed)
    how = Train(
        epochs=1, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate, warmup=0.01, weight_decay=0.0,
        scheduler="cosine",
    )  # fmt: skip
    # The drills lie in the order of the course.
    arguments = config(how, COMPUTE, recipe.seed) | {"train_sampling_strategy": "sequential"}
    made_from = {
        "name": "tiny",
        "settings": recipe.settings(),
        "compute": COMPUTE.model_dump(mode="json", exclude_none=True),
        "packages": versions(PACKAGES),
    }
    # AdamW learns to read far later than Muon (README.md).
    optimizer = Muon(model.named_parameters(), recipe.learning_rate, recipe.matrix_learning_rate, beta2=0.95, decay=0.0)
    trainer, fingerprint = fit(model, build_processor(tokenizer), drills, out, arguments, made_from, optimizer)
    return report(trainer, fingerprint, len(drills), (), time.monotonic() - began)[0]


def _drills(recipe: Recipe) -> Dataset:
    """Every drill of the run, in training order; drawn a batch at a time."""
    ordered: list[Place] = []
    for part, steps in recipe.steps:
        first, count = len(ordered), steps * recipe.batch_size
        pool = _POOL * recipe.batch_size
        for start in range(first, first + count, pool):
            end = min(start + pool, first + count)
            ordered += _bucketed([(index, part) for index in range(start, end)], recipe)
    columns = {"index": [index for index, _ in ordered], "part": [part for _, part in ordered]}

    def drawn(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        made = [drill(recipe.seed, *place) for place in zip(batch["index"], batch["part"], strict=True)]
        return {
            "images": [[image] if (image := one.image()) else [] for one in made],
            "prompt": [[{"role": "user", "content": one.prompt}] for one in made],
            "completion": [[{"role": "assistant", "content": one.completion}] for one in made],
        }

    return Dataset.from_dict(columns).with_transform(drawn)


def _bucketed(places: Sequence[Place], recipe: Recipe) -> list[Place]:
    """Places sorted by length, cut into batches, the batches in random order."""

    def words(place: Place) -> int:
        made = drill(recipe.seed, *place)
        return len(made.prompt.split()) + len(made.completion.split())

    by_length = sorted(places, key=words)
    size = recipe.batch_size
    batches = [by_length[start : start + size] for start in range(0, len(by_length), size)]
    random.Random(f"{recipe.seed} {places[0]}").shuffle(batches)
    return [place for batch in batches for place in batch]
