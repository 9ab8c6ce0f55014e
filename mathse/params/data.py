"""The model that everything starts from."""

from pydantic import ConfigDict, Field, model_validator

from mathse.params.section import Section
from mathse.params.sources import FILL_IN, HUB_ID, REVISION, how_to_pin


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
    fingerprint: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{32}$",
        description="What the model must be, by its content hash, before `image` is applied: a folder has no revision.",
    )
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
