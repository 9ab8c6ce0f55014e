"""What differs where several processes train one model: who writes, and how its weights come together."""

import os
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType

from mathse.backbones.loading import load_model
from mathse.training import adapters
from mathse.training.job import Job
from mathse.training.launch import LAUNCHED


def are_several() -> bool:
    """Whether this process is one of those that a stage has started for one training."""
    return LAUNCHED in os.environ


def is_first() -> bool:
    """Whether this process writes what the training leaves behind."""
    return not are_several() or os.environ.get("RANK", "0") == "0"


def share_weights() -> bool:
    """Whether each process holds a part of the weights (FSDP, ZeRO-3) and not a copy of all."""
    return any(os.environ.get(f"ACCELERATE_USE_{kind}", "false").lower() == "true" for kind in ("FSDP", "DEEPSPEED"))


def allow_sharding_on_cpu() -> None:
    """Let accelerate shard a model over CPU processes.

    torch's FSDP runs on CPUs, but accelerate considers it only where it has counted GPUs; so where its settings ask for
    FSDP and processes are CPU ones, the count is made to say so. To be called between the making of the training's
    arguments, which count, and that of the trainer, which considers.
    """
    state = PartialState()
    asked = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if asked and state.distributed_type == DistributedType.MULTI_CPU:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU


def gathered(trainer: Any, job: Job) -> Any:
    """The trained model, whole and in this process; every process must ask, and all but the first get None.

    Args:
        trainer: At its end.
        job: What the training was told.
    """
    wrapped = trainer.model if trainer.is_fsdp_enabled else trainer.model_wrapped
    weights = trainer.accelerator.get_state_dict(wrapped)
    if not is_first():
        return None
    _forget_zero()
    whole = adapters.prepare(load_model(job.start, "float32", "cpu", job.trust_remote_code), job.settings, job.seed)
    lacking, unknown = whole.load_state_dict(weights, strict=False)
    held = {id(parameter) for name, parameter in whole.named_parameters(remove_duplicate=False) if name in weights}
    lost = [name for name in lacking if id(whole.get_parameter(name)) not in held]  # a tied weight is there once
    if lost or unknown:
        raise RuntimeError(f"the processes' weights do not fit the model: lost {lost}, unknown {unknown}")
    return whole


def leave_together() -> None:
    """Take leave of the other processes, if there are any."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _forget_zero() -> None:
    """Load what follows whole: under ZeRO-3 transformers would share it out among the processes."""
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()
