"""Supervised fine-tuning of a Qwen2-VL-2B-shaped model with random weights: our path against a plain TRL script.

    python -m benchmarks.gpu.training                        # from the repository's root; one CUDA GPU of 80 GB
    python -m benchmarks.gpu.training --batch 32 --settled
    python -m benchmarks.gpu.training --miniature            # what it does without a GPU: under a minute

Needs torch, transformers, trl, datasets, accelerate and peft beside the project's own pydantic, pyarrow and rich; no
network. The two take turns in one process, on the same rows, model, batches and steps; on a GPU in bfloat16 autocast
over float32 weights. Ours is `mathse.training.train.train`, all of it. The plain script is `SFTTrainer` on a dataset of
encoded images, with torch's settings as they come; with `--settled` it too computes deterministically, as ours always
does, so that the two ratios together say what that costs. A step is timed from its beginning to that of the next, the
GPU idle at both; the first steps are left out. How floating-point operations are counted
says `benchmarks/gpu/flops.py`.
"""

import argparse
import contextlib
import gc
import io
import logging
import os
import statistics
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before the GPU is first used, as our path sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

try:
    import torch

    from benchmarks.gpu import flops, shapes
    from benchmarks.gpu.steps import WARM_UP, Speed, Steps
    from mathse.loop.ask.engines.local.loading import load_model, load_processor, settle
    from mathse.params import Compute, Train
    from mathse.tables import store
    from mathse.tables.images import ImageStore
    from mathse.tables.schemas import MixRow
    from mathse.training.job import Job
    from mathse.training.train import config, train

    from datasets import Dataset, List, Value, disable_progress_bars  # isort: skip  after `loading`, which makes torchvision importable
    from datasets import Image as Picture  # isort: skip
    from trl import SFTConfig, SFTTrainer  # isort: skip
except ImportError as error:
    raise SystemExit(
        f"{error}; run `python -m benchmarks.gpu.training` from the repository's root, with the packages its top names"
    ) from error

SEED = 1


@dataclass(frozen=True)
class Setting:
    """What both train on and how."""

    folder: Path
    train: Train
    compute: Compute
    settled: bool

    @property
    def mix(self) -> Path:
        """The rows."""
        return self.folder / "mix.parquet"

    @property
    def images(self) -> Path:
        """Their images."""
        return self.folder / "images.parquet"

    @property
    def start(self) -> Path:
        """The model."""
        return self.folder / "model"


def main() -> None:
    """Print a line per pair of runs, then seconds per step, tokens per second and MFU of both, and the ratio."""
    asked = _arguments()
    shape = shapes.MINIATURE if asked.miniature else shapes.LARGE
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        setting = _setting(Path(folder), asked)
        settle(setting.compute)
        disable_progress_bars()
        problems = shapes.draw(setting.folder, shape, asked.batch * asked.steps)
        shapes.write_mix(setting.mix, problems)
        shapes.write_model(setting.start, shape, problems, setting.compute.device, setting.compute.dtype)
        _free()
        needs, steps = flops.needs(setting.start), Steps(asked.steps)
        _introduce(shape, needs, asked)
        steps.measure(lambda: plain(setting), needs)  # the first run of anything is slower
        _free()
        speeds: dict[str, list[Speed]] = {"ours": [], "plain": []}
        for turn in range(asked.times):
            for name in sorted(speeds, reverse=bool(turn % 2)):  # neither is always first
                run = {"ours": ours, "plain": plain}[name]
                speeds[name].append(steps.measure(lambda run=run: run(setting), needs))
                _free()
            print("  ".join(f"{name} {1000 * taken[-1].step:.1f} ms" for name, taken in speeds.items()), flush=True)
    _report(speeds)


def ours(setting: Setting) -> None:
    """As `stages/train.py` does it."""
    train(Job(
        mix=setting.mix, images=setting.images, start=setting.start, out=setting.folder / "ours",
        settings=setting.train, compute=setting.compute, seed=SEED, max_pixels=shapes.MAX_PIXELS,
    ))  # fmt: skip


def plain(setting: Setting) -> None:
    """As anybody would do it."""
    settle(setting.compute)
    torch.use_deterministic_algorithms(setting.settled, warn_only=True)
    images = ImageStore(setting.images, shapes.MAX_PIXELS)
    rows = store.read(setting.mix, MixRow)
    columns = {
        "images": [[{"bytes": images.encoded(one), "path": None} for one in row.image_ids] for row in rows],
        "prompt": [[turn.model_dump() for turn in row.prompt] for row in rows],
        "completion": [[turn.model_dump() for turn in row.completion] for row in rows],
    }
    turns = List({"role": Value("string"), "content": Value("string")})
    dataset = Dataset.from_dict(columns).cast_column("images", List(Picture()))
    dataset = dataset.cast_column("prompt", turns).cast_column("completion", turns)
    trainer = SFTTrainer(
        model=load_model(setting.start, "float32", setting.compute.device),
        args=SFTConfig(str(setting.folder / "plain"), **config(setting.train, setting.compute, SEED)),
        train_dataset=dataset,
        processing_class=load_processor(setting.start),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every loss
        trainer.train()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--miniature", action="store_true", help="a tiny model; so it is without a GPU")
    parser.add_argument("--batch", type=int, help="rows per step; 16, in miniature 4")
    parser.add_argument("--steps", type=int, help="steps of a run; 20, in miniature 10")
    parser.add_argument(
        "--times", type=int, default=3, help="runs of each, a first one of the plain script not counted"
    )
    parser.add_argument("--keep-activations", action="store_true", help="no gradient checkpointing: needs more memory")
    parser.add_argument("--settled", action="store_true", help="the plain script too computes deterministically")
    parser.add_argument(
        "--folder", type=Path, help="where temporary files go, up to three models: 14 GB; else the system's"
    )
    asked = parser.parse_args()
    asked.miniature = asked.miniature or not torch.cuda.is_available()
    asked.batch = asked.batch or (4 if asked.miniature else 16)
    asked.steps = asked.steps or (10 if asked.miniature else 20)
    if asked.steps < WARM_UP + 2:
        parser.error(f"--steps: at least {WARM_UP + 2}, since the first {WARM_UP} are not measured")
    return asked


def _setting(folder: Path, asked: argparse.Namespace) -> Setting:
    cuda = torch.cuda.is_available()
    settings = Train(
        epochs=1, max_steps=asked.steps, batch_size=asked.batch, learning_rate=1e-5, warmup=0.1, weight_decay=0.0,
        scheduler="constant_with_warmup", gradient_checkpointing=cuda and not asked.keep_activations,
    )  # fmt: skip
    compute = Compute(
        device="cuda" if cuda else "cpu", threads=min(8, os.cpu_count() or 1), dtype="bfloat16" if cuda else "float32"
    )
    return Setting(folder, settings, compute, asked.settled)


def _introduce(shape: shapes.Shape, needs: flops.Needs, asked: argparse.Namespace) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    parameters = needs.text + needs.tower + needs.merger
    print(f"{shape.name}, {parameters / 1e6:.1f} M parameters, {device}, torch {torch.__version__}")
    print(
        f"{asked.batch} rows per step, {asked.steps} steps per run, images of {(shape.side // 28) ** 2} tokens",
        flush=True,
    )


def _report(speeds: dict[str, list[Speed]]) -> None:
    most = flops.peak()
    steps = {name: statistics.median(speed.step for speed in taken) for name, taken in speeds.items()}
    for name, taken in speeds.items():
        tokens = statistics.median(speed.tokens for speed in taken)
        rate = statistics.median(speed.flops for speed in taken)
        share = "not known" if most is None else f"{100 * rate / most:.1f} %"
        print(f"{name:5}  {steps[name]:8.4f} s/step  {tokens:9.0f} tokens/s  {rate / 1e12:8.3f} TFLOP/s  MFU {share}")
    print(f"a step of ours takes {steps['ours'] / steps['plain']:.3f} of the plain script's time")


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
