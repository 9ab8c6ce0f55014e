"""One supervised fine-tuning run."""

from typing import Literal

from pydantic import Field

from mathse.params.section import Count, Section


class Train(Section):
    """One supervised fine-tuning run (the paper's Table 6): loss on the completion only."""

    start_from: Literal["base", "previous"] = Field(
        default="base", description="Fine-tune every round from the base (mixes are cumulative) or from the last model."
    )
    epochs: float = Field(gt=0)
    max_steps: int = Field(default=-1, ge=-1, description="Stop after this many steps; -1: after `epochs`.")
    batch_size: Count
    learning_rate: float = Field(gt=0, le=0.1)
    matrix_learning_rate: float | None = Field(
        default=None, gt=0, le=0.1, description="Muon's, of the matrices within the network; null: AdamW for all."
    )
    warmup: float = Field(ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(ge=0, le=1)
    beta2: float = Field(default=0.999, gt=0, lt=1, description="AdamW's second moment.")
    scheduler: Literal["cosine", "linear", "constant_with_warmup"]
