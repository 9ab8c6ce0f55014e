"""Loads a model folder with transformers, in the same way for generation and for training.

A folder is what `save_pretrained` of a vision-language model and its processor leaves: safetensors, configuration,
tokenizer and image processor. Nothing is downloaded.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import torch
import torch.utils.deterministic
from safetensors import SafetensorError, safe_open

from mathse.errors import UserError
from mathse.loop.ask.engines.local import vision
from mathse.loop.ask.engines.local.chat import mend
from mathse.loop.ask.engines.local.fingerprint import require_model
from mathse.params import Compute

vision.guard()

from transformers import (  # noqa: E402
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    PreTrainedConfig,
    PreTrainedModel,
    ProcessorMixin,
)
from transformers.utils import logging as transformers_logging  # noqa: E402

REMEDY = "make the folder anew: `dvc repro` for a model that was trained, another copy for a base"


class ModelDamaged(UserError):
    """A model folder's files cannot be read, lack tensors, or hold what is no number."""


class ProcessorUnusable(UserError):
    """A model's processor needs a package that is not installed."""


class AttentionMissing(UserError):
    """The attention that params ask for cannot be used."""


def settle(compute: Compute, strict: bool = False) -> None:
    """Fix what sums depend on for the whole process: the number of threads, and deterministic kernels.

    Nothing is reported to anybody: the libraries' telemetry is off.

    Args:
        strict: On CUDA, refuse a kernel that has no deterministic form; else it is used with a warning. The backward
            pass of torch's attention is deterministic only if it is strict.
    """
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ["FLASH_ATTENTION_DETERMINISTIC"] = str(int(strict))
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=compute.device != "cpu" and not strict)
    # Deterministic mode also fills new tensors with NaN: a debugging aid that took a third of a tiny model's training.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    transformers_logging.disable_progress_bar()


def load_processor(folder: Path, trust_remote_code: bool = False) -> ProcessorMixin:
    """Load a model's processor: tokenizer, image processor, and chat template with what it lacks put in.

    Raises:
        ModelMissing: The folder holds no model.
        ProcessorUnusable: A package is missing that its processor needs.
        ChatTemplateError: Its chat template cannot be used.
    """
    require_model(folder)
    try:
        processor: ProcessorMixin = AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    except ImportError as error:
        raise ProcessorUnusable(f"{folder}: its processor cannot be loaded: {' '.join(str(error).split())}") from error
    mend(processor)
    return processor


def load_config(folder: Path, trust_remote_code: bool = False) -> PreTrainedConfig:
    """Load a model's configuration, without its weights.

    Raises:
        ModelMissing: The folder holds no model.
    """
    require_model(folder)
    config: PreTrainedConfig = AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=trust_remote_code
    )
    return config


def load_model(
    folder: Path, dtype: str, device: str, trust_remote_code: bool = False, attention: str | None = None
) -> PreTrainedModel:
    """Load a model's weights, as `dtype` in memory (such as `float32`), onto a device.

    Raises:
        ModelMissing: The folder holds no model.
        ModelDamaged: A file cannot be read, or the weights are not whole.
        AttentionMissing: The model has no such attention, or its kernel is not there.
    """
    require_model(folder)
    options: dict[str, Any] = {"dtype": getattr(torch, dtype), "attn_implementation": attention or "sdpa"}
    model: PreTrainedModel
    try:
        model, report = AutoModelForImageTextToText.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code, output_loading_info=True, **options
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ModelDamaged(f"{folder}: cannot be loaded ({type(error).__name__}: {error}); {REMEDY}") from error
    except (ImportError, ValueError) as error:
        if attention in (None, "sdpa"):
            raise
        raise AttentionMissing(
            f"compute.attention: {attention} cannot be used with {folder} ({' '.join(str(error).split())[:300]}); "
            "`pip install -e '.[flash]'` brings the kernels; without the key torch's own attention is used"
        ) from error
    if missing := sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}):
        raise ModelDamaged(
            f"{folder}: {len(missing)} tensors of the model are not in its files, such as {missing[0]}: they would be "
            f"random; {REMEDY}"
        )
    require_finite(folder, model.named_parameters())
    return model.to(device)


def require_finite(folder: Path, tensors: Iterable[tuple[str, torch.Tensor]] | None = None) -> None:
    """Refuse weights that are no numbers: whatever a model made of them, it would be none.

    Args:
        tensors: Of a loaded model, by name; None: those of the folder's files.

    Raises:
        ModelDamaged: A tensor holds NaN or infinity.
    """
    for name, tensor in _stored(folder) if tensors is None else tensors:
        plain = tensor.float() if tensor.element_size() == 1 else tensor  # torch cannot say it of eight bits
        if tensor.is_floating_point() and not torch.isfinite(plain).all():
            raise ModelDamaged(f"{folder}: the weights {name} hold NaN or infinity; {REMEDY}")


def _stored(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as content:
                yield from ((name, content.get_tensor(name)) for name in content.keys())  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ModelDamaged(f"{file}: cannot be read ({error}); {REMEDY}") from error


def context_length(model: PreTrainedModel) -> int:
    """The longest sequence a model was made for, in tokens, prompt and images included."""
    return int(model.config.get_text_config().max_position_embeddings)
