"""Supervised fine-tuning with TRL: a mix and a start model in, a model folder with its lineage out (paper, Table 6).

Minimises the mean negative log-likelihood of the completion's tokens given question and images. On one machine the same
mix, start model, settings and seed give the same bytes. A model folder appears whole or not at all.
"""

import copy
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from pydantic import BaseModel, ConfigDict, Field

from mathse.engines.loading import context_length, load_model, load_processor, settle
from mathse.errors import UserError
from mathse.fingerprint import model_fingerprint
from mathse.params import Compute, Train
from mathse.progress import Advance, progress
from mathse.sources.images import ImageStore
from mathse.store import input_hashes
from mathse.training.examples import load_examples
from mathse.training.lineage import write_lineage
from mathse.training.muon import Muon

# After `loading`, which makes torchvision importable.
from transformers import PrinterCallback, ProcessorMixin, TrainerCallback  # isort: skip
from trl import SFTConfig, SFTTrainer  # isort: skip
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling  # isort: skip

CURVE_POINTS = 50
"""How many points of the loss curve are kept, about."""


class TrainingDiverged(UserError):
    """The loss is no longer a number."""


class TrainingReport(BaseModel):
    """What a training cost and how its loss went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="Content hash of the trained model.")
    rows: int = Field(description="Rows trained on.")
    too_long: tuple[str, ...] = Field(description="Path ids of the rows that the model's context cannot hold.")
    steps: int
    epochs: float
    seconds: float = Field(description="Wall-clock time, loading and checking included.")
    tokens: int = Field(description="Tokens seen, prompts and images included, over all epochs.")
    final_loss: float = Field(description="Mean loss at the curve's last point.")
    loss_curve: tuple[tuple[int, float], ...] = Field(description="Pairs of step and mean loss since the last pair.")


def train(
    mix: Path,
    images: Path,
    start: Path,
    out: Path,
    settings: Train,
    compute: Compute,
    seed: int,
    max_pixels: int,
    extra_lineage: Mapping[str, Any],
) -> TrainingReport:
    """Fine-tune a model on a mix.

    Args:
        mix: Table of mix rows.
        images: Table of their images.
        start: Folder of the model to start from.
        out: Folder of the new model; replaced if there is one.
        settings: Epochs, learning rate and so on.
        compute: Device, threads and precision. In bfloat16 the weights are trained in float32 under autocast.
        seed: Decides the order of the rows.
        max_pixels: Images above are refused.
        extra_lineage: What else the lineage file shall say.

    Raises:
        ModelMissing: The start folder holds no model.
        MixError: The mix is empty, or holds rows that cannot be trained on; nothing was trained.
        TrainingDiverged: The loss became infinite or no number; no model was written.
    """
    began = time.monotonic()
    settle(compute)
    made_from = {
        **extra_lineage,
        "start": {"folder": start.as_posix(), "fingerprint": model_fingerprint(start)},
        "mix": {"file": mix.as_posix(), "hash": input_hashes([mix])[mix.as_posix()]},
        "settings": settings.model_dump(mode="json"),
        "compute": compute.model_dump(mode="json"),
        "seed": seed,
    }
    processor = load_processor(start)
    model = load_model(start, "float32", compute.device)
    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    examples = load_examples(mix, ImageStore(images, max_pixels), collate, context_length(model))
    made_from["mix"]["rows"] = len(examples.dataset)
    arguments = config(settings, compute, seed)
    trainer, fingerprint = fit(
        model, load_processor(start), examples.dataset, out, arguments, made_from, _optimizer(model, settings)
    )
    rows, seconds = len(examples.dataset), time.monotonic() - began
    return report(trainer, fingerprint, rows, examples.too_long, seconds)


def _optimizer(model: Any, settings: Train) -> torch.optim.Optimizer | None:
    """Muon, if the settings give its rate; else None: the AdamW that the trainer makes."""
    if settings.matrix_learning_rate is None:
        return None
    return Muon(
        model.named_parameters(),
        settings.learning_rate,
        settings.matrix_learning_rate,
        settings.beta2,
        settings.weight_decay,
    )


def fit(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    out: Path,
    arguments: Mapping[str, Any],
    made_from: Any,
    optimizer: torch.optim.Optimizer | None = None,
) -> tuple[SFTTrainer, str]:
    """Train a model on examples and put its folder in place: weights, processor and lineage file.

    Args:
        model: What is trained, in float32.
        processor: Its tokenizer and image processor.
        dataset: Examples of `images`, `prompt` and `completion`.
        out: Folder of the new model; replaced if there is one.
        arguments: Of `SFTConfig`, as `config` gives them.
        made_from: What the lineage file shall say.
        optimizer: In place of the AdamW that the arguments describe; their schedule moves its rates too.

    Returns:
        The trainer and the content hash of the trained model.
    """
    unused = copy.deepcopy((model.config, processor))  # training turns the cache off and leaves its padding behind
    with _whole_or_not_at_all(out) as folder:
        collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
        trainer = _trainer(
            model, processor, dataset, collate, SFTConfig(str(folder / "trainer"), **arguments), optimizer
        )
        _run(trainer, f"train {out.name}")
        shutil.rmtree(folder / "trainer", ignore_errors=True)
        model.config, processor = unused
        model.to(torch.bfloat16 if arguments["bf16"] else torch.float32).save_pretrained(folder)
        processor.save_pretrained(folder)
        return trainer, write_lineage(folder, made_from)


def config(settings: Train, compute: Compute, seed: int) -> dict[str, Any]:
    """The arguments of `SFTConfig` that params decide.

    Args:
        settings: Epochs, learning rate and so on.
        compute: Device and precision.
        seed: Decides the order of the rows.
    """
    on_cpu = compute.device == "cpu"
    return dict(
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,  # below 1, transformers reads it as a share
        weight_decay=settings.weight_decay,
        adam_beta2=settings.beta2,
        lr_scheduler_type=settings.scheduler,
        seed=seed,
        use_cpu=on_cpu,
        bf16=compute.dtype == "bfloat16",
        gradient_checkpointing=not on_cpu,
        max_length=None,  # a cut row would lose its answer, or an image's tokens
        completion_only_loss=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=not on_cpu,
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=1 / CURVE_POINTS,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
    )


def _trainer(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    collate: Any,
    arguments: SFTConfig,
    optimizer: torch.optim.Optimizer | None,
) -> SFTTrainer:
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=dataset,
        processing_class=processor,
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _run(trainer: SFTTrainer, title: str) -> None:
    """Train, and say how far it is; steps are known only once the trainer has begun."""
    watch = _Watch(title)
    trainer.add_callback(watch)
    trainer.train()


class _Watch(TrainerCallback):  # type: ignore[misc]
    """Shows progress, and stops a training whose loss is no number."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._showing: Any = None
        self._advance: Advance

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._showing = progress(self._title, state.max_steps)
        self._advance = self._showing.__enter__()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._advance(1)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if not math.isfinite(logs.get("loss", 0.0)):
            self._showing.__exit__(None, None, None)
            raise TrainingDiverged(
                f"{self._title}: the loss is {logs['loss']} at step {state.global_step}; lower train.learning_rate"
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._showing.__exit__(None, None, None)


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, and is removed when it does not."""
    fresh, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def report(trainer: SFTTrainer, model: str, rows: int, too_long: tuple[str, ...], seconds: float) -> TrainingReport:
    """What a finished training cost and how its loss went."""
    history = trainer.state.log_history
    curve = tuple((entry["step"], entry["loss"]) for entry in history if "loss" in entry)
    return TrainingReport(
        model=model,
        rows=rows,
        too_long=too_long,
        steps=trainer.state.global_step,
        epochs=trainer.state.epoch,
        seconds=round(seconds, 3),
        tokens=int(max(entry.get("num_tokens", 0) for entry in history)),
        final_loss=curve[-1][1],
        loss_curve=curve,
    )
