"""Builds the trainer of a training, lets it go, and takes its weights: also where several processes share them."""

import json
import os
from typing import Any

import torch
from datasets import Dataset
from torch.distributed.fsdp import MixedPrecisionPolicy

from mathse.loop.ask.engines.local.loading import load_model
from mathse.processes import is_first
from mathse.training import adapters, optimizer_state
from mathse.training.batches import AlwaysAnImage, GroupedByLength
from mathse.training.job import Job
from mathse.training.methods import METHODS
from mathse.training.watch import Run, Watch

# isort: split
from transformers import PrinterCallback, ProcessorMixin  # after `loading`, which makes torchvision importable


def build(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    arguments: Any,
    optimizer: torch.optim.Optimizer | None,
    run: Run,
) -> Any:
    """Make the trainer of a training.

    Args:
        dataset: Examples with the columns of the method.
        arguments: Batches, rates, schedule: the method's `config`.
        optimizer: In place of the one that the arguments describe.
    """
    job = run.job
    method = METHODS[job.settings.method if job else "sft"]
    collate = method.collate(processor)
    if job is not None and share_weights():
        collate = AlwaysAnImage(collate, dataset, run.lengths)
    trainer = method.trainer(
        job=job,
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=dataset,
        processing_class=processor,
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    if share_weights() and arguments.bf16 and trainer.is_fsdp_enabled:
        # accelerate's own policy would add up the processes' gradients, and round losses, in bfloat16 too.
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
        trainer.accelerator.state.fsdp_plugin.mixed_precision_policy = policy
    if job is not None and job.settings.group_by_length:
        trainer.grouped = GroupedByLength(run.lengths, job.settings.batch_size, arguments.seed)
    return trainer


def train_to_end(trainer: Any, title: str, run: Run) -> None:
    """Train, from the newest checkpoint if there is one, and say how far it is."""
    trainer.add_callback(Watch(title, run, trainer))
    if run.job is not None and run.job.settings.optimizer == "kept":
        optimizer_state.take_up(run.job.start, trainer.create_optimizer(), trainer.model)
    newest = None
    if run.checkpoints is not None:
        newest = run.checkpoints.newest()
        if is_first():
            run.checkpoints.remove_newer(newest)
        trainer.accelerator.wait_for_everyone()
    if newest is None:
        trainer.train()
        return
    state = json.loads((newest / "trainer_state.json").read_text(encoding="utf-8"))
    trainer.args.logging_steps = state["logging_steps"]  # in steps, as transformers compares it; it was a share
    trainer.train(resume_from_checkpoint=str(newest))


def share_weights() -> bool:
    """Whether each process holds a part of the weights (FSDP, ZeRO-3) and not a copy of all."""
    return any(os.environ.get(f"ACCELERATE_USE_{kind}", "false").lower() == "true" for kind in ("FSDP", "DEEPSPEED"))


def gathered(trainer: Any, job: Job) -> Any:
    """The model that several processes have trained, whole and in this one; all must ask, all but the first get None.

    Args:
        trainer: At its end.
    """
    wrapped = trainer.model if trainer.is_fsdp_enabled else trainer.model_wrapped
    weights = trainer.accelerator.get_state_dict(wrapped)
    if not is_first():
        return None
    # What follows is loaded whole: under ZeRO-3 transformers would share it out among the processes.
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()
    whole = adapters.prepare(load_model(job.start, "float32", "cpu", job.trust_remote_code), job.settings, job.seed)
    lacking, unknown = whole.load_state_dict(weights, strict=False)
    loaded = {id(parameter) for name, parameter in whole.named_parameters(remove_duplicate=False) if name in weights}
    lost = [name for name in lacking if id(whole.get_parameter(name)) not in loaded]  # a tied weight is there once
    if lost or unknown:
        raise RuntimeError(f"the processes' weights do not fit the model: lost {lost}, unknown {unknown}")
    return whole
