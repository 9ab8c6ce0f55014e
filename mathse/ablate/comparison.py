"""Compares the runs of an experiment: means and intervals across seeds, and every model with its counterpart.

A variant's model is compared with the baseline's on the same test problems and the same seeds; the baseline's own
models each with the one before, which is the paper's Table 1.

An interval is that of the mean over seeds, with test problems drawn again (`statistics.bootstrap`): it says how much
other problems would change it, not how much other seeds would, for which there are too few of them; so every table
shows the seeds beside it. The test over all seeds is McNemar's exact one on all pairs of answers together. The pairs of
one problem under several seeds are not independent, so that it is a little too sure of itself; each seed's own test
stands beside it.
"""

from collections.abc import Sequence

from mathse.ablate.experiment import Experiment
from mathse.loop.evaluation.statistics import DIGITS, bootstrap, mcnemar
from mathse.report.ablations import Difference, ProblemSet, Results, Row, Run, SeedDifference, from_digits

Place = tuple[str, str]
"""A variant and one of its models."""
Outcomes = dict[int, list[bool]]
"""By seed: which test problems are solved."""


def results(name: str, experiment: Experiment, tests: ProblemSet, runs: Sequence[Run]) -> Results:
    """What is kept of an experiment: runs in the order of variants and seeds, and their comparison."""
    order = [variant.name for variant in experiment.variants]
    ordered = sorted(runs, key=lambda run: (order.index(run.variant), run.seed))
    return Results(
        experiment=name,
        title=experiment.title,
        baseline=experiment.baseline,
        tests=tests,
        runs=tuple(ordered),
        comparison=tuple(compare(experiment, tests, ordered)),
    )


def compare(experiment: Experiment, tests: ProblemSet, runs: Sequence[Run]) -> list[Row]:
    """A row per variant and measured model of which there is a run, in the experiment's order."""
    rows = []
    for (variant, model), other in counterparts(experiment).items():
        outcomes = _outcomes(runs, (variant, model), tests.n)
        if outcomes:
            mean, low, high = _mean(list(outcomes.values()))
            difference = _difference(outcomes, other, _outcomes(runs, other, tests.n)) if other else None
            rows.append(
                Row(
                    variant=variant, model=model, seeds=tuple(outcomes), mean=mean, low=low, high=high,
                    difference=difference,
                )
            )  # fmt: skip
    return rows


def counterparts(experiment: Experiment) -> dict[Place, Place | None]:
    """What each measured model is compared with; the baseline's first with nothing."""
    found: dict[Place, Place | None] = {}
    for variant in experiment.variants:
        before: Place | None = None
        for row in variant.measured:
            if variant.name == experiment.baseline:
                found[variant.name, row.model] = before
                before = variant.name, row.model
            else:
                found[variant.name, row.model] = experiment.baseline, row.against or row.model
    return found


def _outcomes(runs: Sequence[Run], place: Place, n: int) -> Outcomes:
    variant, model = place
    return {
        run.seed: from_digits(run.models[model].solved, n)
        for run in runs
        if run.variant == variant and model in run.models
    }


def _mean(seeds: Sequence[Sequence[bool]]) -> tuple[float, float, float]:
    """Accuracy over seeds with its interval."""
    groups = [(sum(answers), len(answers)) for answers in zip(*seeds, strict=True)]
    low, high = bootstrap(groups)
    mean = sum(correct for correct, _ in groups) / sum(items for _, items in groups)
    return round(mean, DIGITS), round(low, DIGITS), round(high, DIGITS)


def _difference(outcomes: Outcomes, other: Place, others: Outcomes) -> Difference | None:
    """A model against another on the seeds that both have; None where there is none."""
    pairs = {
        seed: list(zip(others[seed], answers, strict=True)) for seed, answers in outcomes.items() if seed in others
    }
    if not pairs:
        return None
    gained = {seed: rows.count((False, True)) for seed, rows in pairs.items()}
    lost = {seed: rows.count((True, False)) for seed, rows in pairs.items()}
    groups = [(sum(after - before for before, after in rows), len(rows)) for rows in zip(*pairs.values(), strict=True)]
    low, high = bootstrap(groups)
    variant, model = other
    return Difference(
        variant=variant,
        model=model,
        mean=round(sum(change for change, _ in groups) / sum(items for _, items in groups), DIGITS),
        low=round(low, DIGITS),
        high=round(high, DIGITS),
        p=mcnemar(sum(gained.values()), sum(lost.values())),
        by_seed={
            str(seed): SeedDifference(gained=gained[seed], lost=lost[seed], p=mcnemar(gained[seed], lost[seed]))
            for seed in pairs
        },
    )
