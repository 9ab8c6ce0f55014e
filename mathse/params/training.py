"""One training: by which method, what is trained, in which batches, on how many processes."""

from pathlib import Path
from typing import Annotated, Literal

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
    """Several processes for one training, started by `accelerate launch`."""

    processes: Count = Field(description="One per GPU; on a CPU each has `compute.threads` threads.")
    config: Path | None = Field(
        default=None,
        description="accelerate's YAML, such as presets/accelerate/fsdp.yaml; null: whole copies of the model (DDP).",
    )


class Dpo(Section):
    """Direct preference optimization (arXiv 2305.18290); names and meanings are those of TRL's `DPOConfig`."""

    beta: float = Field(default=0.1, gt=0, le=100, description="How strongly the model is held to its start.")
    loss_type: tuple[Literal["sigmoid", "sigmoid_norm", "hinge", "ipo", "apo_zero", "apo_down", "sft"], ...] = Field(
        default=("sigmoid",),
        min_length=1,
        description="Summed; `[sigmoid, sft]` adds the negative log-likelihood of what is preferred.",
    )
    loss_weights: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None, description="One for each loss_type, such as `[1.0, 0.2]`; null: 1 each."
    )

    @model_validator(mode="after")
    def losses_fit(self) -> "Dpo":
        """Each loss is there once and has its weight, and one of them looks at what is rejected."""
        if self.loss_weights is not None and len(self.loss_weights) != len(self.loss_type):
            raise ValueError(f"loss_weights: {len(self.loss_weights)} weights for {len(self.loss_type)} of loss_type")
        if len(set(self.loss_type)) < len(self.loss_type):
            raise ValueError("loss_type: names a loss twice; name it once, with its weight in loss_weights")
        if set(self.loss_type) == {"sft"}:
            raise ValueError("loss_type: sft alone prefers nothing; write `method: sft`, or add sigmoid")
        return self


class Train(Section):
    """One training: supervised fine-tuning (the paper's Table 6), loss on the completion only; or DPO beside it."""

    method: Literal["sft", "dpo"] = Field(
        default="sft", description="dpo: of a mix whose query returns `rejected_path_id` beside `path_id` and `reason`."
    )
    dpo: Dpo | None = Field(default=None, description="Of `method: dpo` alone; null: its defaults.")
    epochs: float = Field(gt=0)
    max_steps: int = Field(default=-1, ge=-1, description="Stop after this many steps; -1: after `epochs`.")
    batch_size: Count = Field(
        description="Rows per step, over all processes and accumulated gradients: the global batch."
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
    optimizer: Literal["new", "kept"] = Field(
        default="new",
        description="kept: take up the moments, momentum and step counters that the start model's training has left by "
        "`keep_optimizer`; the schedule begins anew.",
    )
    keep_optimizer: bool = Field(
        default=False, description="Leave the optimizer's state beside the weights; twice their size in float32."
    )
    lora: Lora | None = Field(default=None, description="Train adapters; null: train the model itself.")
    freeze_vision: bool = Field(default=False, description="Leave the vision tower as it is.")
    gradient_checkpointing: bool | None = Field(
        default=None, description="Compute activations anew instead of keeping them; null: on a GPU, not on a CPU."
    )
    deterministic: bool = Field(
        default=True,
        description="On a GPU: the same training gives the same bytes, and a kernel that has no such form is refused; "
        "false: it is used.",
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Processes beside each that trains, which decode and prepare the next steps' images meanwhile; "
        "0: none, and every step waits for its own. The weights are the same.",
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
    def settings_are_the_methods(self) -> "Train":
        """What only one method reads is refused beside another; nothing is silently left aside."""
        if self.method != "dpo":
            if self.dpo is not None:
                raise ValueError(
                    f"dpo: method {self.method} has no such settings; write `method: dpo`, or leave it out"
                )
            return self
        if self.lora is not None and self.lora.dropout:
            raise ValueError("lora.dropout: DPO compares with the start model and drops nothing out; leave it 0")
        if self.launch is not None and self.launch.config is not None:
            raise ValueError("launch.config: DPO trains whole copies of the model; leave it out, or take lora to save")
        return self

    @model_validator(mode="after")
    def the_optimizers_state_is_whole(self) -> "Train":
        """Adapters are gone after their training, and shards of a state lie on as many processes."""
        key = "keep_optimizer" if self.keep_optimizer else "optimizer: kept"
        if self.keep_optimizer or self.optimizer == "kept":
            if self.lora is not None:
                raise ValueError(
                    f"{key}: adapters are merged, and their optimizer's state with them ends; leave it out"
                )
            if self.launch is not None and self.launch.config is not None:
                raise ValueError(f"{key}: the state lies in shards; leave it or launch.config out")
        return self

    @model_validator(mode="after")
    def muon_sees_whole_matrices(self) -> "Train":
        """Muon makes the update of a whole matrix orthogonal; that of an adapter or of a shard means nothing."""
        if self.matrix_learning_rate is not None and self.lora is not None:
            raise ValueError("matrix_learning_rate: Muon trains whole matrices, not adapters; leave it or lora out")
        if self.matrix_learning_rate is not None and self.launch is not None and self.launch.config is not None:
            raise ValueError("matrix_learning_rate: Muon needs whole matrices; leave it or launch.config out")
        return self
