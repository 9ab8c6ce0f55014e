"""Score a model on public benchmarks: accuracy by the official rule, its interval, pass@k, the official tables.

Rows of a benchmark that could not be read count as wrong, so that a denominator is the benchmark's own; they are named
in `note`, and are in no official table. Accuracies are shares between 0 and 1.

In: predictions, items, rejects. Out: a `BenchmarkMetrics` for each benchmark, and the official tables. Sample:

    {"n": 304, "rejected": 0, "correct": 71, "accuracy": 0.2336, "ci_low": 0.1875, "ci_high": 0.2829, ...}
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mathse.loop.evaluation.intervals import Group, bootstrap
from mathse.loop.evaluation.official import RULES, official_row
from mathse.loop.evaluation.passes import pass_rates
from mathse.params.benchmarks import name_of
from mathse.tables.schemas import BenchmarkItem, Prediction, Status

DIGITS = 6
TABLE_2 = ("mathvista_gps", "mathvista", "mathverse", "mathvision")
"""The columns of the paper's Table 2."""
_GPS = "geometry problem solving (GPS)"


class BenchmarkMetrics(BaseModel):
    """A model's measurement on one benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(gt=0, description="Items, those that could not be read included.")
    rejected: int = Field(ge=0, description="Items that could not be read: wrong, whatever the model.")
    correct: int = Field(ge=0, description="By the official rule; greedy answers.")
    undecided: int = Field(ge=0, description="Answers that could not be scored; they count as not correct.")
    accuracy: float = Field(ge=0, le=1, description="correct / n: pass@1, greedy.")
    ci_low: float = Field(description="Lower end of the 95 % bootstrap interval.")
    ci_high: float = Field(description="Upper end of the 95 % bootstrap interval.")
    rule_accuracy: float = Field(description="Share that our own rule grader says is correct.")
    extraction_rate: float = Field(description="Share of replies in which an answer was found.")
    pass_at: dict[str, float] = Field(default_factory=dict, description="pass@k of the drawn samples, by k.")
    prompt_id: str = Field(description="Name and version of the prompt.")
    scorer: str = Field(description="Official rule and its version, and who compared answers.")
    extractor: str = Field(description="Who found the answers: `rule`, or a model and its prompt.")
    note: str | None = Field(default=None, description="What keeps the number from being the published benchmark's.")


class Measured:
    """Counts of one benchmark's predictions, filled as they stream by."""

    def __init__(self, title: str, items: Mapping[str, BenchmarkItem], rejected: int, published: int) -> None:
        """Count nothing yet.

        Args:
            title: The benchmark.
            items: Its items by problem id.
            rejected: Rows of it that could not be read.
            published: How many items it has as published; 0 if that is not known.
        """
        self._title, self._items, self._rejected, self._published = title, items, rejected, published
        self._right: dict[str, bool] = {}
        self._drawn: dict[str, list[bool]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._said: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, row: Prediction) -> None:
        """Count one prediction."""
        right = row.status is Status.CORRECT
        if row.sample_idx:
            self._drawn[row.problem_id].append(right)
            return
        self._right[row.problem_id] = right
        self._counts["undecided"] += row.status is Status.UNDECIDED
        self._counts["rule"] += row.rule_status is Status.CORRECT
        self._counts["extracted"] += row.answer is not None
        for name in ("prompt_id", "scorer", "extractor"):
            self._said[name][getattr(row, name)] += 1

    @property
    def n(self) -> int:
        """Items, those that could not be read included."""
        return len(self._right) + self._rejected

    def metrics(self) -> BenchmarkMetrics:
        """The measurement; needs at least one item."""
        n, correct = self.n, sum(self._right.values())
        low, high = bootstrap(self._groups())
        samples = max(map(len, self._drawn.values()), default=0)
        return BenchmarkMetrics(
            n=n,
            rejected=self._rejected,
            correct=correct,
            undecided=self._counts["undecided"],
            accuracy=round(correct / n, DIGITS),
            ci_low=round(low, DIGITS),
            ci_high=round(high, DIGITS),
            rule_accuracy=round(self._counts["rule"] / n, DIGITS),
            extraction_rate=round(self._counts["extracted"] / max(1, len(self._right)), DIGITS),
            pass_at=pass_rates(map(sum, self._drawn.values()), samples, self._rejected),
            **{name: ", ".join(sorted(self._said[name])) or "none" for name in ("prompt_id", "scorer", "extractor")},
            note=self._note(n),
        )

    def _groups(self) -> list[Group]:
        """Correct items and items by problem: MathVerse asks each in several versions."""
        groups: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for problem_id, right in self._right.items():
            problem = json.loads(self._items[problem_id].official).get("problem_index", problem_id)
            groups[str(problem)][0] += right
            groups[str(problem)][1] += 1
        return [*((right, count) for right, count in groups.values()), *[(0, 1)] * self._rejected]

    def _note(self, n: int) -> str | None:
        notes = []
        if self._rejected:
            notes.append(f"{self._rejected} of {n} rows could not be read and count as wrong")
        if self._published and n != self._published:
            notes.append(f"{n} of {self._published} published items")
        return "; ".join(notes) or None

    def tables(self) -> dict[str, Any]:
        """The official tables as the official script writes them, and accuracy by name for people."""
        name = name_of(self._title)
        if name not in RULES:
            return {}
        rows = self._rows()
        shown = RULES[name].tables(rows)
        return {
            "scores": RULES[name].scores(rows),
            "tables": {
                title: {
                    group: {"correct": one.correct, "total": one.total, "percent": round(one.percent, 2)}
                    for group, one in groups.items()
                }
                for title, groups in shown.items()
            },
        }

    def gps(self) -> float | None:
        """Accuracy on geometry problem solving, of MathVista."""
        if self._title != "mathvista":
            return None
        tally = RULES["mathvista"].tables(self._rows())["overall"].get(_GPS)
        return None if tally is None else round(tally.percent / 100, DIGITS)

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        return [official_row(self._items[problem_id], right) for problem_id, right in self._right.items()]


def measure(
    predictions: Iterable[Prediction],
    items: Mapping[str, BenchmarkItem],
    rejected: Mapping[str, int],
    published: Mapping[str, int],
) -> dict[str, Measured]:
    """Count every benchmark's predictions.

    Args:
        predictions: Of all benchmarks and of the run's own tests, which are passed over.
        items: Benchmark items by problem id.
        rejected: Rows that could not be read, by benchmark.
        published: Sizes as published, by benchmark; its keys are the benchmarks configured.
    """
    of = {title: Measured(title, items, rejected.get(title, 0), size) for title, size in published.items()}
    for row in predictions:
        if row.benchmark in of:
            of[row.benchmark].add(row)
    return of


def table_2(measured: Mapping[str, Measured], metrics: Mapping[str, BenchmarkMetrics]) -> dict[str, float]:
    """The paper's Table 2, those columns that are measured; GPS also from MathVista as a whole."""
    found = {name: metrics[name].accuracy for name in TABLE_2 if name in metrics}
    gps = measured["mathvista"].gps() if "mathvista" in measured else None
    if gps is not None:
        found.setdefault("mathvista_gps", gps)
    return {name: found[name] for name in TABLE_2 if name in found}
