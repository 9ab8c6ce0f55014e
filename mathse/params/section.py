"""What every section of params.yaml is, and the kinds of value that several of them use."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to keys that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[
    str,
    BeforeValidator(lambda name: str(name) if type(name) is int else name),  # YAML reads a bare 0 as a number
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Of a step, model or ORM: `1`, `final`, `1r`."),
]
Prompt = Annotated[str, Field(pattern=r"^[a-z-]+@\d+$", description="Name and version, such as `solve-brief@1`.")]
