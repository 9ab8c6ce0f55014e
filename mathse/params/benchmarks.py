"""The public benchmarks that models are measured on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mathse.params.section import Count, Section

VERSIONS = ("text_dominant", "text_lite", "vision_intensive", "vision_dominant", "vision_only")
BenchmarkName = Literal["chartqa", "mathverse", "mathvision", "mathvista", "mathvl_test"]
SIZES: Mapping[BenchmarkName, Mapping[str | None, int]] = {
    "chartqa": {None: 2500, "human": 1250, "augmented": 1250},
    "mathverse": {None: 3940, **dict.fromkeys((*VERSIONS, "text_only"), 788)},
    "mathvision": {None: 3040, "testmini": 304},
    "mathvista": {None: 1000, "gps": 208},
    "mathvl_test": {None: 0},
}
"""How many items a benchmark has as published, by subset; None: what papers report under its plain name; 0: unknown."""
SUBSETS: Mapping[BenchmarkName, tuple[str, ...]] = {
    name: tuple(subset for subset in sizes if subset is not None) for name, sizes in SIZES.items()
}
"""What a benchmark can be narrowed to."""


def name_of(title: str) -> BenchmarkName:
    """The benchmark that a title with its subset is of: `mathvista` for `mathvista_gps`."""
    return next(name for name, subsets in SUBSETS.items() if title in (name, *(f"{name}_{one}" for one in subsets)))


class BenchmarkSource(Section):
    """A benchmark, from a local copy or from the hub.

    Sample: `{name: mathvision, subset: testmini, path: ../mathvision}` is known as `mathvision_testmini`.
    """

    name: BenchmarkName
    subset: str | None = Field(default=None, description="One of the benchmark's; null: all that papers report.")
    path: Path | None = Field(default=None, description="A local file of its rows, or the folder it lies in.")
    repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$", description="A hub data set's id.")
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$", description="Its commit, 40 hex digits.")
    limit: Count | None = Field(default=None, description="Only its first rows: to try things, not to report.")

    @property
    def title(self) -> str:
        """The benchmark's name with its subset, under which rows and metrics stand."""
        return f"{self.name}_{self.subset}" if self.subset else self.name

    @property
    def published(self) -> int:
        """How many items it has as published; 0 if that is not known."""
        return SIZES[self.name][self.subset]

    @property
    def expected(self) -> int:
        """How many items of it are wanted: those published, the limit considered; 0 if that is not known."""
        return min(self.published, self.limit) if self.limit else self.published

    @model_validator(mode="after")
    def it_has_one_place(self) -> "BenchmarkSource":
        """Local, or on the hub at one commit."""
        if (self.path is None) == (self.repository is None):
            raise ValueError("give either a path or a repository")
        if (self.repository is None) != (self.revision is None):
            raise ValueError("revision: belongs to a repository, and a repository needs one: 40 hex digits of a commit")
        return self

    @model_validator(mode="after")
    def the_subset_exists(self) -> "BenchmarkSource":
        """Each benchmark has its own subsets."""
        known = SUBSETS[self.name]
        if self.subset is not None and self.subset not in known:
            raise ValueError(f"subset: {self.name} has {', '.join(known) or 'none'}; found {self.subset!r}")
        return self
