"""What every section of params.yaml is, and the kinds of value that several of them use."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to keys that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[
    str,
    BeforeValidator(lambda name: str(name) if type(name) is int else name),  # YAML reads a bare 0 as a number
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Of a step, model or ORM: `1`, `final`, `1r`."),
]
Prompt = Annotated[str, Field(pattern=r"^[a-z-]+@\d+$", description="Name and version, such as `solve-brief@1`.")]


def one_of(names: Callable[[], tuple[str, ...]]) -> AfterValidator:
    """Admits the names that a folder has when they are asked for; an error lists them, as that of a `Literal` does."""

    def known(name: str) -> str:
        if name not in names():
            *others, last = (repr(one) for one in names())
            raise ValueError(f"Input should be {', '.join(others)}{' or ' if others else ''}{last}")
        return name

    return AfterValidator(known)
