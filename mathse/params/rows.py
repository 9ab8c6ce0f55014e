"""The rows of `steps`, `models` and `orms`: what the loop consists of."""

from typing import Literal, NamedTuple

from pydantic import Field

from mathse.params.section import Name, Section


class Step(Section):
    """A step of the loop: paths are asked for, judged, and mixed with those of the step before.

    Sample: `{prev: "0", ask: rollout, model: "0", judge: orm}`: model 0 writes paths for what mix 0 does not solve.
    """

    prev: Name = Field(description="The step whose mix grows and whose remaining problems are tried; base: none.")
    ask: Literal["distill", "rollout", "reflect"] = Field(
        description="How paths are asked for: that section of params."
    )
    model: Name = Field(
        description="Whose weights write them in a rollout. Steps that ask the teacher name one too: they run again, "
        "from their journal, when it changes."
    )
    judge: Name = Field(description="The ORM that judges them.")


class Model(Section):
    """A student. Several can be trained on one mix.

    Sample: `{start: "0", mix: "1", by: further}`: model 0, trained on by mix 1 as the section `further` says.
    """

    start: Name = Field(description="The model it starts from: base, or an earlier one.")
    mix: Name = Field(description="The step whose mix trains it.")
    by: Literal["train", "further", "prefer"] = Field(description="How it is trained: that section of params.")


class OrmModel(Section):
    """An Outcome Reward Model, trained on the paths of a student and of a teacher that errs more often."""

    student: Name = Field(description="Whose mistakes it learns from: student, or a model of the loop.")
    start: Name = Field(description="The model it starts from: base, student, a model of the loop, or an earlier ORM.")


class Recipe(NamedTuple):
    """What makes a model: the weights it starts from, the mix that trains it, the section of params that says how."""

    start: str
    mix: str
    by: str
