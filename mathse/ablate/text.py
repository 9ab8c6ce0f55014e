"""The tables of an experiment, as Markdown that a terminal of 80 columns shows whole.

| variant | model | accuracy, %       | difference           | p       |
|---------|-------|-------------------|----------------------|---------|
| orm     | final | 45.6 (43.1, 48.0) |                      |         |
| none    | final | 41.2 (38.8, 43.7) | -4.4 (-6.3, -2.6)    | 6.1e-06 |
"""

import textwrap
from collections.abc import Sequence

from mathse.ablate.experiment import Experiment
from mathse.report.ablations import Results, interval, made_from, orm_cells

WIDTH = 80
MOST_SEEDS = 4
"""Seeds that are shown one by one."""


def listed(experiments: dict[str, Experiment]) -> str:
    """One line per experiment."""
    return "\n".join(
        f"{name:18} {experiment.title} ({', '.join(variant.name for variant in experiment.variants)})"
        for name, experiment in experiments.items()
    )


def render(experiment: Experiment, results: Results, seeds: Sequence[int]) -> str:
    """Question, variants, tables of models and ORMs, and what to know about them.

    Args:
        seeds: Those that were asked for; what is missing of them is said.
    """
    parts = [
        [f"# {results.experiment}: {experiment.title}", "", f"{experiment.question} ({experiment.source})", ""],
        [f"- {variant.name}: {variant.title}" for variant in experiment.variants],
        *([] if results.is_of_orms else [["", *markdown(results), "", *_beside(results)]]),
        ["", *_of_orms(results)],
        ["", *_notes(experiment, results, seeds)],
    ]
    return "\n".join(line for part in parts for line in part)


def markdown(results: Results) -> list[str]:
    """Accuracies across seeds with what they are compared with."""
    rows = []
    for row in results.comparison:
        other = row.difference
        rows.append(
            (
                row.variant, row.model, interval(row, to=", "), interval(other, "+", ", ") if other else "",
                f"{other.p:.2g}" if other else "",
            )
        )  # fmt: skip
    return table(("variant", "model", "accuracy, %", "difference", "p"), rows, left=2)


def _beside(results: Results) -> list[str]:
    """Each seed, and what the models were made from, in the mean of the seeds."""
    seeds = sorted({seed for row in results.comparison for seed in row.seeds})[:MOST_SEEDS]
    most = results.most_drawn
    heads = ["variant", "model", "rows", "calls", *(f"seed {seed}" for seed in seeds)]
    rows = []
    for row in results.comparison:
        models = results.models(row.variant, row.model)
        shares = [f"{100 * models[seed].accuracy:.1f}" if seed in models else "" for seed in seeds]
        drawn = [results.pass_at(most, row.variant, row.model)] if most else []
        rows.append((row.variant, row.model, *made_from(models.values()), *shares, *drawn))
    return table([*heads, *([f"pass@{most}"] if most else [])], rows, left=2)


def _of_orms(results: Results) -> list[str]:
    """The ORMs on the held-out paths of all seeds together."""
    _, *rows = orm_cells(results)
    return table(("variant", "ORM", "paths", "accuracy, %", "correct", "wrong", "step"), rows, left=2)


def _notes(experiment: Experiment, results: Results, seeds: Sequence[int]) -> list[str]:
    of_models = [
        f"{results.tests.n} test problems. In brackets: 95 %, test problems drawn again.",
        "difference: to the baseline's model, of the baseline itself to its model before;",
        "p: McNemar's exact test on the pairs of all seeds together, a little too sure as",
        "the seeds have the problems in common; each seed's own p is in the file.",
        "calls: replies of the teacher on the way to the model, the ORM's data left out.",
    ]
    lines = [] if results.is_of_orms else of_models
    lines.append(
        "ORMs: on the held-out paths of all seeds together, with Wilson's interval; in the mean of the seeds, "
        "correct and wrong paths judged so, and wrong ones whose first wrong step is named."
    )
    for variant in experiment.variants:
        runs = [run for run in results.runs if run.variant == variant.name]
        accepted, right = (
            sum(getattr(step, field) for run in runs for step in run.steps.values())
            for field in ("accepted_decided", "accepted_right")
        )
        if accepted:
            lines.append(f"ORM of {variant.name}: {100 * right / accepted:.1f} % of what it accepted is right by rule")
    if experiment.paper:
        lines.append("reported: " + "; ".join(
            f"{of} " + ", ".join(f"{name} {value:g}" for name, value in values.items())
            for of, values in experiment.paper.items()
        ))  # fmt: skip
    if lacking := missing(experiment, results, seeds):
        lines.append(f"partial: not run yet: {', '.join(f'{variant}, seed {seed}' for variant, seed in lacking)}")
    return wrapped(lines)


def missing(experiment: Experiment, results: Results, seeds: Sequence[int]) -> list[tuple[str, int]]:
    """The variants and seeds without a run."""
    there = {(run.variant, run.seed) for run in results.runs}
    return [
        (variant.name, seed) for seed in seeds for variant in experiment.variants if (variant.name, seed) not in there
    ]


def wrapped(lines: Sequence[str]) -> list[str]:
    """Lines that are broken where a terminal ends."""
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns as wide as their widest cell; the first `left` of them start at the left."""
    widths = [max(len(line[place]) for line in (heads, *rows)) for place in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = (
        "|" + "|".join("-" * (width + 1) + ("-" if place < left else ":") for place, width in enumerate(widths)) + "|"
    )
    return [line(heads), rule, *map(line, rows)]
