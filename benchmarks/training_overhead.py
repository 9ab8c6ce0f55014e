"""What our training costs per step beyond a bare TRL script with the same rows, model and settings.

    python benchmarks/training_overhead.py            # data/mix/0.parquet, models/base; about two minutes
    python benchmarks/training_overhead.py --steps 60 --times 7

Both run in turn, in one process, ours with everything on that a stage has: progress, losses in a file, images from the
project's table. The bare script holds its images as encoded bytes in the dataset and lets `datasets` decode them.
A step is timed from its beginning to that of the next; the first is left out. At most 3 % is the aim.
"""

import argparse
import contextlib
import io
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mathse import layout, params
from mathse.loop.ask.engines.local.loading import load_model, load_processor, settle
from mathse.params import Compute, Train
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import MixRow
from mathse.training.job import Job
from mathse.training.train import config, train

from datasets import Dataset, List, Value  # isort: skip  after `loading`, which makes torchvision importable
from datasets import Image as Picture  # isort: skip
from trl import SFTConfig, SFTTrainer  # isort: skip

AIM = 1.03
Stamp = tuple[float, float]
_stamps: list[Stamp] = []


def main() -> None:
    """Print a line per pair of runs, then the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="steps of a run")
    parser.add_argument("--times", type=int, default=5, help="runs of each kind")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    whole = params.load()
    settings = whole.train.model_copy(update={"max_steps": asked.steps})
    _note_steps()
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, Callable[[], None]] = {
            "ours": lambda: ours(Path(folder), settings, whole.compute, whole.seed, whole.problems.max_pixels),
            "bare": lambda: bare(Path(folder), settings, whole.compute, whole.seed, whole.problems.max_pixels),
        }
        taken: dict[str, list[Stamp]] = {name: [] for name in runs}
        for turn in range(asked.times):
            for name in sorted(runs, reverse=bool(turn % 2)):  # neither is always first
                taken[name].append(_a_step(runs[name]))
            print("  ".join(f"{name} {1000 * steps[-1][0]:.1f} ms/step" for name, steps in taken.items()), flush=True)
    for place, clock in enumerate(("wall", "processor")):
        ms = {name: 1000 * statistics.median(step[place] for step in steps) for name, steps in taken.items()}
        ratio = ms["ours"] / ms["bare"]
        print(f"{clock}: ours {ms['ours']:.1f} ms, bare {ms['bare']:.1f} ms, ratio {ratio:.3f} (aim {AIM})")


def ours(folder: Path, settings: Train, compute: Compute, seed: int, max_pixels: int) -> None:
    """As `stages/train.py` does it."""
    train(Job(
        mix=layout.mix("0"), images=layout.IMAGES, start=layout.model("base"), out=folder / "ours", settings=settings,
        compute=compute, seed=seed, max_pixels=max_pixels, checkpoints=folder / "checkpoints", live=folder / "live.tsv",
    ))  # fmt: skip


def bare(folder: Path, settings: Train, compute: Compute, seed: int, max_pixels: int) -> None:
    """As anybody would do it."""
    settle(compute)
    images = ImageStore(layout.IMAGES, max_pixels)
    rows = store.read(layout.mix("0"), MixRow)
    columns = {
        "images": [[_encoded(images.load(image_id)) for image_id in row.image_ids] for row in rows],
        "prompt": [[turn.model_dump() for turn in row.prompt] for row in rows],
        "completion": [[turn.model_dump() for turn in row.completion] for row in rows],
    }
    turns = List({"role": Value("string"), "content": Value("string")})
    dataset = Dataset.from_dict(columns)
    dataset = (
        dataset.cast_column("images", List(Picture())).cast_column("prompt", turns).cast_column("completion", turns)
    )
    trainer = SFTTrainer(
        model=load_model(layout.model("base"), "float32", compute.device),
        args=SFTConfig(str(folder / "bare"), **config(settings, compute, seed)),
        train_dataset=dataset,
        processing_class=load_processor(layout.model("base")),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every loss
        trainer.train()


def _encoded(image: Any) -> dict[str, Any]:
    content = io.BytesIO()
    image.save(content, format="PNG")
    return {"bytes": content.getvalue(), "path": None}


def _note_steps() -> None:
    step = SFTTrainer.training_step

    def noted(self: Any, *given: Any, **named: Any) -> Any:
        _stamps.append((time.perf_counter(), time.process_time()))
        return step(self, *given, **named)

    SFTTrainer.training_step = noted


def _a_step(run: Callable[[], None]) -> Stamp:
    """Seconds of a step, by the clock on the wall and by the processor's."""
    _stamps.clear()
    run()
    (first, spent), (last, spent_last) = _stamps[1], _stamps[-1]
    steps = len(_stamps) - 2
    return (last - first) / steps, (spent_last - spent) / steps


if __name__ == "__main__":
    main()
