"""The problems, and the model that everything starts from."""

from typing import Literal

from pydantic import Field

from mathse.params.section import Count, Section


class FigureSource(Section):
    """Drawn figures (`mathse.synthetic`): problems per split, all distinct by content."""

    name: Literal["figures"]
    seed: int = Field(ge=0)
    train: Count
    orm: Count
    test: Count


class Problems(Section):
    """The problems the loop learns from and is measured on."""

    sources: tuple[FigureSource, ...] = Field(min_length=1)
    max_pixels: int = Field(default=4_000_000, ge=1, description="Images with more pixels are rejected undecoded.")


class CourseSteps(Section):
    """Optimizer steps of each part of the base's course, in this order."""

    first: int = Field(ge=0, description="Tables to read, numbers to compare, options to look up.")
    all: Count = Field(description="Every drill on every picture.")

    def parts(self) -> tuple[tuple[Literal["first", "all"], int], ...]:
        """Each part's name and steps, in order."""
        return ("first", self.first), ("all", self.all)


class Base(Section):
    """The base model: here a tiny Qwen2-VL pre-trained on figure descriptions and arithmetic."""

    build: Literal["figures"]
    seed: int = Field(ge=0)
    steps: CourseSteps
    batch_size: Count
    learning_rate: float = Field(gt=0, le=0.1, description="Of embeddings, biases and norms (AdamW).")
    matrix_learning_rate: float = Field(gt=0, le=0.1, description="Of the matrices between layers (Muon).")
