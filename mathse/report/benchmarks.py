"""Models on public benchmarks, and whether a step changed more than chance would: two tables of the report.

In: `reports/metrics/*.json`, `data/predictions/*`. The paper's Table 2 comes first among the columns. Sample:

    | model       | MathVista GPS | MathVista           | mathvision_testmini |
    | base        |          12.0 | 10.1 (8.3 to 12.0)  |   3.3 (1.6 to 5.6)  |

    | step                | on       | gained | lost | p (McNemar) |
    | base to + distilled | problems |     61 |   19 |     2.7e-06 |
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.benchmarks.benchmark import columns_of_table_2
from mathse.loop.evaluation.benchmark_scores import measure
from mathse.loop.evaluation.transitions import Transition, between
from mathse.params import Params
from mathse.report.table import Cells, Measured, grid, interval
from mathse.tables import store
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Status

TITLE = "Public benchmarks, pass@1 by their official rules"


def cells(models: Sequence[Measured]) -> Cells:
    """The table of accuracies in %, its heading first; empty where no model is measured on a benchmark."""
    measured = {name for model in models for name in (*model.metrics.table_2, *model.metrics.benchmarks)}
    if not measured:
        return []
    table_2 = {name: column.heading for name, column in columns_of_table_2().items() if name in measured}
    headings = table_2 | {name: name for name in sorted(measured - table_2.keys())}
    rows: Cells = [("model", *headings.values())]
    for model in models:
        numbers = {name: f"{100 * accuracy:.1f}" for name, accuracy in model.metrics.table_2.items()}
        numbers |= {name: interval(benchmark) for name, benchmark in model.metrics.benchmarks.items()}
        rows.append((model.title, *(numbers.get(name, "") for name in headings)))
    return rows


def notes(models: Sequence[Measured]) -> list[str]:
    """What keeps numbers from being the published benchmark's, each once."""
    benchmarks = [entry for model in models for entry in model.metrics.benchmarks.items()]
    return list(dict.fromkeys(f"{name}: {metrics.note}" for name, metrics in benchmarks if metrics.note))


def markdown(models: Sequence[Measured]) -> str:
    """The table and its notes for the page; empty where no model is measured on a benchmark."""
    rows = cells(models)
    if not rows:
        return ""
    noted = "".join(f"\n{note}." for note in notes(models))
    return f"\n{TITLE}, accuracy in % (95 % bootstrap):\n\n{grid(rows)}{noted}" + ("\n" if noted else "")


def official(root: Path, models: Sequence[Measured], settings: Params) -> dict[str, dict[str, object]]:
    """The benchmarks' official tables, by model and benchmark; nothing of a benchmark without such tables.

    Raises:
        StoreError: A prediction table, or that of the benchmarks' items, is missing.
    """
    titles = {source.title: 0 for source in settings.benchmarks}
    if not titles:
        return {}
    items = {item.problem_id: item for item in store.scan(root / layout.BENCHMARK_ITEMS, BenchmarkItem)}
    tables: dict[str, dict[str, object]] = {}
    for name in (model.metrics.model for model in models):
        counted = measure(store.scan(root / layout.predictions(name), Prediction), items, {}, titles)
        tables[name] = {title: benchmark.tables() for title, benchmark in counted.items() if benchmark.n}
    return tables


def steps(root: Path, models: Sequence[Measured]) -> list[tuple[str, Transition]]:
    """What each step of the loop changed, on the run's own tests and on each benchmark that both models have.

    Raises:
        UserError: A prediction table is missing, or two models were measured on different problems.
    """
    solved: dict[str, dict[str, dict[str, bool]]] = {}  # whether the greedy answer is right, by model and benchmark
    for model in models:
        file = root / layout.predictions(model.metrics.model)
        store.require(file, Prediction)
        rows = pq.read_table(file, columns=["benchmark", "problem_id", "status"], filters=pc.field("sample_idx") == 0)
        by_benchmark = solved.setdefault(model.title, {})
        for row in sorted(rows.to_pylist(), key=lambda row: (row["benchmark"] != OWN_TESTS, row["benchmark"])):
            by_benchmark.setdefault(row["benchmark"], {})[row["problem_id"]] = row["status"] == Status.CORRECT
    return [
        (name, between((first, before), (second, solved[second][name])))
        for first, second in pairwise(solved)
        for name, before in solved[first].items()
        if name in solved[second]
    ]


def step_cells(transitions: Iterable[tuple[str, Transition]]) -> Cells:
    """The table of steps, its heading first."""
    rows: Cells = [("step", "on", "gained", "lost", "p (McNemar)")]
    for name, step in transitions:
        on = "own tests" if name == OWN_TESTS else name
        rows.append((f"{step.before} to {step.after}", on, f"{step.gained:,}", f"{step.lost:,}", f"{step.p_value:.2g}"))
    return rows


def shares(outcomes: Sequence[int]) -> list[str]:
    """What became of the problems in a step, each outcome with its share of all: `402 (20.1 %)`."""
    return [f"{count:,} ({100 * count / sum(outcomes):.1f} %)" for count in outcomes]
