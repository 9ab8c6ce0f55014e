"""What passes through a stage, counted on its way, for the closing line: the rows themselves stay as they are.

Sample: `1920 paths out; 12 truncated`, `1920 paths in, 1300 WRONG, 620 CORRECT; the rule grader differs on 41`
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from mathse.tables.schemas import Feedback, Path, Verdict

V = TypeVar("V", Verdict, Feedback)


def counts(rejected: Mapping[str, int] | Counter[str]) -> str:
    """Reasons with their counts, most frequent first: `12 truncated, 3 judged WRONG`; `nothing left out` if none."""
    ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered if count) or "nothing left out"


class PathTally(Iterator[Path]):
    """A stream of paths that knows what became of them; as text: `38 paths out; 3 truncated`."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = iter(paths)
        self._ends: Counter[str] = Counter()
        self._cost = 0.0

    def __next__(self) -> Path:
        path = next(self._paths)
        self._ends[path.error.partition(":")[0] if path.error else path.finish_reason] += 1
        self._cost += path.cost
        return path

    def __str__(self) -> str:
        left_out = {"truncated" if end == "length" else end: n for end, n in self._ends.items() if end != "stop"}
        return f"{self._ends.total()} paths out; {counts(left_out)}{cost(self._cost)}"


class StatusTally(Iterator[V]):
    """A stream of verdicts or of feedback that knows what it said.

    As text: `38 paths in, 30 CORRECT, 8 WRONG; the rule grader differs on 2; cost 1.25`, the grader for verdicts alone.
    """

    def __init__(self, rows: Iterable[V]) -> None:
        self._rows: Iterator[V] = iter(rows)
        self._cost = 0.0
        self.statuses: Counter[str] = Counter()
        self.differing: int | None = None
        """Verdicts on which the rule grader says something else."""

    def __next__(self) -> V:
        row = next(self._rows)
        self.statuses[str(row.status)] += 1
        self._cost += row.cost
        if isinstance(row, Verdict):
            self.differing = (self.differing or 0) + (row.status != row.rule_status)
        return row

    def __str__(self) -> str:
        graded = "" if self.differing is None else f"; the rule grader differs on {self.differing}"
        return f"{self.statuses.total()} paths in, {counts(self.statuses)}{graded}{cost(self._cost)}"


def cost(total: float) -> str:
    """What a step cost, for its closing line: `; cost 1.25`; nothing where it was free."""
    return f"; cost {total:,.2f}" if total else ""
