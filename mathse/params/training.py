"""One supervised fine-tuning run: what is trained, in which batches, on how many processes."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mathse.params.section import Count, Section


class Lora(Section):
    """Low-rank adapters in place of full fine-tuning (arXiv 2106.09685); merged into the weights on saving."""

    rank: int = Field(default=16, ge=1, le=1024)
    alpha: float = Field(default=32, gt=0, description="An adapter's output counts alpha / rank times.")
    dropout: float = Field(default=0, ge=0, lt=1, description="Of an adapter's input.")
    targets: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Linear layers, by name or end of name, such as `q_proj` or `layers.0.mlp.up_proj`, wherever the "
        "model has them; null: all of the language model, none of the vision tower.",
    )


class Launch(Section):
    """Several processes for one training, started by `accelerate launch`; each checks the whole mix for itself."""

    processes: Count = Field(description="One a GPU; on a CPU each has `compute.threads` threads.")
    config: Path | None = Field(
        default=None,
        description="accelerate's YAML, such as presets/accelerate/fsdp.yaml; null: whole copies of the model (DDP).",
    )


class Train(Section):
    """One supervised fine-tuning run (the paper's Table 6): loss on the completion only."""

    epochs: float = Field(gt=0)
    max_steps: int = Field(default=-1, ge=-1, description="Stop after this many steps; -1: after `epochs`.")
    batch_size: Count = Field(
        description="Rows a step, over all processes and accumulated gradients: the global batch."
    )
    per_device: int | None = Field(
        default=None, ge=1, description="Rows a process works on at once; null: its whole share of the batch."
    )
    learning_rate: float = Field(gt=0, le=0.1)
    matrix_learning_rate: float | None = Field(
        default=None, gt=0, le=0.1, description="Muon's, of the matrices within the network; null: AdamW for all."
    )
    warmup: float = Field(ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(ge=0, le=1)
    beta2: float = Field(default=0.999, gt=0, lt=1, description="AdamW's second moment.")
    scheduler: Literal["cosine", "linear", "constant_with_warmup"]
    lora: Lora | None = Field(default=None, description="Train adapters; null: train the model itself.")
    freeze_vision: bool = Field(default=False, description="Leave the vision tower as it is.")
    gradient_checkpointing: bool | None = Field(
        default=None, description="Compute activations anew instead of keeping them; null: on a GPU, not on a CPU."
    )
    group_by_length: bool = Field(default=False, description="Rows of like length share a batch: less padding.")
    max_length: int | None = Field(
        default=None,
        ge=1,
        description="Most tokens of a row, images included; null: the model's context. A longer row is left out and "
        "named, since cutting it would cost its answer; if it would cost image tokens, nothing is trained.",
    )
    save_steps: int | None = Field(
        default=None, ge=1, description="Steps between checkpoints, from which a killed training goes on; null: none."
    )
    launch: Launch | None = Field(default=None, description="Several processes; null: the stage's own.")

    @property
    def processes(self) -> int:
        """How many processes share a batch."""
        return self.launch.processes if self.launch else 1

    @property
    def at_once(self) -> int:
        """Rows a process works on at once."""
        return self.per_device or self.batch_size // self.processes

    @property
    def accumulation(self) -> int:
        """How many times each process works before the optimizer takes its step."""
        return self.batch_size // (self.at_once * self.processes)

    @model_validator(mode="after")
    def the_batch_divides(self) -> "Train":
        """Every process works equally often on equally many rows."""
        share = (self.per_device or 1) * self.processes
        if self.batch_size % share:
            each = f"per_device {self.per_device} x " if self.per_device else ""
            raise ValueError(
                f"batch_size: {self.batch_size} is not a multiple of {share} ({each}processes {self.processes}), "
                "but it is the global batch: per_device x launch.processes x accumulation"
            )
        return self

    @model_validator(mode="after")
    def muon_sees_whole_matrices(self) -> "Train":
        """Muon makes the update of a whole matrix orthogonal; that of an adapter or of a shard means nothing."""
        if self.matrix_learning_rate is not None and self.lora is not None:
            raise ValueError("matrix_learning_rate: Muon trains whole matrices, not adapters; leave it or lora out")
        if self.matrix_learning_rate is not None and self.launch is not None and self.launch.config is not None:
            raise ValueError("matrix_learning_rate: Muon needs whole matrices; leave it or launch.config out")
        return self
