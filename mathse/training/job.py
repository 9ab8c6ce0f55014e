"""All that one training is told, and what it answers: light to import, and JSON.

Samples: `{"model": "7d79...", "rows": 212, "steps": 140, "final_loss": 0.412, "loss_curve": [{"step": 1, ...}, ...]}`
in `reports/training/<m>.json`, which the same training always writes with the same bytes, and `{"seconds": 48.1,
"tokens_per_second": 2511.0, "peak_memory": 1288490188, "processes": 1}` in `reports/timings/train-<m>.json`.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from mathse.params import Compute, Train


class Job(BaseModel):
    """One training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mix: Path = Field(description="Table of mix rows.")
    images: Path = Field(description="Table of their images.")
    start: Path = Field(description="Folder of the model to start from.")
    out: Path = Field(description="Folder of the new model, by whose name it is known; replaced if there is one.")
    settings: Train
    compute: Compute = Field(
        description="In bfloat16 the weights are trained in float32 under autocast; those that only carry adapters are "
        "bfloat16."
    )
    seed: int = Field(description="Decides the order of the rows, and an adapter's first weights.")
    max_pixels: int = Field(description="Images above are refused.")
    prompt_id: str | None = Field(
        default=None, description="Name and version of the prompt that the mix was written with, and the model expects."
    )
    checkpoints: Path | None = Field(
        default=None, description="Folder of the model's checkpoints, if `settings.save_steps` asks for them."
    )
    lengths: Path | None = Field(default=None, description="File in which the rows' lengths are kept; null: nowhere.")
    live: Path | None = Field(default=None, description="File of the losses that are written while it runs.")
    trust_remote_code: bool = Field(default=False, description="Whether code that lies in the start folder may run.")


class Loss(BaseModel):
    """A point of a training's loss curve; `dvc plots show` draws them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    loss: float = Field(description="Mean loss of the steps since the point before.")


class TrainingReport(BaseModel):
    """What a model was trained on and how its loss went: the same training writes the same bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="Content hash of the trained model; of several processes only the first has it.")
    rows: int = Field(description="Rows trained on.")
    too_long: tuple[str, ...] = Field(
        description="Path ids of the rows longer than the model's context or `max_length`; none of them: null in JSON."
    )
    unpaired: int = Field(description="Rows of the mix without a wrong path beside them, which preferences leave out.")
    steps: int
    epochs: float
    tokens: int = Field(description="Tokens seen, prompts and images included, over all epochs.")
    final_loss: float = Field(description="Mean loss at the curve's last point.")
    loss_curve: tuple[Loss, ...]

    @field_serializer("too_long")
    def _none_is_null(self, path_ids: tuple[str, ...]) -> tuple[str, ...] | None:
        """`dvc plots` draws no curve from a file that holds an empty list."""
        return path_ids or None

    @field_validator("too_long", mode="before")
    @classmethod
    def _null_is_none(cls, path_ids: object) -> object:
        return path_ids or ()


class Timings(BaseModel):
    """What a training took, which no two runs share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(
        description="Wall-clock time, loading and checking included; since a kill, if there was one."
    )
    tokens_per_second: float = Field(description="Over the steps alone, all processes together; since a kill.")
    peak_memory: int = Field(
        description="Bytes: on CUDA the most that torch had allocated, on a CPU the process's largest resident set; of "
        "several processes the one that needed most."
    )
    processes: int
