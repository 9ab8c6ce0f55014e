"""Estimates what a run needs before it is started: requests, tokens, GPU-hours, memory, disk, hours and money.

In: a params file (a preset, or params.yaml) and `Options`. Out: a `Plan`, printed by `mathse.share.plan_text`. The
size of the model comes from its folder or from the table of known checkpoints; tokens are counted on sample problems.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.ask.engines.local.families import family
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.params import Params, Train
from mathse.share import plan_counts, plan_needs, plan_sizes, plan_steps
from mathse.share.plan_counts import ByApi, ByRatio, ByTokenizer, Means, Tokens
from mathse.share.plan_needs import Assumed
from mathse.share.plan_options import GPUS, Options
from mathse.share.plan_sizes import Size
from mathse.share.plan_steps import Problems, Shares, Step, Training
from mathse.share.preset import PRESETS


class PlanError(UserError):
    """There is no such preset or file, or nothing says how large its model is."""


PREFILL_MFU = 0.5


@dataclass(frozen=True)
class Ask:
    """One kind of request, with what it takes.

    Attributes:
        step: What is asked, how often, in tokens.
        gpu_hours: Of a local model; None where there is no GPU, or a server or a solver answers.
        cost: At a server, in the price table's currency; None where it costs nothing or has no price.
    """

    step: Step
    gpu_hours: float | None
    cost: float | None


@dataclass(frozen=True)
class Fit:
    """A training in one GPU's memory, in GiB.

    Attributes:
        name: `train` or `orm.train`.
        gpus: Processes that params ask for.
        parts: GiB a GPU, by what takes it.
        fewest: The fewest GPUs it fits on when it is sharded over them; None if 64 do not do.
        host: Of the machine itself, while the processes load the model.
    """

    name: str
    gpus: int
    parts: dict[str, float]
    fewest: int | None
    host: float


@dataclass(frozen=True)
class Plan:
    """The estimate; every number follows from params, `options` and the sample."""

    file: str
    options: Options
    model: str
    size: Size
    size_from: str
    tokens_from: str
    problems: Problems
    means: Means
    shares: Shares
    asks: tuple[Ask, ...]
    trainings: tuple[tuple[Training, float | None], ...]
    fits: tuple[Fit, ...]
    generation_gpus: int
    tokens_per_second: float | None
    disk: dict[str, float]
    hours: dict[str, float]
    api_cost: float | None
    spending_cap: float | None
    gpu_cost: float | None

    @property
    def gpu_hours(self) -> float:
        """Of all local requests and all trainings."""
        return sum(one.gpu_hours or 0 for one in self.asks) + sum(hours or 0 for _, hours in self.trainings)

    def as_json(self) -> str:
        """The whole of it as JSON, GPU-hours in total included."""
        return json.dumps({**asdict(self), "gpu_hours": self.gpu_hours}, indent=2)


def plan(name: str | None, root: Path, options: Options) -> Plan:
    """Estimate a run.

    Args:
        name: A preset's name or a params file; None: the project's params.yaml.
        root: The project's root.
        options: What is assumed.

    Raises:
        PlanError: There is no such preset or file, or nothing says how large its model is.
        ParamsError: The file is not in order.
    """
    file = _file(name, root)
    settings = params.load(file, template=True)
    folder = _folder(settings, root)
    size, size_from = _size(settings, folder)
    given = plan_counts.sample(settings, options.sample, options.path_chars)
    local, tokens_from = _tokens(settings, folder, size, options)
    teacher: Tokens = ByApi(options.chars_per_token) if settings.teacher.engine == "api" else local
    means = plan_counts.means(settings, given, local, teacher)
    shares = _shares(settings, options)
    steps, trainings = plan_steps.steps(settings, means, shares)
    there = plan_steps.problems(settings)
    assumed = _assumed(options, size)
    on_gpu = settings.compute.device == "cuda"
    asks = tuple(_ask(step, settings, size, assumed) for step in steps)
    trained = tuple(
        (one, plan_needs.training_gpu_hours(one.tokens, size, _how(settings, one.name), assumed) if on_gpu else None)
        for one in trainings
    )
    every = there.train + there.orm + there.test
    hours = _hours(settings, asks, trained, assumed) if on_gpu else {}
    costs = [one.cost for one in asks if one.cost is not None]
    gpu_hours = sum(one.gpu_hours or 0 for one in asks) + sum(one or 0 for _, one in trained)
    price = options.gpu_hour_price
    return Plan(
        file=(file.relative_to(root) if file.is_relative_to(root) else file).as_posix(),
        options=options,
        model=settings.base.source,
        size=size,
        size_from=size_from,
        tokens_from=tokens_from,
        problems=there,
        means=means,
        shares=shares,
        asks=asks,
        trainings=trained,
        fits=_fits(settings, size, means, assumed) if on_gpu else (),
        generation_gpus=_generation_gpus(settings),
        tokens_per_second=assumed.tokens_per_second if on_gpu else None,
        disk=plan_needs.disk(settings, size, every, given.image_bytes, steps),
        hours=hours,
        api_cost=sum(costs) if costs else None,
        spending_cap=settings.teacher.api.spending_cap if settings.teacher.api else None,
        gpu_cost=price * gpu_hours if price is not None and on_gpu else None,
    )


def _file(name: str | None, root: Path) -> Path:
    if name is None:
        return root / params.PARAMS
    presets = sorted(file.stem for file in (root / PRESETS).glob("*.yaml"))
    if name in presets:
        return root / PRESETS / f"{name}.yaml"
    if Path(name).is_file():
        return Path(name)
    raise PlanError(f"no preset {name!r} and no such file; presets: {', '.join(presets) or 'none'}")


def _folder(settings: Params, root: Path) -> Path | None:
    """The model's folder, if it is at hand; models/base only if it is this model at this revision."""
    base, fetched = settings.base, root / layout.model("base")
    if base.is_folder:
        return Path(root / Path(base.source).expanduser())
    lineage = fetched / LINEAGE
    made_from = json.loads(lineage.read_text(encoding="utf-8")) if lineage.is_file() else {}
    return fetched if (made_from.get("from"), made_from.get("revision")) == (base.source, base.revision) else None


def _size(settings: Params, folder: Path | None) -> tuple[Size, str]:
    if folder is not None:
        return plan_sizes.of_folder(folder), "the weight files' headers"
    source = settings.base.source
    if source in plan_sizes.KNOWN:
        return plan_sizes.KNOWN[source], "the table of known checkpoints"
    raise PlanError(
        f"base.from: the size of {source} is not known before it is there; fetch it (`dvc repro base`), or give the "
        f"path of a folder. Known: {', '.join(plan_sizes.KNOWN)}"
    )


def _tokens(settings: Params, folder: Path | None, size: Size, options: Options) -> tuple[Tokens, str]:
    kind = family(size.model_type)
    if folder is not None and (folder / "tokenizer.json").is_file():
        return ByTokenizer(folder, kind), "the model's own tokenizer and chat template"
    ratio = options.chars_per_token
    tokens = ByRatio(kind, settings.base.image.given(), ratio)
    return tokens, f"{ratio:g} characters per token and the family's image rule"


def _shares(settings: Params, options: Options) -> Shares:
    solver = settings.teacher.engine == "solver"
    usual = 1 - settings.teacher.mistake_rate if solver else 0.8
    kept = usual if options.kept is None else options.kept
    return Shares(kept, options.solved, kept if options.repaired is None else options.repaired)


def _assumed(options: Options, size: Size) -> Assumed:
    gpu = GPUS[options.gpu]
    speed = options.tokens_per_second or plan_needs.usual_tokens_per_second(size.parameters, gpu)
    return Assumed(gpu, options.mfu, PREFILL_MFU, speed, options.api_seconds, options.gpu_hour_price)


def _how(settings: Params, name: str) -> Train:
    return settings.orm.train if name in settings.orms else settings.train


def _ask(step: Step, settings: Params, size: Size, assumed: Assumed) -> Ask:
    who = {"teacher": settings.teacher, "student": settings.student, "orm": settings.judge}[step.by]
    if who.engine == "api" and who.api is not None:
        return Ask(step, None, plan_needs.api_cost([step], who.api))
    local = who.engine == "model" and settings.compute.device == "cuda"
    return Ask(step, plan_needs.generation_gpu_hours(step, size, assumed) if local else None, None)


def _fits(settings: Params, size: Size, means: Means, assumed: Assumed) -> tuple[Fit, ...]:
    sections = {"train": settings.train, "orm.train": settings.orm.train}
    return tuple(
        Fit(
            name, how.processes, plan_needs.memory(how, size, means.longest),
            plan_needs.fewest_gpus(how, size, means.longest, assumed.gpu), plan_needs.host_memory(how, size),
        )
        for name, how in sections.items()
    )  # fmt: skip


def _generation_gpus(settings: Params) -> int:
    actors = settings.inference.ray.actors if settings.inference.ray else 1
    return actors * (settings.inference.vllm.tensor_parallel if settings.inference.engine == "vllm" else 1)


def _hours(
    settings: Params, asks: tuple[Ask, ...], trained: tuple[tuple[Training, float | None], ...], assumed: Assumed
) -> dict[str, float]:
    """Hours by what is waited for, if nothing runs beside anything."""
    waited = {
        "local models' requests": sum(one.gpu_hours or 0 for one in asks) / _generation_gpus(settings),
        "trainings": sum((hours or 0) / _how(settings, one.name).processes for one, hours in trained),
    }
    if settings.teacher.api is not None and settings.teacher.engine == "api":
        taught = [one.step for one in asks if one.step.by == "teacher"]
        waited["the teacher's server"] = plan_needs.api_hours(taught, settings.teacher.api, assumed)
    return waited
