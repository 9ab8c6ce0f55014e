"""The data behind the charts, as lists of flat rows: what `dvc plots` reads and `mathse.report.drawing` draws.

accuracy       one row per model, of the run, of several seeds together and of the paper
                                              {"kind": "run", "stage": "+ distilled", "accuracy": 0.49, ...}
experiments    one row per variant and model  {"experiment": "table3", "name": "none", "mean": 0.41, "p": "p = 0.02"}
measures       one row per measure and model  {"measure": "mean_characters", "stage": "+ distilled", "value": 96.5, ...}
transitions    one row per step and outcome   {"step": "base to + distilled", "outcome": "gained", "problems": 112}
orm_confusion  one row per pair of statuses   {"annotated": "WRONG", "judged": "UNDECIDED", "paths": 3, ...}
error_types    one row per round, who says so, and type
                                              {"round": "round 1", "says": "by the scene", "type": "vision", ...}
acceptance     one row per step, measure of the ORM, and group of problems
                                              {"step": "round 1", "measure": "precision", "by": "subject", ...}
agreement      one row per step and outcome   {"step": "round 1", "outcome": "both say wrong", ...}
solved         one row per step and group     {"step": "round 1", "by": "level", "group": "1", "share": 0.31, ...}
lengths        one row per model and step     {"of": "paths of a step", "name": "round 1", "mean": 126.1, ...}
pass_at        one row per model and k, where `evaluate.samples` is given: it falls where variety is lost
                                              {"stage": "+ round 1", "k": 4, "rate": 0.41}
calibration    one row per step and bin       {"step": "round 1", "confidence": 0.93, "share": 0.9, "n": 120, ...}
work           one row per piece of work and kind of token
                                              {"work": "paths, round 1", "tokens": "read", "count": 77000, "cost": 0.0}
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from mathse.loop.evaluation.orm_scores import OrmMetrics
from mathse.loop.evaluation.statistics import DIGITS, wilson
from mathse.loop.evaluation.transitions import Transition
from mathse.params import Params
from mathse.report import paper
from mathse.report.ablations import Results
from mathse.report.judging import SHARES, SOUND, Asked, Case, Counts, Use, measure
from mathse.report.names import Names
from mathse.report.table import MEASURES, Measured
from mathse.tables.schemas import Status

C = TypeVar("C", Case, Asked)
Row = dict[str, str | int | float]
Rows = list[Row]

ALL = "all"
"""The group of all problems."""
OF_THE_PAPER = "the paper's solutions"
"""What these lengths are of; of them the means alone are known."""
OUTCOMES = ("stayed_correct", "gained", "lost", "stayed_wrong")


def accuracy(models: Sequence[Measured], steps: Iterable[Transition], seeds: Results | None, settings: Params) -> Rows:
    """Accuracy with its interval, by model; that of several seeds, from lowest to highest; and the paper's.

    A model's p is of McNemar's exact test against the one before, on the pairs of all seeds where there are several.

    Args:
        steps: What each step changed on the run's own tests.
        seeds: The same loop with each seed.
    """
    names = Names(settings)
    several = _of_seeds(seeds, names) if seeds else []
    p = {} if several else {step.after: p_value(step.p_value) for step in steps}
    rows: Rows = [
        {
            "kind": "run",
            "of": "this run, 95 %",
            "stage": model.title,
            "train_rows": model.rows,
            "accuracy": model.metrics.accuracy,
            "ci_low": model.metrics.ci_low,
            "ci_high": model.metrics.ci_high,
            "p": p.get(model.title, ""),
        }
        for model in models
    ]
    stages = paper.stages(settings)
    reported: Rows = [
        {
            "kind": "paper",
            "of": f"{paper.LABEL}{name}, MathVL-test",
            "stage": model.title,
            "train_rows": paper.TABLE_1_ROWS[stages[model.metrics.model]],
            "accuracy": round(paper.TABLE_1[stages[model.metrics.model]][place] / 100, DIGITS),
            "p": "",
        }
        for place, name in enumerate(paper.MODELS)
        for model in models
        if model.metrics.model in stages
    ]
    titles = {model.title for model in models}
    return rows + [row for row in several if row["stage"] in titles] + reported


def _of_seeds(results: Results, names: Names) -> Rows:
    """The models of a loop that was run with several seeds; none if it was run with one."""
    rows: Rows = []
    for row in results.comparison:
        models = results.models(row.variant, row.model).values()
        shares = [model.accuracy for model in models]
        if row.variant == results.baseline and len(shares) > 1:
            rows.append(
                {
                    "kind": "seeds",
                    "of": f"mean of {len(shares)} seeds, lowest to highest",
                    "stage": names.title(row.model),
                    "train_rows": round(sum(model.rows for model in models) / len(shares)),
                    "accuracy": row.mean,
                    "ci_low": min(shares),
                    "ci_high": max(shares),
                    "p": p_value(row.difference.p) if row.difference else "",
                }
            )
    return rows


def p_value(p: float) -> str:
    """A p as papers have it: `p = 0.026`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def experiments(results: Iterable[Results]) -> Rows:
    """What each variant of an experiment came to: means, intervals, from the lowest seed to the highest, and p."""
    rows: Rows = []
    for each in results:
        reported = paper.EXPERIMENTS.get(each.experiment, {})
        several = len({row.model for row in each.comparison}) > 1
        for row in each.comparison:
            shares = [model.accuracy for model in each.models(row.variant, row.model).values()]
            number = reported.get((row.variant, row.model))
            rows.append(
                {
                    "experiment": each.experiment,
                    "title": each.title,
                    "name": f"{row.variant}, model {row.model}" if several else row.variant,
                    "seeds": len(shares),
                    "mean": row.mean,
                    "low": row.low,
                    "high": row.high,
                    "lowest": min(shares),
                    "highest": max(shares),
                    "p": p_value(row.difference.p) if row.difference else "",
                    "paper": "" if number is None else f"{number:.2f} %",
                }
            )
    return rows


def measures(models: Iterable[Measured]) -> Rows:
    """The numbers beside accuracy (`mathse.report.table.MEASURES`), by measure and model."""
    measured = [(model.title, model.metrics) for model in models]
    return [
        {"measure": measure.name, "title": measure.title, "stage": title, "value": number}
        for measure in MEASURES
        for title, metrics in measured
        if (number := measure.of(metrics)) is not None
    ]


def transitions(steps: Iterable[Transition]) -> Rows:
    """What became of the run's own tests in each step, with its p; and of the paper's (Figure 2)."""
    rows: Rows = [
        {
            "step": f"{step.before} to {step.after}",
            "outcome": outcome,
            "problems": getattr(step, outcome),
            "p": p_value(step.p_value),
        }
        for step in steps
        for outcome in OUTCOMES
    ]
    return rows + [
        {"step": f"{paper.LABEL}{step}", "outcome": outcome, "problems": problems, "p": ""}
        for step, counts in paper.FIGURE_2.items()
        for outcome, problems in zip(OUTCOMES, counts, strict=True)
    ]


def orm_confusion(orm: OrmMetrics) -> Rows:
    """The teacher's status against the ORM's, with the paper's shares of the right ones (Table 5)."""
    counts = {(pair.first, pair.second): pair.count for pair in orm.confusion}
    correct, wrong, _ = paper.TABLE_5["verdict, step and analysis"]
    reported = {Status.CORRECT: correct, Status.WRONG: wrong}
    rows: Rows = []
    for annotated in reported:
        total = sum(count for (first, _), count in counts.items() if first is annotated)
        for judged in (Status.CORRECT, Status.WRONG, Status.UNDECIDED):
            paths = counts.get((annotated, judged), 0)
            rows.append(
                {
                    "annotated": annotated.value,
                    "judged": judged.value,
                    "paths": paths,
                    "share": round(paths / total, DIGITS) if total else 0.0,
                    "paper": f"{paper.LABEL}{reported[annotated]:.1f} %" if judged is annotated else "",
                }
            )
    return rows


def error_types(counts: Counts, names: Names) -> Rows:
    """Why a round's paths are wrong (the paper's Figure 4): as the ORM says, and by the scenes where there are some."""
    rows: Rows = []
    for step in (step for step in _steps(counts.cases) if names.asks(step) == "rollout"):
        named: Counter[str] = Counter()
        true: Counter[str] = Counter()
        for case, often in counts.cases.items():
            if case.step == step and case.named:
                named[case.named] += often
            if case.step == step and case.truth not in (None, SOUND):
                true[str(case.truth)] += often
        rows += [
            {
                "round": names.heading(step),
                "says": says,
                "type": kind,
                "paths": paths,
                "share": round(paths / kinds.total(), DIGITS),
            }
            for says, kinds in (("the ORM says", named), ("by the scene", true))
            for kind, paths in sorted(kinds.items())
        ]
    return rows


def acceptance(counts: Counts, names: Names) -> Rows:
    """What an ORM is worth on each step's own paths (`mathse.report.judging.Judged`), by subject and level too."""
    rows: Rows = []
    for step in _steps(counts.cases):
        for by, group, cases in _groups({case: often for case, often in counts.cases.items() if case.step == step}):
            judged = measure(cases)
            for name in SHARES:
                share = getattr(judged, name)
                if share.n:
                    row: Row = {"step": names.heading(step), "measure": name, "by": by, "group": group}
                    rows.append(row | _proportion(share.hits, share.n))
    return rows


def agreement(counts: Counts, names: Names) -> Rows:
    """The ORM against the rule grader, where both decide; and where one does not."""

    def outcome(case: Case) -> str:
        if Status.UNDECIDED in (case.orm, case.rule):
            return "one is undecided"
        if case.orm is case.rule:
            return "both say correct" if case.orm is Status.CORRECT else "both say wrong"
        return "correct to the ORM alone" if case.orm is Status.CORRECT else "correct by rule alone"

    return [
        {"step": names.heading(step), "outcome": name, "paths": paths}
        for step in _steps(counts.cases)
        for name, paths in sorted(_sums(counts.cases, step, outcome).items())
    ]


def solved(counts: Counts, names: Names) -> Rows:
    """Of the problems that a step asked about, those that it brought a row into the mix of."""
    rows: Rows = []
    for step in _steps(counts.asked):
        for by, group, asked in _groups({one: often for one, often in counts.asked.items() if one.step == step}):
            n = sum(asked.values())
            hits = sum(often for one, often in asked.items() if one.solved)
            row: Row = {"step": names.heading(step), "by": by, "group": group}
            rows.append(row | _proportion(hits, n))
    return rows


def lengths(predictions: Mapping[str, Counter[int]], counts: Counts, names: Names) -> Rows:
    """Characters of a solution: mean, and what a tenth, half and nine tenths of them stay below.

    Args:
        predictions: Number of greedy answers to the run's own tests by their characters, by model's title.
    """
    steps = _steps(counts.cases)
    groups = {
        "answers of a model": predictions,
        "paths of a step": {names.heading(step): counts.lengths[step] for step in steps},
        "rows it adds to the mix": {names.heading(step): counts.accepted_lengths[step] for step in steps},
    }
    rows: Rows = []
    for of, by_name in groups.items():
        for name, characters in by_name.items():
            if not characters:
                continue
            low, median, high = (round(tenth, 1) for tenth in tenths(characters, (1, 5, 9)))
            mean = round(sum(length * often for length, often in characters.items()) / characters.total(), 1)
            row: Row = {"of": of, "name": name, "solutions": characters.total()}
            rows.append(row | {"mean": mean, "low": low, "median": median, "high": high})
    of_the_paper = zip(("at first", "at last"), paper.LENGTHS, strict=True)
    return rows + [{"of": OF_THE_PAPER, "name": name, "mean": float(mean)} for name, mean in of_the_paper]


def tenths(counted: Counter[int], which: Iterable[int]) -> list[float]:
    """The values below which so many tenths of the counted lie, as `statistics.quantiles` has them (inclusive)."""
    values = sorted(counted)
    ends = list(accumulate(counted[value] for value in values))
    last = ends[-1] - 1
    quantiles = []
    for tenth in which:
        place, rest = divmod(tenth * last, 10)
        low, high = (values[bisect_right(ends, at)] for at in (place, min(place + 1, last)))
        quantiles.append((low * (10 - rest) + high * rest) / 10)
    return quantiles


def pass_at(models: Sequence[Measured]) -> Rows:
    """pass@k of the drawn answers (`evaluate.samples`), by model; no rows where none are drawn."""
    return [
        {"stage": model.title, "k": int(k), "rate": rate}
        for model in models
        for k, rate in model.metrics.pass_at.items()
    ]


BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Lower ends of the bins of confidence; the first holds all below the second."""


def calibration(counts: Counts, names: Names) -> Rows:
    """How often the rule grader agrees with an ORM that is so sure; no rows where it does not tell."""
    rows: Rows = []
    for step, pairs in counts.confidences.items():
        for low, high in zip(BINS, (*BINS[1:], 2.0), strict=True):
            within = {pair: n for pair, n in pairs.items() if (low <= pair[0] or low == BINS[0]) and pair[0] < high}
            if not within:
                continue
            total = sum(within.values())
            agreed = sum(n for (_, agrees), n in within.items() if agrees)
            sure = round(sum(confidence * n for (confidence, _), n in within.items()) / total, DIGITS)
            row: Row = {"step": names.heading(step), "confidence": sure}
            rows.append(row | _proportion(agreed, total))
    return rows


def work(uses: Mapping[str, Use], trained: Mapping[str, int]) -> Rows:
    """Where tokens and money went: no seconds, which are not the same on two machines.

    Args:
        uses: What was asked, in the order of the loop.
        trained: Tokens that went through a training, by its name.
    """
    rows: Rows = [
        {"work": name, "tokens": kind, "count": count, "cost": round(use.cost, DIGITS) if kind == "written" else 0.0}
        for name, use in uses.items()
        for kind, count in (("read", use.tokens_in), ("written", use.tokens_out))
    ]
    return rows + [
        {"work": name, "tokens": "trained on", "count": count, "cost": 0.0} for name, count in trained.items()
    ]


def _proportion(hits: int, n: int) -> Row:
    """A share with its 95 % interval, as columns."""
    low, high = wilson(hits, n)
    row: Row = {"n": n, "hits": hits}
    return row | {"share": round(hits / n, DIGITS), "ci_low": round(low, DIGITS), "ci_high": round(high, DIGITS)}


def _steps(counted: Iterable[Case | Asked]) -> list[str]:
    """The steps that were counted, as they came."""
    return list(dict.fromkeys(one.step for one in counted))


def _sums(counted: Mapping[C, int], step: str, name: Callable[[C], str]) -> Counter[str]:
    """The counts of a step by name."""
    sums: Counter[str] = Counter()
    for one, often in counted.items():
        if one.step == step:
            sums[name(one)] += often
    return sums


def _groups(counted: Mapping[C, int]) -> Iterable[tuple[str, str, dict[C, int]]]:
    """All, then by subject, then by level: what is grouped by, the group's name, and what is counted in it."""
    yield ALL, ALL, dict(counted)
    for by in ("subject", "level"):
        for group in sorted({getattr(one, by) for one in counted}):
            yield by, str(group), {one: often for one, often in counted.items() if getattr(one, by) == group}
