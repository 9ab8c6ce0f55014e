"""What `dvc.lock` recorded of the steps that made a model, and what of it holds no more.

In: dvc.lock and dvc.yaml. DVC itself compares: it knows which files it ignores, and remembers hashes it has taken.

    Step(stage="mix_0", command="python -m stages.mix 0", made_from=("data/distill/paths.parquet", ...),
         code={"stages/mix.py": "5d41...", ...}, params={"mix": {...}}, makes=("data/mix/0.parquet",))
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from mathse import layout
from mathse.errors import UserError
from mathse.share.ancestry import made_from, read_lineage

LOCK = Path("dvc.lock")


class LockError(UserError):
    """dvc.lock is missing or cannot be read, or does not have what is asked for."""


@dataclass(frozen=True)
class Step:
    """A stage as it was when it last ran.

    Attributes:
        stage: Its name in dvc.yaml.
        command: What ran.
        params: The params it read, by file.
        code: MD5 of the files and folders that decided its output.
        made_from: Datasets and models it read, folders resolved to what other steps made in them.
        makes: Datasets and models it wrote that others were made from, the model in question included.
    """

    stage: str
    command: str
    params: Mapping[str, Any]
    code: Mapping[str, str]
    made_from: tuple[str, ...]
    makes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A file that is not as something recorded it.

    Attributes:
        path: The file, folder or param.
        what: `changed`, `missing` or `not recorded`.
        by: Who recorded it: a stage of dvc.lock, a table, or a model's lineage file.
    """

    path: str
    what: str
    by: str


def steps(root: Path, target: str) -> list[Step]:
    """The steps that led to a dataset or model, in an order in which they can run, each once.

    Args:
        root: Folder of the project.
        target: Such as `models/final`.

    Raises:
        LockError: dvc.lock is missing or damaged, leads in a circle, or no step of it makes the target.
    """
    stages = _stages(root)
    makers = {out["path"]: name for name, stage in stages.items() for out in stage.get("outs", [])}
    if target not in makers:
        raise LockError(f"{root / LOCK}: no step in it makes {target}; `dvc repro` makes it and writes the entry")
    needs: dict[str, set[str]] = {}
    waiting, used = [makers[target]], {target}
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        read = _read(stages[name], makers, root)
        used |= read
        needs[name] = {makers[path] for path in read if path in makers}
        waiting += sorted(needs[name])
    try:
        ordered = list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
    except CycleError as error:
        raise LockError(f"{root / LOCK}: its steps lead in a circle: {' from '.join(error.args[1])}") from error
    return [_step(name, stages[name], _read(stages[name], makers, root), used) for name in ordered]


def unmade(found: Collection[Step], root: Path) -> Iterator[Difference]:
    """Datasets and models among the steps' inputs that no step made, but for those that come from outside."""
    made = {path for step in found for path in step.makes}
    for step in found:
        for path in step.made_from:
            given = any(Path(path).is_relative_to(place) for place in (layout.SOURCES, layout.TINY))
            outside = given or (root / f"{path}.dvc").exists()
            if path not in made and not outside:
                yield Difference(path, "not recorded", f"dvc.lock ({step.stage})")


def differences(found: Collection[Step], root: Path) -> Iterator[Difference]:
    """What is no longer as it was when the steps ran: data, models, code, params, commands.

    Raises:
        LockError: DVC cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            stages = {getattr(stage, "name", None): stage for stage in repo.index.stages}
            for step in found:
                if step.stage not in stages:
                    yield Difference(f"dvc.yaml: {step.stage}", "missing", "dvc.lock")
                else:
                    yield from _since(step, stages[step.stage])
    except DvcException as error:
        raise LockError(f"{root.absolute()}: DVC cannot read the project: {error}") from error


def _since(step: Step, stage: Any) -> Iterator[Difference]:
    recorder = f"dvc.lock ({step.stage})"
    if stage.cmd_changed:
        yield Difference(f"dvc.yaml: {step.stage}: cmd", "changed", recorder)
    for one in stage.deps:
        if hasattr(one, "params"):
            yield from _of_params(one, recorder)
        elif not _is_artefact(one.def_path) or any(path.startswith(one.def_path) for path in step.made_from):
            yield from _of(one, recorder)
    for one in stage.outs:
        if one.def_path in step.makes:
            yield from _of(one, recorder)


def _of_params(one: Any, recorder: str) -> Iterator[Difference]:
    for file, said in one.workspace_status().items():
        told = said if isinstance(said, dict) else {"": said}
        yield from (Difference(f"{file}: {key}".rstrip(": "), _word(what), recorder) for key, what in told.items())


def _of(one: Any, recorder: str) -> Iterator[Difference]:
    said = one.workspace_status()
    if said:
        what = "not recorded" if not one.hash_info else _word(next(iter(said.values())))
        yield Difference(one.def_path, what, recorder)


def _word(said: object) -> str:
    return {"deleted": "missing", "new": "not recorded"}.get(str(said), "changed")


def _stages(root: Path) -> dict[str, dict[str, Any]]:
    file = root / LOCK
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        stages: dict[str, dict[str, Any]] = content["stages"]
        assert all(out["path"] for stage in stages.values() for out in stage.get("outs", []))
    except FileNotFoundError as error:
        raise LockError(f"{file}: not found; `dvc repro` writes it") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise LockError(
            f"{file}: not a lock file of DVC; take it from git, or delete it and run `dvc repro`"
        ) from error
    return stages


def _step(name: str, stage: Mapping[str, Any], made_from: Collection[str], used: Collection[str]) -> Step:
    return Step(
        stage=name,
        command=str(stage.get("cmd", "")),
        params=stage.get("params", {}),
        code={dep["path"]: dep.get("md5", "") for dep in stage.get("deps", []) if not _is_artefact(dep["path"])},
        made_from=tuple(sorted(made_from)),
        makes=tuple(sorted(out["path"] for out in stage.get("outs", []) if out["path"] in used)),
    )


def _read(stage: Mapping[str, Any], makers: Mapping[str, str], root: Path) -> set[str]:
    """Datasets and models that a stage read; of a folder, what steps made in it.

    A training depends on the base and on the model before; its lineage file says from which of them it started.
    """
    read = {path for dep in stage.get("deps", []) if _is_artefact(dep["path"]) for path in _within(dep["path"], makers)}
    starts = {out["path"]: made_from(read_lineage(root / out["path"])) for out in stage.get("outs", [])}
    models = {path for path in read if Path(path).is_relative_to(layout.MODELS)}
    started = {path for start in starts.values() for path in start if path in models}
    return read - models | (started or models)


def _within(path: str, makers: Mapping[str, str]) -> set[str]:
    return {made for made in makers if made.startswith(f"{path}/")} or {path}


def _is_artefact(path: str) -> bool:
    return Path(path).is_relative_to(layout.DATA) or Path(path).is_relative_to(layout.MODELS)
