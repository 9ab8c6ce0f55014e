"""Supervised fine-tuning with TRL: a mix and a start model in, a model folder with its lineage out (paper, Table 6).

Minimises the mean negative log-likelihood of the completion's tokens given question and images, over the tokens of a
whole batch, however it is shared out among processes and steps. On one machine the same mix, start model, settings and
seed give the same bytes, also if the training was killed and went on from a checkpoint. A model folder appears whole or
not at all.
"""

import copy
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from mathse.backbones.fingerprint import model_fingerprint
from mathse.backbones.loading import context_length, load_model, load_processor, settle
from mathse.params import Compute, Train
from mathse.tables.images import ImageStore
from mathse.tables.store import input_hashes
from mathse.training import adapters, processes
from mathse.training.checkpoints import KEPT, Checkpoints
from mathse.training.examples import Limits, load_examples
from mathse.training.folder import whole_or_not_at_all
from mathse.training.image_tokens import ImageTokens, token_id
from mathse.training.job import Job
from mathse.training.launch import in_processes
from mathse.training.lineage import PACKAGES, history, versions, write_lineage
from mathse.training.optimizer import optimizer_of
from mathse.training.report import TrainingReport, report
from mathse.training.trainer import build, go
from mathse.training.watch import Beside, TrainingDiverged

# After `loading`, which makes torchvision importable.
from transformers import ProcessorMixin  # isort: skip
from trl import SFTConfig, SFTTrainer  # isort: skip
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling  # isort: skip

__all__ = ["TrainingDiverged", "TrainingReport", "config", "fit", "report", "run", "train"]

CURVE_POINTS = 50
"""How many points of the loss curve are kept, about."""


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
    checkpoints: Path | None = None,
    live: Path | None = None,
    trust_remote_code: bool = False,
) -> TrainingReport:
    """Fine-tune a model on a mix: in this process, or in those that the settings ask for.

    Args:
        mix: Table of mix rows.
        images: Table of their images.
        start: Folder of the model to start from.
        out: Folder of the new model; replaced if there is one.
        settings: Epochs, learning rate and so on.
        compute: Device, threads and precision. In bfloat16 the weights are trained in float32 under autocast; those
            that only carry adapters are bfloat16.
        seed: Decides the order of the rows.
        max_pixels: Images above are refused.
        extra_lineage: What else the lineage file shall say.
        checkpoints: Folder of the model's checkpoints, if `settings.save_steps` asks for them.
        live: Folder of dvclive's files; None: none are written.
        trust_remote_code: Whether code that lies in the start folder may run.

    Raises:
        ModelMissing: The start folder holds no model.
        MixError: The mix is empty, or holds rows that cannot be trained on; nothing was trained.
        TargetMissing: The model has not the layers that the settings name.
        TrainingDiverged: The loss became infinite or no number; no model was written.
        LaunchFailed: One of several processes failed; no model was written.
    """
    job = Job(
        mix=mix, images=images, start=start, out=out, settings=settings, compute=compute, seed=seed,
        max_pixels=max_pixels, extra_lineage=dict(extra_lineage), trust_remote_code=trust_remote_code,
        checkpoints=checkpoints, live=live,
    )  # fmt: skip
    return in_processes(job) if settings.launch else run(job)


def run(job: Job) -> TrainingReport:
    """Do a job in this process: alone, or as one of several.

    Raises:
        UserError: See `train`.
    """
    began = time.monotonic()
    settle(job.compute)
    settings, several = job.settings, processes.are_several()
    made_from = _made_from(job)
    processor = load_processor(job.start, job.trust_remote_code)
    adapted = settings.lora is not None and job.compute.dtype == "bfloat16"
    dtype, device = "bfloat16" if adapted else "float32", "cpu" if several else job.compute.device
    model = load_model(job.start, dtype, device, job.trust_remote_code)
    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    limit = min(context_length(model), settings.max_length or context_length(model))
    limits = Limits(limit, ImageTokens(processor, token_id(model, processor)))
    examples = load_examples(job.mix, ImageStore(job.images, job.max_pixels), collate, limits)
    made_from["mix"]["rows"] = len(examples.dataset)
    behind = history(made_from) if processes.is_first() else {}
    beside = Beside(_checkpoints(job, made_from), job.live, job, examples.lengths)
    model = adapters.prepare(model, settings, job.seed)
    trainer, fingerprint = fit(
        model, load_processor(job.start, job.trust_remote_code), examples.dataset, job.out,
        config(settings, job.compute, job.seed), {**made_from, **behind}, optimizer_of(model, settings), beside,
    )  # fmt: skip
    rows, seconds = len(examples.dataset), time.monotonic() - began
    return report(trainer, fingerprint, rows, examples.too_long, seconds)


def _checkpoints(job: Job, made_from: dict[str, Any]) -> Checkpoints | None:
    if job.checkpoints is None or job.settings.save_steps is None:
        return None
    return Checkpoints(job.checkpoints, {"packages": versions(PACKAGES), **made_from})


def _made_from(job: Job) -> dict[str, Any]:
    return {
        **job.extra_lineage,
        "start": {"folder": job.start.as_posix(), "fingerprint": model_fingerprint(job.start)},
        "mix": {"file": job.mix.as_posix(), "hash": input_hashes([job.mix])[job.mix.as_posix()]},
        "settings": job.settings.model_dump(mode="json"),
        "compute": job.compute.model_dump(mode="json"),
        "seed": job.seed,
        **({"packages": versions((*PACKAGES, "peft"))} if job.settings.lora else {}),
    }


def fit(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    out: Path,
    arguments: Mapping[str, Any],
    made_from: Any,
    optimizer: torch.optim.Optimizer | None = None,
    beside: Beside = Beside(),  # noqa: B008  it is frozen
) -> tuple[SFTTrainer, str]:
    """Train a model on examples and put its folder in place: weights, processor, lineage file and card.

    Args:
        model: What is trained, in float32, or with adapters around it.
        processor: Its tokenizer and image processor.
        dataset: Examples of `images`, `prompt` and `completion`.
        out: Folder of the new model; replaced if there is one.
        arguments: Of `SFTConfig`, as `config` gives them.
        made_from: What the lineage file shall say.
        optimizer: In place of the AdamW that the arguments describe; their schedule moves its rates too.
        beside: What the training keeps beside the model.

    Returns:
        The trainer and the content hash of the trained model; of several processes only the first has the hash.
    """
    unused = copy.deepcopy((model.config, processor))  # training turns the cache off and leaves its padding behind
    with whole_or_not_at_all(out) as folder:
        kept = beside.checkpoints.folder if beside.checkpoints else folder / "trainer"
        given = SFTConfig(str(kept), **arguments)
        processes.allow_sharding_on_cpu()
        trainer = build(model, processor, dataset, given, optimizer, beside)
        go(trainer, f"train {out.name}", beside)
        shutil.rmtree(folder / "trainer", ignore_errors=True)
        whole = processes.gathered(trainer, beside.job) if beside.job and processes.are_several() else model
        if whole is None:
            return trainer, ""
        whole = adapters.merged(whole)
        whole.config, processor = unused
        whole.to(torch.bfloat16 if arguments["bf16"] else torch.float32).save_pretrained(folder)
        processor.save_pretrained(folder)
        fingerprint = write_lineage(folder, made_from)
    if beside.checkpoints:
        beside.checkpoints.remove()
    return trainer, fingerprint


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
        completion_only_loss=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
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
    )
