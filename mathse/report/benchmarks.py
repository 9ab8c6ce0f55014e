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
from rich import box
from rich.table import Table

from mathse import layout
from mathse.benchmarks.benchmark import columns_of_table_2
from mathse.loop.evaluation.benchmark_scores import measure
from mathse.loop.evaluation.scores import Metrics
from mathse.loop.evaluation.transitions import Transition, between
from mathse.params import Params
from mathse.report.table import Measured
from mathse.tables import store
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Status

Cells = list[tuple[str, ...]]


def columns(models: Sequence[Metrics]) -> list[str]:
    """The benchmarks that any model is measured on, those of the paper's Table 2 first."""
    measured = {name for model in models for name in (*model.table_2, *model.benchmarks)}
    first = [name for name in columns_of_table_2() if name in measured]
    return [*first, *sorted(measured - set(first))]


def cells(models: Sequence[Measured]) -> Cells:
    """The table of accuracies in %, its heading first; empty where no model is measured on a benchmark."""
    names = columns([model.metrics for model in models])
    if not names:
        return []
    headings = {name: column.heading for name, column in columns_of_table_2().items()}
    heading = ("model", *(headings.get(name, name) for name in names))
    return [heading, *((model.title, *(_cell(model.metrics, name) for name in names)) for model in models)]


def _cell(model: Metrics, name: str) -> str:
    if name in model.benchmarks:
        metrics = model.benchmarks[name]
        return f"{100 * metrics.accuracy:.1f} ({100 * metrics.ci_low:.1f} to {100 * metrics.ci_high:.1f})"
    return f"{100 * model.table_2[name]:.1f}" if name in model.table_2 else ""


def terminal(models: Sequence[Measured]) -> Table | None:
    """The table for a terminal; None where no model is measured on a benchmark."""
    rows = cells(models)
    if not rows:
        return None
    table = Table(title="Public benchmarks, pass@1 by their official rules", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(rows[0]):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def notes(models: Sequence[Measured]) -> list[str]:
    """What keeps numbers from being the published benchmark's, each once."""
    benchmarks = [entry for model in models for entry in model.metrics.benchmarks.items()]
    return list(dict.fromkeys(f"{name}: {metrics.note}" for name, metrics in benchmarks if metrics.note))


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
    solved = {model.title: _solved(root / layout.predictions(model.metrics.model)) for model in models}
    return [
        (name, between((first.title, before), (second.title, solved[second.title][name])))
        for first, second in pairwise(models)
        for name, before in solved[first.title].items()
        if name in solved[second.title]
    ]


def _solved(file: Path) -> dict[str, dict[str, bool]]:
    """Which problems the greedy answers solve, by benchmark; the run's own tests first."""
    store.require(file, Prediction)
    rows = pq.read_table(file, columns=["benchmark", "problem_id", "status"], filters=pc.field("sample_idx") == 0)
    solved: dict[str, dict[str, bool]] = {}
    for row in rows.to_pylist():
        solved.setdefault(row["benchmark"], {})[row["problem_id"]] = row["status"] == Status.CORRECT
    return dict(sorted(solved.items(), key=lambda entry: (entry[0] != OWN_TESTS, entry[0])))


def step_cells(transitions: Iterable[tuple[str, Transition]]) -> Cells:
    """The table of steps, its heading first."""
    rows: Cells = [("step", "on", "gained", "lost", "p (McNemar)")]
    for name, step in transitions:
        on = "own tests" if name == OWN_TESTS else name
        rows.append((f"{step.before} to {step.after}", on, f"{step.gained:,}", f"{step.lost:,}", f"{step.p_value:.2g}"))
    return rows


def markdown(table: Cells, left: int = 1) -> str:
    """Cells as a GitHub-flavoured table, the first `left` columns aligned to the left."""
    rule = "|" + "---|" * left + "---:|" * (len(table[0]) - left)
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"
