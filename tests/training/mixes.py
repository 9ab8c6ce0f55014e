"""A small mix and a training on it, for the tests of training."""

from pathlib import Path
from typing import Any

import PIL.Image

from mathse.params import Compute, Train
from mathse.sources.images import encode
from mathse.tables import store
from mathse.tables.schemas import Image, Message, MixRow, PathKind
from mathse.training.job import Job, TrainingReport
from mathse.training.train import train

SETTINGS = Train(
    epochs=1, max_steps=2, batch_size=4, learning_rate=1e-3, warmup=0.1, weight_decay=0.05, scheduler="cosine"
)
IMAGES = [encode(PIL.Image.new("RGB", (112, 112), color)) for color in ("red", "green", "blue")]


def row(place: int, image_ids: tuple[str, ...] | None = None, words: int = 2, question: str = "Find angle") -> MixRow:
    """A row with 0, 1 or 2 images by its place, and a completion of its own."""
    return MixRow(
        path_id=f"path{place}",
        problem_id=f"p{place}",
        kind=PathKind.DISTILLED,
        round=0,
        image_ids=(IMAGES[place % 3].image_id,) * (place % 3) if image_ids is None else image_ids,
        prompt=(Message(role="user", content=f"{question} {place}" + " C" * words),),
        completion=(Message(role="assistant", content=f"The total equals {place}" + " bar" * (place % 5)),),
    )


ROWS = [row(place) for place in range(16)]


def preferred(place: int, words: int = 1, **changed: Any) -> MixRow:
    """A row with a rejected path beside its completion."""
    rejected = (Message(role="assistant", content=f"Therefore {place}" + " chart" * words),)
    made = row(place, **changed)
    return made.model_copy(update={"rejected_path_id": f"wrong{place}", "rejected": rejected})


PREFERENCES = [preferred(place) for place in range(8)]


def job(folder: Path, start: Path, rows: list[MixRow], out: str = "out", **changed: Any) -> Job:
    """A training on rows, all of it in `folder`, where the rows are written; `checkpoints`, `live`, `lengths` too."""
    places = {
        "checkpoints": folder / "checkpoints", "live": folder / "live.tsv", "lengths": folder / "lengths.json",
    }  # fmt: skip
    beside: dict[str, Any] = {name: place for name, place in places.items() if changed.pop(name, False)}
    store.write(folder / "images.parquet", Image, IMAGES)
    store.write(folder / "mix.parquet", MixRow, rows)
    return Job(
        mix=folder / "mix.parquet", images=folder / "images.parquet", start=start, out=folder / out,
        compute=Compute(threads=1, dtype=changed.pop("dtype", "float32")),
        settings=Train.model_validate({**SETTINGS.model_dump(), **changed}),
        seed=1, max_pixels=10**6, prompt_id="solve@1", **beside,
    )  # fmt: skip


def run(folder: Path, start: Path, rows: list[MixRow], out: str = "out", **changed: Any) -> TrainingReport:
    """Train a model on rows, in this process."""
    return train(job(folder, start, rows, out, **changed))[0]


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of a model folder."""
    from safetensors.torch import load_file

    tensors: dict[str, Any] = load_file(folder / "model.safetensors")
    return tensors


def furthest(one: Path, other: Path) -> float:
    """The largest difference between two models' weights."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)
