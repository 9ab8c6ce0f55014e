"""What every section of params.yaml is, and the kinds of value that several of them use."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to keys that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Prompt = Annotated[str, Field(pattern=r"^[a-z-]+@\d+$", description="Name and version, such as `solve-brief@1`.")]
