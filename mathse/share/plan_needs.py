"""What a run needs: GPU-hours, memory, disk and money, from its tokens and its model's size.

The formulas are the usual ones for estimates, each named where it is used; the numbers they rest on are `Assumed`,
which `mathse plan` prints beside the result. They say what order of machine is needed; they do not replace a trial.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mathse.params import Api, Params, Train
from mathse.share.plan_options import GPUS, Gpu
from mathse.share.plan_sizes import Size
from mathse.share.plan_steps import Step

GIB = 2**30


REFERENCE = (2500.0, 8e9, GPUS["h100"].tflops)
"""Completion tokens per second that one GPU writes under continuous batching, for a model of so many parameters, at so
many TFLOP/s; other sizes and GPUs are taken in proportion."""
FULL = 6
"""FLOPs a parameter and token of full training: 2 forward, 4 backward (arXiv 2001.08361, section 2.1)."""
ADAPTERS = 4
"""The same with adapters: no gradients of the frozen weights."""
STATE = 16
"""Bytes a trained parameter: float32 weight and gradient, two moments of Adam."""
LAYER = 34
"""Bytes a token and unit of width that one layer keeps for its backward pass (arXiv 2205.05198, section 4.1)."""
LOGIT = 10
"""Bytes a token and word of the vocabulary: bfloat16 logits, float32 copy, gradient."""
ADAPTED = 25
"""Rows and columns of a layer's seven matrices, in widths: what one rank of adapters costs."""
FITS = 0.9
"""Share of a GPU's memory that may be planned for; the vision tower and the allocator take from the rest."""


@dataclass(frozen=True)
class Assumed:
    """What the estimate rests on beside params.

    Attributes:
        gpu: The GPU.
        mfu: Share of its FLOP/s that training makes use of; recomputed activations count as not used.
        prefill_mfu: The same, of reading prompts.
        tokens_per_second: Completion tokens of one GPU.
        api_seconds: Seconds a request to a server takes.
        gpu_hour_price: Of one GPU; None if it shall not be counted.
    """

    gpu: Gpu
    mfu: float
    prefill_mfu: float
    tokens_per_second: float
    api_seconds: float
    gpu_hour_price: float | None


def usual_tokens_per_second(parameters: int, gpu: Gpu) -> float:
    """Completion tokens per second of one GPU, in proportion to `REFERENCE`."""
    tokens, size, tflops = REFERENCE
    return tokens * size / parameters * gpu.tflops / tflops


def training_gpu_hours(tokens: int, size: Size, how: Train, assumed: Assumed) -> float:
    """GPU-hours of a training of so many tokens."""
    flops = (ADAPTERS if how.lora else FULL) * size.parameters * tokens
    return flops / (assumed.gpu.tflops * 1e12 * assumed.mfu) / 3600


def generation_gpu_hours(step: Step, size: Size, assumed: Assumed) -> float:
    """GPU-hours in which a local model reads the prompts and writes the completions of a step."""
    reading = 2 * size.parameters * step.prompt_tokens / (assumed.gpu.tflops * 1e12 * assumed.prefill_mfu)
    return (reading + step.completion_tokens / assumed.tokens_per_second) / 3600


def memory(how: Train, size: Size, longest: float) -> dict[str, float]:
    """GiB a GPU needs in training, by what takes it.

    Args:
        how: The training: rows at once, processes, adapters, checkpointing.
        size: Of the model.
        longest: Tokens of the longest row.
    """
    shards = how.processes if how.launch is not None and how.launch.config is not None else 1
    tokens = how.at_once * min(longest, how.max_length or longest)
    if how.lora is None:
        states, working = STATE * size.parameters / shards, 0 if shards > 1 else 2 * size.parameters
    else:
        trained = ADAPTED * how.lora.rank * size.width * size.layers
        states, working = 2 * size.parameters / shards + STATE * trained, 0
    kept = LAYER if how.gradient_checkpointing is False else 2
    layers = tokens * size.width * (size.layers * kept + LAYER)
    return {
        "weights, gradients, Adam": states / GIB,
        "bfloat16 copy": working / GIB,
        "activations": layers / GIB,
        "logits": tokens * size.vocabulary * LOGIT / GIB,
    }


def host_memory(how: Train, size: Size) -> float:
    """GiB of the machine's own memory while a training loads: each process has the whole model before it is shared."""
    return how.processes * (2 if how.lora else 4) * size.parameters / GIB


def fewest_gpus(how: Train, size: Size, longest: float, gpu: Gpu) -> int | None:
    """The fewest GPUs, a power of two, that hold the training when it is sharded over them; None if 64 do not."""
    shared = memory(how, size, longest)
    fixed = shared["activations"] + shared["logits"]
    whole = (2 if how.lora else STATE) * size.parameters / GIB
    return next((count for count in (1, 2, 4, 8, 16, 32, 64) if whole / count + fixed <= FITS * gpu.memory), None)


def disk(settings: Params, size: Size, problems: int, image_bytes: float, steps: Sequence[Step]) -> dict[str, float]:
    """GiB on disk, by what takes them.

    Args:
        settings: The whole of params.
        size: Of the model.
        problems: Of all splits.
        image_bytes: Mean size of an image's file.
        steps: Whose completions are kept, twice: in a table and in the journal.
    """
    each = (2 if settings.compute.dtype == "bfloat16" else 4) * size.parameters
    models = len(settings.trained)
    written = sum(step.completion_tokens for step in steps)
    saves = settings.train.save_steps or settings.orm.train.save_steps
    kept = 2 * (STATE - 4) * size.parameters if saves and settings.train.lora is None else 0
    return {
        "base": each / GIB,
        f"{models} trained models": models * each / GIB,
        "DVC's copy of them": models * each / GIB,
        "checkpoints of a training": kept / GIB,
        "images": problems * image_bytes / GIB,
        "paths and verdicts, with their journals": 2 * 4 * written / GIB,
    }


def api_cost(steps: Sequence[Step], api: Api) -> float | None:
    """Money for a server's completions; None if the price table has not its model."""
    price = api.prices.get(api.model)
    if price is None:
        return None
    return sum(step.prompt_tokens * price.input + step.completion_tokens * price.output for step in steps) / 1e6


def api_hours(steps: Sequence[Step], api: Api, assumed: Assumed) -> float:
    """Hours in which a server answers: as many requests at once as allowed, within the budget of tokens."""
    seconds = sum(step.requests for step in steps) * assumed.api_seconds / api.concurrency
    tokens = sum(step.prompt_tokens + step.completion_tokens for step in steps)
    return max(seconds / 3600, tokens / api.tokens_per_minute / 60 if api.tokens_per_minute else 0)
