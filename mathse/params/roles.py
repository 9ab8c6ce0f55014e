"""Who answers in the loop: teacher, student and judge, and how each is asked."""

from typing import Annotated

from pydantic import Field, model_validator

from mathse.params.inference import Answering, Described, teacher_names
from mathse.params.section import Count, Prompt, one_of


class Teacher(Described):
    """The teacher: solves, annotates, reflects. `solver` knows the drawn figures' scenes."""

    engine: Annotated[str, one_of(teacher_names)]
    mistake_rate: float = Field(
        default=0, ge=0, le=1, description="Share of its solutions in which the solver makes a mistake."
    )
    max_new_tokens: Count = Field(default=2048, description="Of a solution, a reflection or a mark, in tokens.")
    temperature: float = Field(
        default=0, ge=0, le=2, description="Of its solutions and reflections; above 0 where it writes several."
    )


class Student(Answering):
    """How the model under training is asked."""

    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt


class Judge(Answering):
    """How paths are judged: by the ORM (`model`), or by another judge in its place."""

    reference: bool = Field(default=True, description="Whether the judge is shown the gold answer.")
    batch_size: Count
    max_new_tokens: Count
    prompt: Prompt
    min_confidence: float = Field(
        default=0,
        ge=0,
        lt=1,
        description="How sure it must be of a student's path (`ask: rollout`) that it calls CORRECT; of one of which "
        "it is less sure, its verdict is UNDECIDED, `not sure enough`. 0: every verdict counts.",
    )

    @model_validator(mode="after")
    def its_confidence_is_known(self) -> "Judge":
        """Where it is never told, no student's path would ever be CORRECT."""
        told = self.engine not in ("api", "replay") or (self.api is not None and self.api.extra.get("logprobs") is True)
        if self.min_confidence and not told:
            remedy = "; or write api.extra: {logprobs: true}" if self.engine == "api" else ""
            raise ValueError(
                f"min_confidence: replies of engine {self.engine} do not say how sure it was; leave it out{remedy}"
            )
        return self
