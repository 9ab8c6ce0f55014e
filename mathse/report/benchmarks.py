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
from mathse.loop.evaluation.benchmark_scores import TABLE_2, measure
from mathse.loop.evaluation.scores import Metrics
from mathse.loop.evaluation.transitions import Transition, between
from mathse.params import Params
from mathse.report.table import Measured
from mathse.tables import store
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Status

_PAPERS = {
    "mathvista_gps": "MathVista GPS",
    "mathvista": "MathVista",
    "mathverse": "MathVerse",
    "mathvision": "MATH-Vision",
}
Cells = list[tuple[str, ...]]


def columns(models: Sequence[Metrics]) -> list[str]:
    """The benchmarks that any model is measured on, those of the paper's Table 2 first."""
    measured = {name for model in models for name in (*model.table_2, *model.benchmarks)}
    return [*(name for name in TABLE_2 if name in measured), *sorted(measured - set(TABLE_2))]


def cells(models: Sequence[Measured]) -> Cells:
    """The table of accuracies in %, its heading first; empty where no model is measured on a benchmark."""
    names = columns([model.metrics for model in models])
    if not names:
        return []
    heading = ("model", *(_PAPERS.get(name, name) for name in names))
    return [heading, *((model.title, *(_cell(model.metrics, name) for name in names)) for model in models)]


def _cell(model: Metrics, name: str) -> str:
    if name in model.benchmarks:
        found = model.benchmarks[name]
        return f"{100 * found.accuracy:.1f} ({100 * found.ci_low:.1f} to {100 * found.ci_high:.1f})"
    return f"{100 * model.table_2[name]:.1f}" if name in model.table_2 else ""


def terminal(models: Sequence[Measured]) -> Table | None:
    """The table for a terminal; None where no model is measured on a benchmark."""
    found = cells(models)
    if not found:
        return None
    table = Table(title="Public benchmarks, pass@1 by their official rules", box=box.SIMPLE_HEAD)
    for place, heading in enumerate(found[0]):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in found[1:]:
        table.add_row(*row)
    return table


def notes(models: Sequence[Measured]) -> list[str]:
    """What keeps numbers from being the published benchmark's, each once."""
    found = (f"{name}: {one.note}" for model in models for name, one in model.metrics.benchmarks.items() if one.note)
    return list(dict.fromkeys(found))


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
        tables[name] = {title: one.tables() for title, one in counted.items() if one.n}
    return tables


def steps(root: Path, models: Sequence[Measured]) -> list[tuple[str, Transition]]:
    """What each step of the loop changed, on the run's own tests and on each benchmark that both models have.

    Raises:
        UserError: A prediction table is missing, or two models were measured on different problems.
    """
    solved = {model.title: _solved(root / layout.predictions(model.metrics.model)) for model in models}
    return [
        (name, between((first.title, was), (second.title, solved[second.title][name])))
        for first, second in pairwise(models)
        for name, was in solved[first.title].items()
        if name in solved[second.title]
    ]


def _solved(file: Path) -> dict[str, dict[str, bool]]:
    """Which problems the greedy answers solve, by benchmark; the run's own tests first."""
    store.require(file, Prediction)
    found = pq.read_table(
        file, columns=["benchmark", "problem_id", "status"], filters=pc.field("sample_idx") == 0
    ).to_pylist()
    names = sorted({row["benchmark"] for row in found}, key=lambda name: (name != OWN_TESTS, name))
    return {
        name: {row["problem_id"]: row["status"] == Status.CORRECT for row in found if row["benchmark"] == name}
        for name in names
    }


def step_cells(found: Iterable[tuple[str, Transition]]) -> Cells:
    """The table of steps, its heading first."""
    return [
        ("step", "on", "gained", "lost", "p (McNemar)"),
        *(
            (
                f"{step.before} to {step.after}",
                "own tests" if name == OWN_TESTS else name,
                f"{step.gained:,}",
                f"{step.lost:,}",
                f"{step.p_value:.2g}",
            )
            for name, step in found
        ),
    ]


def markdown(table: Cells, left: int = 1) -> str:
    """Cells as a GitHub-flavoured table, the first `left` columns aligned to the left."""
    rule = "|" + "---|" * left + "---:|" * (len(table[0]) - left)
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"
