"""Where the time of a training step goes on one GPU: variants that differ in one thing each.

    python -m benchmarks.gpu.variants                        # from the repository's root; one CUDA GPU of 80 GB
    python -m benchmarks.gpu.variants --only 1000 --steps 12
    python -m benchmarks.gpu.variants --miniature            # what it does without a GPU: minutes

Needs what `benchmarks/gpu/training.py` needs. Each line: seconds per step of eight rows, and those in which it waited
for its batch; tokens per second and model FLOPs utilisation; peak memory beside what `mathse plan` says; what the
check of the mix took per row; the loss, and the hash of the weights, which are equal where the bytes are. A row of
preferences is a pair; what the model computes to which they are held does not count as utilisation.
"""

import argparse
import dataclasses
import gc
import logging
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before the GPU is first used, as our path sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

try:
    import torch
    from pydantic import ValidationError

    from benchmarks.gpu import flops, shapes
    from benchmarks.gpu.steps import WARM_UP, Steps
    from mathse.errors import UserError
    from mathse.params import Compute, Train
    from mathse.plan.estimate import GIB, memory
    from mathse.plan.sizes import of_folder
    from mathse.training import train as training
    from mathse.training.job import Job, TrainingReport
except ImportError as error:
    raise SystemExit(
        f"{error}; run `python -m benchmarks.gpu.variants` from the repository's root, with the packages its top names"
    ) from error

ROWS = 8
"""Rows per step."""
PREFERENCES = {"method": "dpo", "dpo": {"loss_type": ("sigmoid", "sft")}}
"""Learnt with the log-likelihood of what is preferred beside them."""
VARIANTS: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {
    "448 px": (448, {}, {}),
    "448 px, once more": (448, {}, {}),
    "448 px, not deterministic": (448, {"deterministic": False}, {}),
    "448 px, 2 rows at once": (448, {"per_device": 2}, {}),
    "1000 px": (1000, {}, {}),
    "1000 px, 2 rows at once": (1000, {"per_device": 2}, {}),
    "1000 px, 4 workers": (1000, {"workers": 4}, {}),
    "1000 px, 4 workers, FlashAttention": (1000, {"workers": 4}, {"attention": "flash_attention_2"}),
    "448 px, preferences": (448, PREFERENCES, {}),
    "448 px, preferences, once more": (448, PREFERENCES, {}),
}
"""Each with the pixels a side of its images, and what it changes of the settings of `train` and of `compute`."""
TITLE = max(map(len, VARIANTS))
COLUMNS = f"{{:{TITLE}}} {{:>8}} {{:>7}} {{:>9}} {{:>7}} {{:>14}} {{:>10}} {{:>8}}  {{}}"


def main() -> None:
    """Print a line per variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--miniature", action="store_true", help="a tiny model; so it is without a GPU")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="variants whose names have one of these texts")
    parser.add_argument("--steps", type=int, default=9, help=f"of a run; the first {WARM_UP} are not measured")
    parser.add_argument("--folder", type=Path, help="where temporary files go, 25 GB; else the system's")
    asked = parser.parse_args()
    if asked.steps < WARM_UP + 2:
        parser.error(f"--steps: at least {WARM_UP + 2}, since the first {WARM_UP} are not measured")
    cuda = torch.cuda.is_available()
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    compute = Compute(
        device="cuda" if cuda else "cpu", threads=min(8, os.cpu_count() or 1), dtype="bfloat16" if cuda else "float32"
    )
    shape = shapes.MINIATURE if asked.miniature or not cuda else shapes.LARGE
    print(f"{shape.name}, {torch.cuda.get_device_name() if cuda else 'CPU'}, torch {torch.__version__}")
    print(
        COLUMNS.format("", "s/step", "waits", "tokens/s", "MFU", "GiB (plan)", "check/row", "loss", "weights"),
        flush=True,
    )
    steps = Steps(asked.steps)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        for title, (side, of_train, of_compute) in VARIANTS.items():
            if asked.only and not any(text in title for text in asked.only):
                continue
            scaled = dataclasses.replace(shape, side=side if shape is shapes.LARGE else shape.side)
            folder = Path(name) / str(scaled.side)
            if not folder.exists():
                folder.mkdir()
                problems = shapes.draw(folder, scaled, ROWS * asked.steps)
                shapes.write_mix(folder / "mix.parquet", problems)
                shapes.write_model(folder / "model", scaled, problems, compute.device, compute.dtype)
            try:
                changed = Compute.model_validate({**compute.model_dump(), **of_compute})
                line = _measured(folder, changed, of_train, steps, asked.steps)
                print(COLUMNS.format(title, *line), flush=True)
            except (UserError, ValidationError) as error:  # it cannot be used here; the next variant goes on
                print(f"{title:{TITLE}} {' '.join(str(error).split())[:200]}", flush=True)
            gc.collect()
            if cuda:
                torch.cuda.empty_cache()


def _measured(folder: Path, compute: Compute, changes: dict[str, Any], steps: Steps, count: int) -> list[str]:
    """What is printed of one training."""
    settings = Train.model_validate({
        "epochs": 1, "max_steps": count, "batch_size": ROWS, "per_device": ROWS, "learning_rate": 1e-5,
        "warmup": 0.1, "weight_decay": 0.0, "scheduler": "constant_with_warmup",
        "gradient_checkpointing": compute.device == "cuda", **changes,
    })  # fmt: skip
    job = Job(
        mix=folder / "mix.parquet", images=folder / "images.parquet", start=folder / "model", out=folder / "out",
        settings=settings, compute=compute, seed=1, max_pixels=shapes.MAX_PIXELS,
    )  # fmt: skip
    reports, checks, longest = list[TrainingReport](), list[float](), list[int]()
    load = training.load_examples

    def loading(*given: Any) -> Any:
        began = time.perf_counter()
        examples = load(*given)
        checks.append((time.perf_counter() - began) / len(examples.lengths))
        longest.append(max(examples.lengths))
        return examples

    training.load_examples = loading
    try:
        speed = steps.measure(lambda: reports.append(training.train(job)[0]), flops.needs(job.start))
    finally:
        training.load_examples = load
    plan = sum(memory(settings, of_folder(job.start), longest[0]).values())
    most = flops.peak()
    return [
        f"{speed.step:.3f}",
        f"{speed.wait:.3f}",
        f"{speed.tokens:.0f}",
        f"{100 * speed.flops / most:.1f} %" if most else "",
        f"{speed.peak / GIB:.1f} ({plan:.1f})",
        f"{1000 * checks[0]:.1f} ms",
        f"{reports[0].final_loss:.4f}",
        reports[0].model[:12],
    ]


if __name__ == "__main__":
    main()
