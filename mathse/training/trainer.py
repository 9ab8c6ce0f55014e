"""TRL's trainer, with what it lacks for this project: whole batches, like lengths, checkpoints that fit.

transformers writes the weights of a checkpoint under the names they have on the hub and looks for those they have in
memory; where a family has renamed its modules, as Qwen2-VL has, it finds none, warns, and goes on with the weights of
the start. Here they are written under the names in memory, and what does not fit is an error.
"""

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from safetensors.torch import save_file

from mathse.backbones import vision
from mathse.training import processes
from mathse.training.batches import AlwaysAnImage, GroupedByLength
from mathse.training.watch import Beside, Watch

vision.guard()

from transformers import PrinterCallback, ProcessorMixin  # noqa: E402  after the guard
from trl import SFTConfig, SFTTrainer  # noqa: E402
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling  # noqa: E402


class Trainer(SFTTrainer):  # type: ignore[misc]
    """One training of one model."""

    grouped: GroupedByLength | None = None
    """The order of the rows; None: at random."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return super()._get_train_sampler(train_dataset) if self.grouped is None else self.grouped

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if isinstance(self.model, PeftModel):
            super()._save(output_dir, state_dict)  # peft writes and finds adapters under the same names
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = self.model.state_dict() if state_dict is None else state_dict
        save_file(_each_its_own(tensors), folder / "model.safetensors", metadata={"format": "pt"})

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        if load_result.missing_keys or load_result.unexpected_keys:
            raise RuntimeError(f"a checkpoint does not fit its model: {load_result}")


def _each_its_own(tensors: dict[str, Any]) -> dict[str, Any]:
    """Tensors that share no memory, as safetensors wants them: of tied weights each gets its own."""
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        own[name] = (tensor.clone() if tensor.data_ptr() in seen else tensor).contiguous()
        seen.add(tensor.data_ptr())
    return own


def build(
    model: Any,
    processor: ProcessorMixin,
    dataset: Dataset,
    arguments: SFTConfig,
    optimizer: torch.optim.Optimizer | None,
    beside: Beside,
) -> Trainer:
    """Make the trainer of a training.

    Args:
        model: What is trained.
        processor: Its tokenizer and image processor.
        dataset: Examples of `images`, `prompt` and `completion`.
        arguments: Batches, rates, schedule.
        optimizer: In place of the one that the arguments describe.
        beside: What else is known of the training.
    """
    collate: Any = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    if beside.job is not None and processes.share_weights():
        collate = AlwaysAnImage(collate, dataset, beside.lengths)
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=collate,
        train_dataset=dataset,
        processing_class=processor,
        optimizers=(optimizer, None),
    )
    trainer.model_accepts_loss_kwargs = True  # TRL's loss is one over all tokens of the batch, whatever the model's is
    trainer.remove_callback(PrinterCallback)
    if beside.job is not None and beside.job.settings.group_by_length:
        trainer.grouped = GroupedByLength(beside.lengths, beside.job.settings.batch_size, arguments.seed)
    return trainer


def go(trainer: Trainer, title: str, beside: Beside) -> None:
    """Train, from the newest checkpoint if there is one, and say how far it is."""
    trainer.add_callback(Watch(title, beside, trainer))
    newest = None
    if beside.checkpoints is not None:
        if processes.is_first():
            beside.checkpoints.remove_damaged()
        trainer.accelerator.wait_for_everyone()
        newest = beside.checkpoints.newest()
    if newest is None:
        trainer.train()
        return
    state = json.loads((newest / "trainer_state.json").read_text(encoding="utf-8"))
    trainer.args.logging_steps = state["logging_steps"]  # in steps, as transformers compares it; it was a share
    trainer.train(resume_from_checkpoint=str(newest))
