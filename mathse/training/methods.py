"""The methods of training: what TRL calls each, which columns it trains on, and what its trainer lacks for us.

To add one: a line in `METHODS`, its name in `params.Train.method`, and a section of settings where it has any.

transformers writes the weights of a checkpoint under the names they have on the hub and looks for those they have in
memory; where a family has renamed its modules, as Qwen2-VL has, it finds none, warns, and goes on with the weights of
the start. Here they are written under the names in memory, and what does not fit is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors.torch import save_file

from mathse.loop.ask.engines.local.loading import load_model
from mathse.params import Train
from mathse.params.training import Dpo
from mathse.training.batches import GroupedByLength
from mathse.training.job import Job

# isort: split
# After `loading`, which makes torchvision importable.
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling


@dataclass(frozen=True)
class Method:
    """One method of training.

    Attributes:
        trainer: Of TRL, with what it lacks.
        config: Of its arguments.
        columns: The texts of an example as the trainer names them, each with the field of a mix row that it holds;
            every example has `images` beside them.
        collate: Makes the collator, from the model's processor: a batch has a row for each example, or one after the
            other several times as many.
        arguments: Those that this method alone has, from its settings.
    """

    trainer: type[Any]
    config: type[Any]
    columns: Mapping[str, str]
    collate: Callable[[Any], Any]
    arguments: Callable[[Train], dict[str, Any]]


class Restorable:
    """What both trainers lack: a chosen order of rows, and checkpoints that fit."""

    grouped: GroupedByLength | None = None
    """The order of the rows; None: at random."""
    model: Any
    args: Any

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        inherited: Any = super()
        return inherited._get_train_sampler(train_dataset) if self.grouped is None else self.grouped

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if isinstance(self.model, PeftModel):
            inherited: Any = super()
            inherited._save(output_dir, state_dict)  # peft writes and finds adapters under the same names
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = self.model.state_dict() if state_dict is None else state_dict
        # safetensors wants tensors that share no memory: of tied weights each gets its own.
        seen: set[int] = set()
        own = {}
        for name, tensor in tensors.items():
            own[name] = (tensor.clone() if tensor.data_ptr() in seen else tensor).contiguous()
            seen.add(tensor.data_ptr())
        save_file(own, folder / "model.safetensors", metadata={"format": "pt"})

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        if load_result.missing_keys or load_result.unexpected_keys:
            raise RuntimeError(f"a checkpoint does not fit its model: {load_result}")


class Sft(Restorable, SFTTrainer):  # type: ignore[misc]
    """Supervised fine-tuning."""

    def __init__(self, job: Job | None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.model_accepts_loss_kwargs = True  # its loss is one over all tokens of the batch, whatever the model's is


class Preference(Restorable, DPOTrainer):  # type: ignore[misc]
    """Direct preference optimization: the start model is the reference."""

    def __init__(self, job: Job, model: Any, **arguments: Any) -> None:
        adapted = isinstance(model, PeftModel)
        # TRL itself would load it without asking whether code of the folder may run.
        reference = (
            None if adapted else load_model(job.start, "float32", "cpu", job.trust_remote_code, job.compute.attention)
        )
        super().__init__(model=model, ref_model=reference, **arguments)
        if adapted:  # TRL has copied the adapters as they are, which is nothing yet: without any it is the start model
            model.delete_adapter("ref")


METHODS: Mapping[str, Method] = {
    "sft": Method(
        Sft,
        SFTConfig,
        {"prompt": "prompt", "completion": "completion"},
        lambda processor: DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True),
        lambda settings: {"completion_only_loss": True},
    ),
    "dpo": Method(
        Preference,
        DPOConfig,
        {"prompt": "prompt", "chosen": "completion", "rejected": "rejected"},
        DataCollatorForVisionPreference,
        lambda settings: (settings.dpo or Dpo()).model_dump(mode="json"),
    ),
}
