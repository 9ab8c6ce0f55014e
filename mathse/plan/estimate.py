"""What a run needs, from params and a few assumptions: GPU-hours, memory, disk, hours and money.

In: a params file (a preset, or params.yaml) and `Options`. Out: a `Plan`, printed by `mathse.plan.text`. The formulas
are the usual ones for estimates, each named where it is used. They say what order of machine is needed; they do not
replace a trial.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.look.preset import PRESETS
from mathse.loop.ask.engines.local.families import family
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.params import FigureSource, Params, Train
from mathse.plan import sizes, tokens
from mathse.plan.options import GPUS, KEPT, Gpu, Options
from mathse.plan.sizes import Size
from mathse.plan.tokens import Counter, Means
from mathse.plan.work import Problems, Requests, Shares, problems, work

GIB = 2**30
REFERENCE = (2500.0, 8e9, GPUS["h100"].tflops)
"""Completion tokens per second that one GPU writes under continuous batching, for a model of so many parameters, at so
many TFLOP/s; other sizes and GPUs are taken in proportion."""
PREFILL_MFU = 0.5
"""Share of a GPU's FLOP/s that reading prompts makes use of."""
FULL = 6
"""FLOPs per parameter and token of full training: 2 forward, 4 backward (arXiv 2001.08361, section 2.1)."""
ADAPTERS = 4
"""The same with adapters: no gradients of the frozen weights."""
STATE = 16
"""Bytes per trained parameter: float32 weight and gradient, two moments of Adam."""
LAYER = 34
"""Bytes per token and unit of width that one layer keeps for its backward pass (arXiv 2205.05198, section 4.1)."""
GATHERED = 8
"""Bytes per weight of the output layer, which TRL's loss takes whole where weights are shared: float32, gradient."""
FROZEN = 4
"""Bytes per parameter of the model that preferences are held to: float32, never trained."""
ADAPTED = 25
"""Rows and columns of a layer's seven matrices, in widths: what one rank of adapters costs."""
FITS = 0.9
"""Share of a GPU's memory that may be planned for; the vision tower and the allocator take from the rest."""


class PlanError(UserError):
    """There is no such preset or file, or nothing says how large its model is."""


@dataclass(frozen=True)
class Training:
    """What a training sees.

    Attributes:
        name: Of the model.
        rows: Of its mix.
        tokens: Over all epochs, images included, padding not.
        steps: Optimizer steps.
        gpu_hours: None on a CPU.
    """

    name: str
    rows: int
    tokens: int
    steps: int
    gpu_hours: float | None = None


@dataclass(frozen=True)
class Fit:
    """A training in the memory of its GPUs, in GiB.

    Attributes:
        name: The section of params that describes it: `train`, `orm.train`, ...
        gpus: Processes that params ask for.
        parts: GiB per GPU, by what takes it.
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
    """The estimate; every number follows from params, `options` and the sample.

    Attributes:
        size_from: What the model's size is known by.
        tokens_from: What tokens were counted by.
        fits: The trainings; empty on a CPU.
        generation_gpus: How many GPUs answer requests at once.
        tokens_per_second: What one of them writes; None on a CPU.
        disk: GiB, by what takes them.
        hours: By what is waited for, if nothing runs beside anything; empty on a CPU.
        gpu_hours: Of all local requests and all trainings.
        has_data_sets: Whether not all of the problems are drawn.
    """

    file: str
    options: Options
    model: str
    size: Size
    size_from: str
    tokens_from: str
    problems: Problems
    means: Means
    shares: Shares
    requests: tuple[Requests, ...]
    trainings: tuple[Training, ...]
    fits: tuple[Fit, ...]
    generation_gpus: int
    tokens_per_second: float | None
    disk: dict[str, float]
    hours: dict[str, float]
    gpu_hours: float
    api_cost: float | None
    spending_cap: float | None
    gpu_cost: float | None
    has_data_sets: bool

    def as_json(self) -> str:
        """The whole of it as JSON."""
        return json.dumps(asdict(self), indent=2)


def plan(name: str | None, root: Path, options: Options) -> Plan:
    """Estimate a run.

    Args:
        name: A preset's name or a params file; None: the project's params.yaml.

    Raises:
        PlanError: There is no such preset or file, or nothing says how large its model is.
        ParamsError: The file is not in order.
        UserError: A data set has no limit, so nobody knows how many problems it has.
    """
    file = params_file(name, root)
    return estimate(params.load(file, template=True), file, root, options)


def estimate(settings: Params, file: Path, root: Path, options: Options) -> Plan:
    """As `plan`, of params that are loaded; `file` is where they are from."""
    size, size_from, counter, tokens_from = _model(settings, root, options)
    sample = tokens.sample(settings, options.sample, options.path_chars, options.image_side)
    teacher = settings.teacher
    server = tokens.by_characters(options.chars_per_token, tokens.openai_tiles, template_tokens=0)
    means = tokens.means(settings, sample, counter, server if teacher.engine == "api" else counter)
    right = 1 - teacher.mistake_rate if teacher.engine == "solver" else 1
    kept = min(right, KEPT) if options.kept is None else options.kept
    shares = Shares(kept, options.solved, kept if options.repaired is None else options.repaired)

    on_gpu, gpu = settings.compute.device == "cuda", GPUS[options.gpu]
    usual, parameters, tflops = REFERENCE
    speed = options.tokens_per_second or usual * parameters / size.parameters * gpu.tflops / tflops
    requests, rows, reflections = work(settings, means, shares)
    requests = [_priced(each, settings, size, gpu, speed) for each in requests]
    trainings = [
        _training(model, rows[mix], reflections.get(mix, 0), means, settings, size, options)
        for model, mix in ((model, settings.recipe(model).mix) for model in settings.trained)
    ]
    gpu_hours = sum(each.gpu_hours or 0 for each in requests) + sum(each.gpu_hours or 0 for each in trainings)
    costs = [each.cost for each in requests if each.cost is not None]
    sections = settings.trainings if on_gpu else {}
    images = {image.image_id: len(image.data) for example in sample for image in example.images}
    return Plan(
        file=(file.relative_to(root) if file.is_relative_to(root) else file).as_posix(),
        options=options,
        model=settings.base.source,
        size=size,
        size_from=size_from,
        tokens_from=tokens_from,
        problems=problems(settings),
        means=means,
        shares=shares,
        requests=tuple(requests),
        trainings=tuple(trainings),
        fits=tuple(_fit(section, how, size, means.longest, gpu) for section, how in sections.items()),
        generation_gpus=_generation_gpus(settings),
        tokens_per_second=speed if on_gpu else None,
        disk=_disk(settings, size, sum(images.values()) / len(images), requests),
        hours=hours(settings, requests, trainings, options.api_seconds) if on_gpu else {},
        gpu_hours=gpu_hours,
        api_cost=sum(costs) if costs else None,
        spending_cap=teacher.api.spending_cap if teacher.api else None,
        gpu_cost=options.gpu_hour_price * gpu_hours if options.gpu_hour_price is not None and on_gpu else None,
        has_data_sets=any(not isinstance(source, FigureSource) for source in settings.problems.sources),
    )


def params_file(name: str | None, root: Path) -> Path:
    """A preset by its name, a params file, or the project's own.

    Raises:
        PlanError: There is no such preset or file.
    """
    if name is None:
        return root / params.PARAMS
    presets = sorted(file.stem for file in (root / PRESETS).glob("*.yaml"))
    if name in presets:
        return root / PRESETS / f"{name}.yaml"
    if Path(name).is_file():
        return Path(name)
    raise PlanError(f"no preset {name!r} and no such file; presets: {', '.join(presets) or 'none'}")


def base_size(settings: Params, root: Path) -> tuple[Size, str, Path | None]:
    """The base's size and what it is known by, and its folder if it is at hand.

    The folder tells best: the base's own or, once it is fetched, models/base, if that is this model at this revision.

    Raises:
        UserError: It is not known.
    """
    base, folder = settings.base, root / layout.model("base")
    if base.is_folder:
        folder = root / Path(base.source).expanduser()
    lineage = folder / LINEAGE
    made_from = json.loads(lineage.read_text(encoding="utf-8")) if lineage.is_file() else {}
    at_hand = base.is_folder or (made_from.get("from"), made_from.get("revision")) == (base.source, base.revision)
    if at_hand:
        return sizes.of_folder(folder), "the weight files' headers", folder
    if base.source in sizes.KNOWN:
        return sizes.KNOWN[base.source], "the table of known checkpoints", None
    raise PlanError(
        f"base.from: the size of {base.source} is not known before it is there; fetch it (`dvc repro base`), or "
        f"give the path of a folder. Known: {', '.join(sizes.KNOWN)}"
    )


def _model(settings: Params, root: Path, options: Options) -> tuple[Size, str, Counter, str]:
    """The model's size and what it is known by, and what counts its tokens, in words too."""
    size, size_from, folder = base_size(settings, root)
    kind = family(size.model_type)
    if folder is not None and (folder / "tokenizer.json").is_file():
        return size, size_from, tokens.by_processor(folder), "the model's own tokenizer and chat template"
    ratio = options.chars_per_token
    counter = tokens.by_characters(ratio, tokens.known_image_tokens(kind, settings.base.image.given()))
    return size, size_from, counter, f"{ratio:g} characters per token and the family's image rule"


def _how(settings: Params, model: str) -> Train:
    return settings.trainings[settings.recipe(model).by]


def _priced(requests: Requests, settings: Params, size: Size, gpu: Gpu, tokens_per_second: float) -> Requests:
    """The requests with what they cost: money at a server with a price table, GPU-hours of a local model."""
    role = {"teacher": settings.teacher, "student": settings.student, "orm": settings.judge}[requests.by]
    if role.engine == "api" and role.api is not None:
        price = role.api.prices.get(role.api.model)
        if price is None:
            return requests
        cost = requests.prompt_tokens * price.input + requests.completion_tokens * price.output
        return replace(requests, cost=cost / 1e6)
    if role.engine != "model" or settings.compute.device != "cuda":
        return requests
    reading = 2 * size.parameters * requests.prompt_tokens / (gpu.tflops * 1e12 * PREFILL_MFU)
    writing = requests.completion_tokens / tokens_per_second
    return replace(requests, gpu_hours=(reading + writing) / 3600)


def _training(
    model: str, rows: int, reflections: int, means: Means, settings: Params, size: Size, options: Options
) -> Training:
    how, row = _how(settings, model), means.judge_row if model in settings.orms else means.row
    whole = math.ceil(math.ceil(rows / how.batch_size) * how.epochs)
    steps = whole if how.max_steps < 0 else how.max_steps
    epoch = rows * row + reflections * means.draft
    seen = round(epoch * how.epochs * steps / max(1, whole))
    if settings.compute.device != "cuda":
        return Training(model, rows, seen, steps)
    flops = (ADAPTERS if how.lora else FULL) * size.parameters * seen
    return Training(model, rows, seen, steps, flops / (GPUS[options.gpu].tflops * 1e12 * options.mfu) / 3600)


def _fit(section: str, how: Train, size: Size, longest: float, gpu: Gpu) -> Fit:
    # Each process has the whole model in the machine's memory before it is shared.
    host = how.processes * (2 if how.lora else 4) * size.parameters / GIB
    return Fit(section, how.processes, memory(how, size, longest), fewest_gpus(how, size, longest, gpu), host)


def memory(how: Train, size: Size, longest: float) -> dict[str, float]:
    """GiB a GPU needs in training, by what takes it.

    Args:
        how: The training: rows at once, processes, adapters, checkpointing.
        longest: Tokens of the longest row.
    """
    shards = how.processes if how.launch is not None and how.launch.config is not None else 1
    pairs = how.method == "dpo"  # a preferred and a rejected reply of each row
    seen = how.at_once * (1 + pairs) * min(longest, how.max_length or longest)
    copy, gathered = 0, 0
    if how.lora is None:
        states = STATE * size.parameters / shards
        copy, gathered = (0, GATHERED * size.vocabulary * size.width) if shards > 1 else (2 * size.parameters, 0)
    else:
        trained = ADAPTED * how.lora.rank * size.width * size.layers
        states = 2 * size.parameters / shards + STATE * trained
    kept = LAYER if how.gradient_checkpointing is False else 2
    # With adapters it is the model without them. Logits are never whole: TRL goes through the vocabulary in pieces.
    reference = FROZEN * size.parameters / shards if pairs and how.lora is None else 0
    return {
        "weights, gradients, Adam": states / GIB,
        "bfloat16 copy": copy / GIB,
        "output layer, whole": gathered / GIB,
        "activations": seen * size.width * (size.layers * kept + LAYER) / GIB,
        "reference model": reference / GIB,
    }


def fewest_gpus(how: Train, size: Size, longest: float, gpu: Gpu) -> int | None:
    """The fewest GPUs, a power of two, that hold the training when it is sharded over them; None if 64 do not."""
    room = FITS * gpu.memory - memory(how, size, longest)["activations"]
    trained = STATE + (FROZEN if how.method == "dpo" else 0)
    whole = (2 if how.lora else trained) * size.parameters / GIB
    gathered = 0 if how.lora else GATHERED * size.vocabulary * size.width / GIB
    return next((count for count in (1, 2, 4, 8, 16, 32, 64) if whole / count + gathered * (count > 1) <= room), None)


def _generation_gpus(settings: Params) -> int:
    inference = settings.inference
    actors = inference.ray.actors if inference.ray else 1
    return actors * (inference.vllm.tensor_parallel if inference.engine == "vllm" else 1)


def hours(
    settings: Params, requests: Sequence[Requests], trainings: Sequence[Training], api_seconds: float
) -> dict[str, float]:
    """Hours by what is waited for, if nothing runs beside anything."""
    hours = {
        "local models' requests": sum(each.gpu_hours or 0 for each in requests) / _generation_gpus(settings),
        "trainings": sum((each.gpu_hours or 0) / _how(settings, each.name).processes for each in trainings),
    }
    api = settings.teacher.api
    if api is not None and settings.teacher.engine == "api":
        # As many requests at once as allowed, within the budget of tokens.
        asked = [each for each in requests if each.by == "teacher"]
        seconds = sum(each.number for each in asked) * api_seconds / api.concurrency
        minutes = sum(each.prompt_tokens + each.completion_tokens for each in asked) / (
            api.tokens_per_minute or math.inf
        )
        hours["the teacher's server"] = max(seconds / 3600, minutes / 60)
    return hours


def _disk(settings: Params, size: Size, image_bytes: float, requests: Sequence[Requests]) -> dict[str, float]:
    """GiB on disk, by what takes them.

    Args:
        image_bytes: Mean size of an image's file.
        requests: Whose completions are kept, twice: in a table and in the journal.
    """
    count = problems(settings)
    return {
        **models_disk(settings, size, has_base=False, trained=len(settings.trained)),
        "images": (count.train + count.orm + count.test) * image_bytes / GIB,
        "paths and verdicts, with their journals": 2 * 4 * sum(each.completion_tokens for each in requests) / GIB,
    }


def models_disk(settings: Params, size: Size, has_base: bool, trained: int) -> dict[str, float]:
    """GiB on disk of a run's models, by what takes them.

    Args:
        has_base: Whether the base is there already.
        trained: How many models are still to be trained.
    """
    model = (2 if settings.compute.dtype == "bfloat16" else 4) * size.parameters
    if any(how.keep_optimizer for how in settings.trainings.values()):
        model += 2 * 4 * size.parameters  # Adam's two moments
    saves = any(how.save_steps and how.lora is None for how in settings.trainings.values())
    checkpoints = 2 * (STATE - 4) * size.parameters if saves else 0
    return {
        "base": 0.0 if has_base else model / GIB,
        f"{trained} trained models": trained * model / GIB,
        "DVC's copy of them": trained * model / GIB,
        "checkpoints of a training": checkpoints / GIB if trained else 0.0,
    }
