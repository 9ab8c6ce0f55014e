"""What a story says, in numbers: plain values, for words, for pages and for JSON.

    rows       in and out of the mix, by reason; candidates that were left out
    problems   that a row solves now, and did not before
    decisions  what people said of paths, and what became of them
    noise      rows that the ORM calls CORRECT and the rule grader does not (WRONG, or UNDECIDED)
    tests      problems gained and lost, with the p-value of McNemar's exact test on the pairs
    groups     the same by subject and level

Anything may be missing, as while a run goes on: then `missing` says what, and the rest is told.
"""

from dataclasses import dataclass, field
from pathlib import Path

from mathse.loop.evaluation.transitions import Transition

SIGNIFICANT = 0.05
"""A p-value below it is taken for more than chance."""

Pair = tuple[int, int]
"""A count before and after."""


@dataclass(frozen=True)
class Side:
    """One of two models, the mix that trained it, and where both lie; a file may be missing.

    Attributes:
        step: Whose mix it is; `base` before the first step.
        model: Trained on the mix and measured; None if there is none.
        heading: What people call the step: `round 1`.
        mix: The table of the mix.
        predictions: The table of the model's predictions; None if it is not measured.
    """

    step: str
    model: str | None
    heading: str
    mix: Path
    predictions: Path | None


@dataclass(frozen=True)
class Came:
    """Rows of the second mix alone that were written in one way: by kind, and by round (0 where there is none)."""

    kind: str
    round: int
    rows: int


@dataclass(frozen=True)
class Rows:
    """Rows of the two mixes.

    Attributes:
        before: Of the first.
        after: Of the second.
        came: Rows of the second alone.
        went: Rows of the first alone, by the reason why the second leaves them out.
        candidates: Paths that the second mix's query decided on; None if its report is not at hand.
        left_out: New candidates that are not in it, by reason.
    """

    before: int
    after: int
    came: list[Came]
    went: dict[str, int]
    candidates: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Decided:
    """What somebody said of paths with one tag, and what became of these; of `fixed`, of their corrections.

    Attributes:
        who: The person's name.
        tag: `bad`, `good` or `fixed`.
        outcome: In words, such as `out of the mix now`.
        paths: The ids of the paths that were tagged.
    """

    who: str
    tag: str
    outcome: str
    paths: list[str]


@dataclass(frozen=True)
class Problems:
    """Training problems that the mixes solve: that have a row.

    Attributes:
        unsolved: That the first mix leaves unsolved.
        solved: Of those, the ones that the second solves.
        lost: That the first solves and the second does not.
        asked: Problems that the second's step asked about; None if its report is not at hand.
    """

    unsolved: int
    solved: int
    lost: int
    asked: int | None = None

    @property
    def remaining(self) -> int:
        """That the second mix leaves unsolved."""
        return self.unsolved - self.solved + self.lost


@dataclass(frozen=True)
class Noise:
    """Paths that the ORM calls CORRECT and the rule grader does not.

    Attributes:
        rows: In the two mixes.
        undecided: Of those in the second, the ones that the rule grader calls UNDECIDED, not WRONG.
        unjudged: Rows of the second mix that no verdict is known of.
        kept_out: Such paths of the second's step that its mix has not.
    """

    rows: Pair
    undecided: int
    unjudged: int
    kept_out: int


@dataclass(frozen=True)
class Measurement:
    """What both models make of the same problems: the run's own tests, or a benchmark's items.

    Attributes:
        name: `problems` (the run's own tests), or the benchmark's.
        change: The problems that both were measured on, by what became of them.
        unmatched: Problems that one of them alone was measured on.
    """

    name: str
    change: Transition
    unmatched: int = 0

    @property
    def right(self) -> Pair:
        """Problems solved by each, of those that both were measured on."""
        return self.change.stayed_correct + self.change.lost, self.change.stayed_correct + self.change.gained

    @property
    def judgement(self) -> str:
        """In plain words."""
        if self.change.p_value >= SIGNIFICANT:
            return "not shown to help"
        return "shown to help" if self.change.gained > self.change.lost else "shown to hurt"


@dataclass(frozen=True)
class Group:
    """The problems of one subject, or of one level.

    Attributes:
        by: `subject` or `level`.
        name: Of the subject, or the level's number.
        rows: In the two mixes.
        noise: Rows of the second mix that are label noise (`Noise`).
        kept_out: As in `Noise`.
        tests: The run's own test problems that both models were measured on.
        right: Of those, solved by each.
    """

    by: str
    name: str
    rows: Pair
    noise: int
    kept_out: int
    tests: int
    right: Pair


@dataclass(frozen=True)
class Story:
    """What changed from one model to another, and whether it helped; None or empty where nothing can be said."""

    before: Side
    after: Side
    rows: Rows | None
    decisions: list[Decided]
    problems: Problems | None
    noise: Noise | None
    tests: list[Measurement]
    groups: list[Group]
    missing: list[str]
