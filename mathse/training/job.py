"""All that one training is told: by the stage to itself, or to the processes it starts, as a JSON file."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mathse.params import Compute, Train


class Job(BaseModel):
    """One training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mix: Path = Field(description="Table of mix rows.")
    images: Path = Field(description="Table of their images.")
    start: Path = Field(description="Folder of the model to start from.")
    out: Path = Field(description="Folder of the new model; replaced if there is one.")
    settings: Train
    compute: Compute
    seed: int = Field(description="Decides the order of the rows, and an adapter's first weights.")
    max_pixels: int = Field(description="Images above are refused.")
    extra_lineage: dict[str, Any] = Field(description="What else the lineage file shall say.")
    checkpoints: Path | None = Field(default=None, description="Folder of the model's checkpoints.")
    trust_remote_code: bool = Field(default=False, description="Whether code that lies in the start folder may run.")
    live: Path | None = Field(default=None, description="Folder of the losses that are written while it runs.")
