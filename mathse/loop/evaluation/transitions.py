"""What a step changed: which problems a model gained and lost against the one before it (the paper's Figure 2).

UNDECIDED predictions count as not correct. Sample, of 2,000 problems:

    Transition(before="base", after="0", stayed_correct=402, stayed_wrong=678, lost=215, gained=705)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mathse.errors import UserError
from mathse.loop.evaluation.statistics import mcnemar
from mathse.tables.schemas import OWN_TESTS, Prediction, Status


@dataclass(frozen=True)
class Transition:
    """Counts of problems by what they were under one model and are under the next.

    Attributes:
        before: The earlier model's name.
        after: The later model's name.
        stayed_correct: Correct under both.
        stayed_wrong: Not correct under either.
        lost: Correct before, not after.
        gained: Not correct before, correct after.
    """

    before: str
    after: str
    stayed_correct: int
    stayed_wrong: int
    lost: int
    gained: int

    @property
    def n(self) -> int:
        """Problems compared."""
        return self.stayed_correct + self.stayed_wrong + self.lost + self.gained

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test: how likely so uneven a change is between two equal models."""
        return mcnemar(self.gained, self.lost)


def compare(
    before: tuple[str, Iterable[Prediction]],
    after: tuple[str, Iterable[Prediction]],
    benchmark: str = OWN_TESTS,
) -> Transition:
    """Compare two models, by name and predictions, on the same problems: by their greedy answers.

    Raises:
        UserError: A problem is in one table and not in the other.
    """

    def correct(predictions: Iterable[Prediction]) -> dict[str, bool]:
        greedy = (row for row in predictions if row.benchmark == benchmark and row.sample_idx == 0)
        return {row.problem_id: row.status is Status.CORRECT for row in greedy}

    return between((before[0], correct(before[1])), (after[0], correct(after[1])))


def between(before: tuple[str, Mapping[str, bool]], after: tuple[str, Mapping[str, bool]]) -> Transition:
    """As `compare`, of which problems each model solves, by problem id.

    Raises:
        UserError: A problem is known of one model and not of the other.
    """
    (first, solved_before), (second, solved_after) = before, after
    if unmatched := sorted(solved_before.keys() ^ solved_after.keys()):
        raise UserError(
            f"models {first} and {second} were measured on different problems: {len(unmatched)} are in one table only, "
            f"first {unmatched[0]}; `dvc repro` measures them anew"
        )
    pairs = [(solved_before[problem], solved_after[problem]) for problem in solved_before]
    return Transition(
        before=first,
        after=second,
        stayed_correct=pairs.count((True, True)),
        stayed_wrong=pairs.count((False, False)),
        lost=pairs.count((True, False)),
        gained=pairs.count((False, True)),
    )
