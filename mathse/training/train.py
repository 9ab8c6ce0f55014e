"""Trains a model with TRL: a mix and a start model in, a model folder with its lineage out (paper, Table 6).

Fine-tuning minimises the mean negative log-likelihood of the completion's tokens given question and images, over the
tokens of a whole batch, however it is shared out among processes and steps; `methods` has what else there is. On one
machine the same mix, start model, settings and seed give the same bytes, also if the training was killed and went on
from a checkpoint. A model folder appears whole or not at all.

Sample, `models/0/lineage.json` (keys sorted; no times, no commit, so that the same training writes the same bytes):

    {"mix": {"file": "data/mix/0.parquet", "hash": "5d41...", "rows": 212}, "model": "7d79...", "seed": 1,
     "start": {"fingerprint": "9f86...", "folder": "models/base"}, "packages": {"torch": "2.13.0", ...},
     "prompt_id": "solve-brief@1", "arithmetic": {"ATEN_CPU_CAPABILITY": "avx2", ...}, "method": "sft", ...}
"""

import copy
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from mathse.errors import HOW_TO_GET, UserError
from mathse.loop.ask.engines.local.arithmetic import in_force
from mathse.loop.ask.engines.local.fingerprint import model_fingerprint, write_lineage
from mathse.loop.ask.engines.local.loading import context_length, load_model, load_processor, settle
from mathse.params import Compute, Train
from mathse.processes import are_several, is_first
from mathse.tables.files import sha256, whole_or_not_at_all
from mathse.tables.store import StoreError
from mathse.training import adapters, optimizer_state
from mathse.training.checkpoints import KEPT, Checkpoints
from mathse.training.examples import load_examples
from mathse.training.job import Job, Loss, Timings, TrainingReport
from mathse.training.methods import METHODS
from mathse.training.muon import optimizer_of
from mathse.training.trainer import build, gathered, share_weights, train_to_end
from mathse.training.watch import Run, Watch

from transformers import ProcessorMixin  # isort: skip  after `loading`, which makes torchvision importable

CURVE_POINTS = 50
"""How many points of the loss curve are kept, about."""
PACKAGES = ("torch", "transformers", "trl")


class NotDeterministic(UserError):
    """The model needs a kernel that has no deterministic form."""


def train(job: Job) -> tuple[TrainingReport, Timings]:
    """Train a model on a mix: alone, or as one of the processes that were launched for it.

    Returns:
        What it was trained on and how its loss went, and what that took; the first process has both for all.

    Raises:
        ModelMissing: The start folder holds no model.
        StoreError: The mix is missing or damaged.
        UnfitMix: The mix is empty, or holds rows that cannot be trained on; nothing was trained.
        OptimizerMismatch: The start model's optimizer has left no state that could be taken up.
        TargetMissing: The model has not the layers that the settings name.
        TrainingDiverged: The loss became infinite or no number; no model was written.
        NotDeterministic: `settings.deterministic` asks for what the GPU's kernels do not give.
    """
    began = time.monotonic()
    settle(job.compute, strict=job.settings.deterministic)
    settings = job.settings
    made_from = _made_from(job)
    adapted = settings.lora is not None and job.compute.dtype == "bfloat16"
    dtype, device = "bfloat16" if adapted else "float32", "cpu" if are_several() else job.compute.device
    model = load_model(job.start, dtype, device, job.trust_remote_code, job.compute.attention)
    examples = load_examples(job, min(context_length(model), settings.max_length or context_length(model)))
    made_from["mix"]["rows"] = len(examples.dataset)
    checkpoints = Checkpoints(job.checkpoints, made_from) if job.checkpoints and settings.save_steps else None
    if settings.workers:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # whose threads do not live on in a forked process
    run = Run(checkpoints, job.live, job, examples.lengths)
    model = adapters.prepare(model, settings, job.seed)
    try:
        trainer, fingerprint = fit(
            model, load_processor(job.start, job.trust_remote_code), examples.dataset, job.out,
            config(settings, job.compute, job.seed), made_from, optimizer_of(model, settings), run,
        )  # fmt: skip
    except RuntimeError as error:
        kernel, told, _ = str(error).partition(" does not have a deterministic implementation")
        if not told:
            raise
        raise NotDeterministic(
            f"{job.start}: training needs {kernel}, which has no deterministic form; write `deterministic: false` "
            "beside the training's other settings to use it, and expect other weights from each run"
        ) from error
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    seconds = time.monotonic() - began
    return report(trainer, fingerprint, len(examples.dataset), examples.too_long, seconds, examples.unpaired)


def _made_from(job: Job) -> dict[str, Any]:
    """What the lineage file says of a training before it begins."""
    if not job.mix.is_file():
        raise StoreError(f"{job.mix}: not found; {HOW_TO_GET}")
    start = {"folder": job.start.as_posix(), "fingerprint": model_fingerprint(job.start)}
    if job.settings.optimizer == "kept":
        start["optimizer"] = sha256(optimizer_state.state_file(job.start))
    return {
        "name": job.out.name,
        "start": start,
        "mix": {"file": job.mix.as_posix(), "hash": sha256(job.mix)},
        "method": job.settings.method,
        "settings": job.settings.model_dump(mode="json", exclude={"workers"}),  # which change no weight
        "compute": job.compute.model_dump(mode="json", exclude_none=True),
        "seed": job.seed,
        "prompt_id": job.prompt_id,
        "packages": versions((*PACKAGES, "peft") if job.settings.lora else PACKAGES),
        "arithmetic": in_force(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages, by name."""
    return {package: version(package) for package in packages}


def fit(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    out: Path,
    arguments: Mapping[str, Any],
    made_from: Mapping[str, Any],
    optimizer: torch.optim.Optimizer | None = None,
    run: Run = Run(),  # noqa: B008  it is frozen
) -> tuple[Any, str]:
    """Train a model on examples and put its folder in place: weights, processor and lineage file.

    Args:
        model: What is trained, in float32, or with adapters around it.
        dataset: Examples with `images` and the columns of the method.
        out: Folder of the new model; replaced if there is one.
        arguments: Of the method's `config`, as the function `config` gives them.
        made_from: What the lineage file shall say.
        optimizer: In place of the AdamW that the arguments describe; their schedule moves its rates too.
        run: What the training keeps beside the model; without a job it is fine-tuning by this process alone.

    Returns:
        The trainer and the content hash of the trained model; of several processes only the first has the hash.
    """
    unused = copy.deepcopy((model.config, processor))  # training turns the cache off and leaves its padding behind
    method = METHODS[run.job.settings.method if run.job else "sft"]
    placing = whole_or_not_at_all(out) if is_first() else nullcontext(out.with_name(f".{out.name}.partial"))
    with placing as folder:
        checkpoints = run.checkpoints.folder if run.checkpoints else folder / "trainer"
        trainer = build(model, processor, dataset, method.config(str(checkpoints), **arguments), optimizer, run)
        train_to_end(trainer, f"train {out.name}", run)
        shutil.rmtree(folder / "trainer", ignore_errors=True)
        whole = gathered(trainer, run.job) if run.job and are_several() else model
        if whole is None:
            return trainer, ""
        whole = adapters.merged(whole)
        whole.config, processor = unused
        if run.job and run.job.settings.keep_optimizer:
            optimizer_state.write(folder, trainer.optimizer, trainer.model)
        whole.to(torch.bfloat16 if arguments["bf16"] else torch.float32).save_pretrained(folder)
        processor.save_pretrained(folder)
        fingerprint = write_lineage(folder, made_from)
    if run.checkpoints:
        run.checkpoints.remove()
    return trainer, fingerprint


def config(settings: Train, compute: Compute, seed: int) -> dict[str, Any]:
    """The arguments of the method's `config` that params decide."""
    on_cpu = compute.device == "cpu"
    return dict(
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps,
        per_device_train_batch_size=settings.at_once,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,  # below 1, transformers reads it as a share
        weight_decay=settings.weight_decay,
        adam_beta2=settings.beta2,
        lr_scheduler_type=settings.scheduler,
        seed=seed,
        use_cpu=on_cpu,
        bf16=compute.dtype == "bfloat16",
        gradient_checkpointing=not on_cpu
        if settings.gradient_checkpointing is None
        else settings.gradient_checkpointing,
        max_length=None,  # a cut row would lose its answer, or an image's tokens; `load_examples` leaves it out
        remove_unused_columns=False,
        # Where weights are shared out, whole gradients would lie on every process between its micro-batches.
        accelerator_config={"gradient_accumulation_kwargs": {"sync_each_batch": share_weights()}},
        dataloader_num_workers=settings.workers,
        # New ones in each epoch draw as many random numbers as those with which a training goes on in its midst.
        dataloader_persistent_workers=False,
        dataloader_prefetch_factor=2 if settings.workers else None,
        dataloader_pin_memory=not on_cpu,
        save_strategy="no" if settings.save_steps is None else "steps",
        save_steps=settings.save_steps or 0,
        save_total_limit=KEPT,
        logging_strategy="steps",
        logging_steps=1 / CURVE_POINTS,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
        **METHODS[settings.method].arguments(settings),
    )


def report(
    trainer: Any, model: str, rows: int, too_long: tuple[str, ...], seconds: float, unpaired: int = 0
) -> tuple[TrainingReport, Timings]:
    """How a finished training's loss went, and what it took.

    Args:
        trainer: Watched by a `Watch`.
        model: Content hash of the trained model.
        too_long: Path ids of the rows left out.
        unpaired: Rows left out for want of a rejected path.
        seconds: Wall-clock time of the whole.
    """
    watch = next(one for one in trainer.callback_handler.callbacks if isinstance(one, Watch))
    history = trainer.state.log_history
    before = _tokens(entry for entry in history if entry["step"] <= watch.resumed_at)
    since = _tokens(entry for entry in history if entry["step"] > watch.resumed_at)
    curve = tuple(Loss(step=entry["step"], loss=entry["loss"]) for entry in history if "loss" in entry)
    result = TrainingReport(
        model=model,
        rows=rows,
        too_long=too_long,
        unpaired=unpaired,
        steps=trainer.state.global_step,
        epochs=trainer.state.epoch,
        tokens=before + since,
        final_loss=curve[-1].loss,
        loss_curve=curve,
    )
    timings = Timings(
        seconds=round(seconds, 3),
        tokens_per_second=round(since / watch.seconds, 1) if watch.seconds else 0.0,
        peak_memory=watch.peak_memory,
        processes=trainer.args.world_size,
    )
    return result, timings


def _tokens(entries: Iterable[dict[str, float]]) -> int:
    """TRL counts from zero whenever it begins, be it at a checkpoint."""
    return int(max((entry.get("num_tokens", 0) for entry in entries), default=0))
