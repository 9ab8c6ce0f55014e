"""What an experiment would take on any params file, before it is run: `mathse plan --ablate NAME PRESET`.

Each variant is estimated as `mathse plan` estimates a run, and bears of it the stages that no variant or seed before it
has (`pipeline.keys`): so what runs have in common counts once, in the first that has it.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mathse import params, yaml_file
from mathse.ablate import pipeline, text
from mathse.ablate.experiment import Baseline, Experiment, laid_over
from mathse.ablate.measurement import steps_to
from mathse.params import Params
from mathse.plan.estimate import Plan, estimate, hours, params_file
from mathse.plan.options import GPUS, Options
from mathse.plan.text import big
from mathse.plan.work import Requests


@dataclass(frozen=True)
class Share:
    """What a variant adds to those before it, over all seeds.

    Attributes:
        stages: Stages of its runs.
        new: Those that no run before has.
        rows: Training rows seen, epochs not counted.
        tokens: Read and written, trainings included.
        gpu_hours: None on a CPU.
        hours: If nothing runs beside anything; None on a CPU.
        cost: Of the teacher's server; None where it has no prices.
        memory: GiB on a GPU of the largest training; None on a CPU.
    """

    variant: str
    stages: int
    new: int
    requests: int
    rows: int
    tokens: int
    gpu_hours: float | None
    hours: float | None
    cost: float | None
    memory: float | None


@dataclass(frozen=True)
class Forecast:
    """The estimate of an experiment.

    Attributes:
        file: The params that its variants change.
        gpu: Its name and GiB.
        gpu_cost: Of all GPU-hours; None where an hour has no price.
    """

    experiment: str
    title: str
    file: str
    seeds: int
    gpu: str
    gpu_cost: float | None
    shares: tuple[Share, ...]

    def as_json(self) -> str:
        """The whole of it as JSON."""
        return json.dumps(asdict(self), indent=2)


class _Planned:
    """The baseline's run as it is estimated."""

    def __init__(self, plan: Plan, settings: Params) -> None:
        self._plan, self._settings = plan, settings
        self.train_problems = plan.problems.train

    def rows_of(self, model: str) -> int:
        return next(training.rows for training in self._plan.trainings if training.name == model)

    def teacher_calls_of(self, model: str) -> int:
        stages = {f"paths@{step}" for step in steps_to(self._settings, model)}
        return sum(each.number for each in self._plan.requests if each.by == "teacher" and each.stage in stages)


def forecast(
    name: str, experiment: Experiment, preset: str | None, root: Path, options: Options, seeds: int
) -> Forecast:
    """Estimate an experiment.

    Args:
        preset: A preset's name or a params file; None: the project's params.yaml.

    Raises:
        PlanError: There is no such preset or file, or nothing says how large its model is.
        ExperimentError: A variant's params do not fit it.
    """
    file = params_file(preset, root)
    first = params.load(file, template=True).seed
    content: Mapping[str, Any] = yaml_file.read(file)
    plans: dict[str, tuple[Plan, Params]] = {}
    known, new = set[str](), dict[str, list[set[str]]]()
    number: Counter[str] = Counter()
    baseline: Baseline | None = None
    for seed in range(first, first + seeds):
        for variant in experiment.ordered():
            changed, settings = laid_over(content, name, variant, seed, baseline)
            if variant.name not in plans:  # a seed changes no count
                plans[variant.name] = estimate(settings, file, root, options), settings
                baseline = baseline or _Planned(*plans[variant.name])
            keys = pipeline.keys(root, changed)
            new.setdefault(variant.name, []).append({stage for stage, key in keys.items() if key not in known})
            number[variant.name] += len(keys)
            known |= set(keys.values())
    shares = [
        _share(variant.name, *plans[variant.name], number[variant.name], new[variant.name], options)
        for variant in experiment.ordered()
    ]
    gpu = f"{options.gpu} of {GPUS[options.gpu].memory:g} GiB"
    price, known_hours = options.gpu_hour_price, [share.gpu_hours for share in shares if share.gpu_hours is not None]
    return Forecast(
        experiment=name,
        title=experiment.title,
        file=plans[experiment.baseline][0].file,
        seeds=seeds,
        gpu=gpu,
        gpu_cost=price * sum(known_hours) if price is not None and known_hours else None,
        shares=tuple(shares),
    )


def _share(name: str, plan: Plan, settings: Params, number: int, new: list[set[str]], options: Options) -> Share:
    """What a variant's new stages, by seed, come to; `number` is that of all its stages."""
    requests = [_times(each, _part(each, settings, stages)) for stages in new for each in plan.requests]
    trainings = [
        training for stages in new for training in plan.trainings
        if stages & {f"{kind}@{training.name}" for kind in ("train", "train_orm", "train_student")}
    ]  # fmt: skip
    on_gpu = bool(plan.hours)
    gpu_hours = sum(each.gpu_hours or 0 for each in requests) + sum(each.gpu_hours or 0 for each in trainings)
    costs = [each.cost for each in requests if each.cost is not None]
    return Share(
        variant=name,
        stages=number,
        new=sum(map(len, new)),
        requests=sum(each.number for each in requests),
        rows=sum(training.rows for training in trainings),
        tokens=sum(each.prompt_tokens + each.completion_tokens for each in requests)
        + sum(training.tokens for training in trainings),
        gpu_hours=gpu_hours if on_gpu else None,
        hours=sum(hours(settings, requests, trainings, options.api_seconds).values()) if on_gpu else None,
        cost=sum(costs) if costs else None,
        memory=max((sum(fit.parts.values()) for fit in plan.fits), default=None),
    )


def _part(requests: Requests, settings: Params, stages: set[str]) -> Fraction:
    """Which part of some requests is asked by these stages."""
    if requests.stage != "evaluate":
        return Fraction(requests.stage in stages)
    return Fraction(sum(f"evaluate@{model}" in stages for model in settings.measured), len(settings.measured))


def _times(requests: Requests, part: Fraction) -> Requests:
    return replace(
        requests,
        number=round(requests.number * part),
        prompt_tokens=round(requests.prompt_tokens * part),
        completion_tokens=round(requests.completion_tokens * part),
        gpu_hours=None if requests.gpu_hours is None else requests.gpu_hours * float(part),
        cost=None if requests.cost is None else requests.cost * float(part),
    )


def render(made: Forecast) -> str:
    """What an experiment would take, by variant."""
    heads = ("variant", "new stages", "requests", "tokens", "GPU-hours", "hours", "money")
    rows = [
        (
            share.variant, f"{share.new} of {share.stages}", f"{share.requests:,}", big(share.tokens),
            _number(share.gpu_hours), _number(share.hours), _number(share.cost),
        )
        for share in made.shares
    ]  # fmt: skip

    def total(field: str) -> float | None:
        values = [getattr(share, field) for share in made.shares]
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    rows.append(
        (
            "in all", f"{total('new'):g} of {total('stages'):g}", f"{total('requests'):,}", big(total("tokens") or 0),
            _number(total("gpu_hours")), _number(total("hours")), _number(total("cost")),
        )
    )  # fmt: skip
    memory = max((share.memory for share in made.shares if share.memory is not None), default=None)
    lines = [
        f"What runs have in common counts in the first that has it; seeds: {made.seeds}. Assumptions, and what fits on "
        "which GPU: `mathse plan` of the same params.",
        f"memory: {memory:,.1f} GiB of a GPU in the largest training; assumed is {made.gpu}"
        if memory is not None
        else "hours and memory are not estimated: compute.device is cpu",
    ]
    if made.gpu_cost is not None:
        lines.append(f"money for GPU-hours, beside the server's: {made.gpu_cost:,.2f}")
    title = text.wrapped([f"{made.file}: {made.experiment}, an estimate: {made.title}"])
    return "\n".join([*title, "", *text.table(heads, rows, left=1), "", *text.wrapped(lines)])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
