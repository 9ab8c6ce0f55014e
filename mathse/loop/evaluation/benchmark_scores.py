"""Score a model on public benchmarks: accuracy by the official rule, its interval, pass@k, the official tables.

Rows of a benchmark that could not be read count as wrong, so that a denominator is the benchmark's own; they are named
in `note`, and are in no official table. Accuracies are shares between 0 and 1.

In: predictions, items, rejects. Out: a `BenchmarkMetrics` per benchmark, and the official tables. Sample:

    {"n": 304, "rejected": 0, "correct": 71, "accuracy": 0.2336, "ci_low": 0.1875, "ci_high": 0.2829, ...}
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mathse.benchmarks.benchmark import benchmark_of, columns_of_table_2
from mathse.benchmarks.official import Fields, official_fields
from mathse.benchmarks.rule import Rule
from mathse.loop.evaluation.statistics import DIGITS, bootstrap, pass_rates
from mathse.tables.schemas import BenchmarkItem, Prediction, Status


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
    """One benchmark's predictions, counted as they stream by."""

    def __init__(self, title: str, items: Mapping[str, BenchmarkItem], rejected: int, published: int) -> None:
        """Count nothing yet.

        Args:
            rejected: Rows of it that could not be read.
            published: How many items it has as published; 0 if that is not known.
        """
        self._benchmark = benchmark_of(title)
        self._items, self._rejected, self._published = items, rejected, published
        self._right: dict[str, bool] = {}
        self._drawn: dict[str, list[bool]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._names: dict[str, set[str]] = defaultdict(set)

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
            self._names[name].add(getattr(row, name))

    @property
    def n(self) -> int:
        """Items, those that could not be read included."""
        return len(self._right) + self._rejected

    def metrics(self) -> BenchmarkMetrics:
        """The measurement; needs at least one item."""
        n, correct = self.n, sum(self._right.values())
        groups: dict[str, list[int]] = defaultdict(lambda: [0, 0])  # MathVerse asks a problem in several versions
        for problem_id, right in self._right.items():
            problem = official_fields(self._items[problem_id]).get(self._benchmark.problem, problem_id)
            groups[str(problem)][0] += right
            groups[str(problem)][1] += 1
        low, high = bootstrap([*((right, count) for right, count in groups.values()), *[(0, 1)] * self._rejected])
        samples = max(map(len, self._drawn.values()), default=0)
        notes = []
        if self._rejected:
            notes.append(f"{self._rejected} of {n} rows could not be read and count as wrong")
        if self._published and n != self._published:
            notes.append(f"{n} of {self._published} published items")
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
            **{name: ", ".join(sorted(self._names[name])) or "none" for name in ("prompt_id", "scorer", "extractor")},
            note="; ".join(notes) or None,
        )

    def tables(self) -> dict[str, Any]:
        """The official tables as their script writes them, and accuracy by name for people; empty without a rule."""
        rule = self._benchmark.rule
        if rule is None:
            return {}
        rows = self._rows(rule)
        return {
            "scores": rule.scores(rows),
            "tables": {
                title: {
                    group: {"correct": count.correct, "total": count.total, "percent": round(count.percent, 2)}
                    for group, count in groups.items()
                }
                for title, groups in rule.tables(rows).items()
            },
        }

    def share_of(self, row: str) -> float | None:
        """The accuracy in a row of the official table `overall`; None where there is no such row."""
        rule = self._benchmark.rule
        count = rule.tables(self._rows(rule))["overall"].get(row) if rule else None
        return None if count is None else round(count.percent / 100, DIGITS)

    def _rows(self, rule: Rule) -> list[Fields]:
        """The items' official fields with their verdicts, as the official tables count them."""
        return [
            {**official_fields(self._items[problem_id]), rule.correct: right}
            for problem_id, right in self._right.items()
        ]


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
    measured = {title: Measured(title, items, rejected.get(title, 0), size) for title, size in published.items()}
    for row in predictions:
        if row.benchmark in measured:
            measured[row.benchmark].add(row)
    return measured


def table_2(measured: Mapping[str, Measured], metrics: Mapping[str, BenchmarkMetrics]) -> dict[str, float]:
    """The paper's Table 2, those columns that are measured: as a subset, or as a row of the whole benchmark's table."""
    shares: dict[str, float] = {}
    for title, column in columns_of_table_2().items():
        whole = measured.get(benchmark_of(title).name)
        if title in metrics:
            shares[title] = metrics[title].accuracy
        elif column.row and whole and (share := whole.share_of(column.row)) is not None:
            shares[title] = share
    return shares
