"""The public benchmarks that models are measured on."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from mathse.params.section import Count, Section, one_of
from mathse.registry import names

PUBLIC = "mathse.benchmarks.public"


def benchmark_names() -> tuple[str, ...]:
    """The benchmarks by name."""
    return names(PUBLIC)


@cache
def _sizes(name: str) -> Mapping[str | None, int]:
    """How many items a benchmark has as published, by subset; 0 if that is not known."""
    # By name and only for a benchmark that is configured: params stay below what reads rows, and light without any.
    benchmark = import_module("mathse.benchmarks.benchmark").benchmark(name)
    return {subset: part.size for subset, part in benchmark.subsets.items()}


BenchmarkName = Annotated[str, one_of(benchmark_names)]


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
        return _sizes(self.name)[self.subset]

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
        if self.subset is not None and self.subset not in _sizes(self.name):
            known = ", ".join(subset for subset in _sizes(self.name) if subset) or "none"
            raise ValueError(f"subset: {self.name} has {known}; found {self.subset!r}")
        return self
