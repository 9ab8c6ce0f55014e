"""The model that everything starts from."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from mathse.params.section import Count, Section
from mathse.params.sources import FILL_IN, HUB_ID, REVISION, how_to_pin


class CourseSteps(Section):
    """Optimizer steps of each part of the base's course, in this order."""

    first: int = Field(ge=0, description="Tables to read, numbers to compare, options to look up.")
    all: Count = Field(description="Every drill on every picture.")

    def parts(self) -> tuple[tuple[Literal["first", "all"], int], ...]:
        """Each part's name and steps, in order."""
        return ("first", self.first), ("all", self.all)


class Base(Section):
    """The base model, built here: a tiny Qwen2-VL pre-trained on figure descriptions and arithmetic."""

    build: Literal["figures"]
    seed: int = Field(ge=0)
    steps: CourseSteps
    batch_size: Count
    learning_rate: float = Field(gt=0, le=0.1, description="Of embeddings, biases and norms (AdamW).")
    matrix_learning_rate: float = Field(gt=0, le=0.1, description="Of the matrices between layers (Muon).")


class ImageLimits(Section):
    """How finely a backbone looks at an image; what is not given stays as the model has it.

    A family knows either pixels (Qwen-VL, GLM-4.1V) or tiles (InternVL), or neither (LLaVA).
    """

    min_pixels: int | None = Field(default=None, ge=1, description="Smaller images are enlarged.")
    max_pixels: int | None = Field(default=None, ge=1, description="Larger images are reduced.")
    min_tiles: int | None = Field(default=None, ge=1, description="Tiles an image is cut into, at least.")
    max_tiles: int | None = Field(default=None, ge=1, description="Tiles an image is cut into, at most.")

    def given(self) -> dict[str, int]:
        """The limits that are given, by key."""
        return {key: value for key, value in self.model_dump().items() if value is not None}


class Pretrained(Section):
    """The base model, taken as it is: from the Hugging Face hub at a pinned revision, or from a folder."""

    model_config = ConfigDict(populate_by_name=True)

    source: str = Field(
        alias="from",
        min_length=1,
        description="A hub id, such as `Qwen/Qwen2-VL-7B-Instruct`, or a folder: `./folder`, `../folder`, `/folder`.",
    )
    revision: str | None = Field(default=None, description="The commit of a hub id, 40 hex digits.")
    image: ImageLimits = ImageLimits()
    trust_remote_code: bool = Field(default=False, description="Whether Python code that lies with the model may run.")

    @property
    def is_folder(self) -> bool:
        """Whether `from` names a folder."""
        return self.source.startswith(("./", "../", "/", "~/"))

    @property
    def is_filled_in(self) -> bool:
        """Whether the revision is given, where one is needed."""
        return self.revision != FILL_IN

    @model_validator(mode="after")
    def the_source_is_exact(self) -> "Pretrained":
        """A hub id moves under its name; a commit does not."""
        if self.is_folder:
            if self.revision is not None:
                raise ValueError("revision: belongs to a hub id, but `from` names a folder")
        elif not HUB_ID.fullmatch(self.source):
            raise ValueError(f"from: neither a hub id (`owner/name`) nor a folder (`./folder`): {self.source!r}")
        elif self.revision is None or not REVISION.fullmatch(self.revision):
            raise ValueError(f"revision: must be the 40 hex digits of a commit; {how_to_pin(self.source)}")
        return self


def _which(base: Any) -> str:
    taken = isinstance(base, Pretrained) or (isinstance(base, dict) and "from" in base)
    return "<pretrained>" if taken else "<built>"


AnyBase = Annotated[Annotated[Base, Tag("<built>")] | Annotated[Pretrained, Tag("<pretrained>")], Discriminator(_which)]
"""Where the base model comes from."""
