"""Measure the ORM on held-out paths against the teacher's annotation (the paper's Table 5).

Besides the verdict, the step is scored: of the wrong paths, how many were judged WRONG *and* the same first wrong step
named. An UNDECIDED verdict is right about nothing and is counted apart. The rule grader's verdict stands beside the
ORM's, and where the two differ is counted: a path may reach the gold answer by a wrong step.

In: `data/orm/<orm>/verdicts`, `data/orm/<orm>/feedback`. Out: `reports/metrics/<orm>.json`, one object:

    {"n": 2000, "accuracy_correct": 0.942, "accuracy_wrong": 1.0, "accuracy": 0.971, "step_accuracy": 0.81, ...}
"""

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from mathse.errors import UserError
from mathse.loop.evaluation.statistics import DIGITS
from mathse.tables.schemas import Feedback, Status, Verdict, folded


class StatusPair(BaseModel):
    """How many paths got this pair of statuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: Status
    second: Status
    count: int = Field(gt=0)


class OrmMetrics(BaseModel):
    """The ORM's measurement; shares are between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(gt=0, description="Held-out paths.")
    n_correct: int = Field(gt=0, description="Those the teacher annotated CORRECT.")
    n_wrong: int = Field(gt=0, description="Those the teacher annotated WRONG.")
    accuracy_correct: float = Field(description="Share of the correct paths judged CORRECT.")
    accuracy_wrong: float = Field(description="Share of the wrong paths judged WRONG.")
    accuracy: float = Field(description="Share of all paths judged as annotated.")
    step_accuracy: float = Field(description="Share of the wrong paths judged WRONG at the annotated step.")
    undecided: int = Field(ge=0, description="Paths without a verdict.")
    confusion: tuple[StatusPair, ...] = Field(description="Paths by (teacher's status, ORM's status).")
    disagreements: tuple[StatusPair, ...] = Field(description="Paths by (ORM's, rule grader's), where they differ.")


def measure(verdicts: Iterable[Verdict], feedback: Iterable[Feedback]) -> OrmMetrics:
    """Score verdicts on held-out paths.

    Args:
        verdicts: The ORM's, one per held-out path.
        feedback: The teacher's annotations, of at least these paths.

    Raises:
        UserError: There is no correct or no wrong path, or one that the teacher did not annotate as either.
    """
    annotated = {row.path_id: row for row in feedback}
    judged: list[tuple[Feedback, Verdict]] = []
    for verdict in verdicts:
        truth = annotated.get(verdict.path_id)
        if truth is None or truth.status is Status.UNDECIDED:
            raise UserError(
                f"held-out path {verdict.path_id} has no CORRECT or WRONG annotation; `dvc repro` makes both anew"
            )
        judged.append((truth, verdict))
    correct, wrong = (
        [(truth, verdict) for truth, verdict in judged if truth.status is status]
        for status in (Status.CORRECT, Status.WRONG)
    )
    if not correct or not wrong:
        raise UserError(
            f"the ORM needs correct and wrong held-out paths to be measured, found {len(correct)} and {len(wrong)}: "
            "raise orm.held_out, orm.samples or problems.sources[].orm"
        )
    agreed, caught = (
        [(truth, verdict) for truth, verdict in pairs if verdict.status is truth.status] for pairs in (correct, wrong)
    )
    located = sum(
        folded(truth.error_step) == folded(verdict.error_step)
        for truth, verdict in caught
        if truth.error_step and verdict.error_step
    )
    return OrmMetrics(
        n=len(judged),
        n_correct=len(correct),
        n_wrong=len(wrong),
        accuracy_correct=round(len(agreed) / len(correct), DIGITS),
        accuracy_wrong=round(len(caught) / len(wrong), DIGITS),
        accuracy=round((len(agreed) + len(caught)) / len(judged), DIGITS),
        step_accuracy=round(located / len(wrong), DIGITS),
        undecided=sum(verdict.status is Status.UNDECIDED for _, verdict in judged),
        confusion=_pairs((truth.status, verdict.status) for truth, verdict in judged),
        disagreements=_pairs(
            (verdict.status, verdict.rule_status) for _, verdict in judged if verdict.status is not verdict.rule_status
        ),
    )


def _pairs(statuses: Iterable[tuple[Status, Status]]) -> tuple[StatusPair, ...]:
    counted = sorted(Counter(statuses).items())
    return tuple(StatusPair(first=first, second=second, count=count) for (first, second), count in counted)
