"""What passes through a stage, counted on its way, for the closing line: the rows themselves stay as they are.

Sample: `1920 paths out; 12 truncated`, `1920 paths judged: 1300 WRONG, 620 CORRECT; the rule grader differs on 41`
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from mathse.tables.schemas import Feedback, Path, Verdict

T = TypeVar("T")
V = TypeVar("V", Verdict, Feedback)


def counts(rejected: Mapping[str, int] | Counter[str]) -> str:
    """Reasons with their counts, most frequent first: `12 truncated, 3 judged WRONG`; `nothing left out` if none."""
    ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered if count) or "nothing left out"


class Counted(Iterator[T]):
    """A stream that knows how many of its items were taken."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self.count = 0

    def __next__(self) -> T:
        item = next(self._items)
        self.count += 1
        return item


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


class VerdictTally(Iterator[V]):
    """A stream of verdicts or marks that knows what they say; as text: `38 paths judged: 20 CORRECT, 18 WRONG`."""

    def __init__(self, verdicts: Iterable[V]) -> None:
        self._verdicts = iter(verdicts)
        self._statuses: Counter[str] = Counter()
        self._differing = 0
        self._cost = 0.0

    def __next__(self) -> V:
        verdict = next(self._verdicts)
        self._statuses[verdict.status] += 1
        self._differing += isinstance(verdict, Verdict) and verdict.status is not verdict.rule_status
        self._cost += verdict.cost
        return verdict

    def __str__(self) -> str:
        differs = f"; the rule grader differs on {self._differing}" if self._differing else ""
        return f"{self._statuses.total()} paths judged: {counts(self._statuses)}{differs}{cost(self._cost)}"


def cost(total: float) -> str:
    """What a step cost, for its closing line: `; cost 1.25`; nothing where it was free."""
    return f"; cost {total:,.2f}" if total else ""
