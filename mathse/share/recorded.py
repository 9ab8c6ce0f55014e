"""What `dvc.lock` recorded of the stages behind a table, model or file, and what of it holds no more.

In: dvc.lock and dvc.yaml. The lock is the record of files: which stage read and wrote which, with their hashes. Whether
they are still so DVC itself says: it knows which files it ignores, and remembers hashes it has taken.

    Step(stage="mix@0", command="python -m stages.mix 0", made_from=("data/paths/0.parquet", ...),
         code={"stages/mix.py": "5d41...", ...}, params={"mix": {...}}, makes=("data/mix/0.parquet",))
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mathse import layout
from mathse.errors import UserError

LOCK = Path("dvc.lock")
GIVEN = (layout.SOURCES, layout.MODELS / "tiny")
"""What comes from outside, or lies in git: no stage makes it."""

Stages = Mapping[str, Mapping[str, Any]]


class LockError(UserError):
    """dvc.lock is missing or cannot be read, or does not have what is asked for."""


@dataclass(frozen=True)
class Made:
    """A file or folder that a stage wrote.

    Attributes:
        path: Relative to the project's root.
        stage: Its name in dvc.yaml, such as `mix@0`.
        md5: Of the content, as DVC takes it.
    """

    path: str
    stage: str
    md5: str


@dataclass(frozen=True)
class Step:
    """A stage as it was when it last ran.

    Attributes:
        stage: Its name in dvc.yaml.
        command: What ran.
        params: The params it read, by file.
        code: MD5 of the files and folders that decided its output.
        made_from: Datasets and models it read; of a folder, its tables or what other stages made in it.
        makes: Datasets and models it wrote that others were made from, the target included; of a folder, its tables.
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
        what: `changed`, `missing`, `damaged`, `not run yet` or `not recorded`.
        by: Who recorded it: a stage of dvc.lock, or a model's lineage file.
    """

    path: str
    what: str
    by: str


def makers(root: Path) -> dict[str, Made]:
    """What every stage wrote, by path.

    Raises:
        LockError: dvc.lock is missing or damaged.
    """
    return _makers(_stages(root))


def maker(made: Mapping[str, Made], path: str) -> Made | None:
    """Who wrote a file: the stage that names it, or a folder it lies in."""
    places = (PurePosixPath(path), *PurePosixPath(path).parents)
    return next((made[place.as_posix()] for place in places if place.as_posix() in made), None)


def steps(root: Path, target: str) -> list[Step]:
    """The stages that led to a dataset, model or file, in an order in which they can run, each once.

    Args:
        root: Folder of the project.
        target: Such as `models/final`.

    Raises:
        LockError: dvc.lock is missing or damaged, leads in a circle, or no stage of it makes the target.
    """
    stages = _stages(root)
    made = _makers(stages)
    last = maker(made, target)
    if last is None:
        raise LockError(f"{root / LOCK}: no stage in it makes {target}; `dvc repro` makes it and writes the entry")
    needs: dict[str, set[str]] = {}
    waiting, used = [last.stage], {last.path}
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        read = _read(stages[name], made)
        used |= read
        needs[name] = {made[path].stage for path in read if path in made}
        waiting += sorted(needs[name])
    try:
        ordered = list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
    except CycleError as error:
        raise LockError(f"{root / LOCK}: its stages lead in a circle: {' from '.join(error.args[1])}") from error
    wanted = used if last.path == target else used - {last.path} | {target}
    return [_step(name, stages[name], made, wanted, root) for name in ordered]


def differences(found: Collection[Step], root: Path) -> Iterator[Difference]:
    """What is no longer as it was when the stages ran: data, models, code, params, commands; and what never ran.

    Raises:
        LockError: dvc.lock is missing or damaged, or DVC cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    recorded = _stages(root)
    try:
        with Repo(str(root)) as repo:
            stages = {getattr(stage, "name", None): stage for stage in repo.index.stages}
            declared = {str(out.def_path) for stage in stages.values() for out in getattr(stage, "outs", ())}
            yield from _unmade(found, root, recorded, declared)
            for step in found:
                yield from _stale(step, recorded)
                if step.stage not in stages:
                    yield Difference(f"dvc.yaml: {step.stage}", "missing", "dvc.lock")
                else:
                    yield from _since(step, stages[step.stage])
    except DvcException as error:
        raise LockError(f"{root.absolute()}: DVC cannot read the project: {error}") from error


def _unmade(found: Collection[Step], root: Path, recorded: Stages, declared: Collection[str]) -> Iterator[Difference]:
    """What the stages read and no recorded stage made, but for what is given."""
    made = _makers(recorded)
    for step in found:
        for path in step.made_from:
            given = any(Path(path).is_relative_to(place) for place in GIVEN) or (root / f"{path}.dvc").exists()
            if not given and maker(made, path) is None:
                what = "not run yet" if path in declared else "not recorded"
                yield Difference(path, what, f"dvc.lock ({step.stage})")


def _stale(step: Step, recorded: Stages) -> Iterator[Difference]:
    """What a stage read in another state than the stage that makes it has recorded since."""
    made = _makers(recorded)
    for dep in recorded[step.stage].get("deps", []):
        one = made.get(dep["path"])
        if one and one.md5 != dep.get("md5", ""):
            yield Difference(one.path, "changed", f"dvc.lock ({step.stage})")


def _since(step: Step, stage: Any) -> Iterator[Difference]:
    recorder = f"dvc.lock ({step.stage})"
    if stage.cmd_changed:
        yield Difference(f"dvc.yaml: {step.stage}: cmd", "changed", recorder)
    for one in stage.deps:
        if hasattr(one, "params"):
            yield from _of_params(one, recorder)
        else:
            yield from _of(one, recorder)
    for one in stage.outs:
        if any(made == one.def_path or made.startswith(f"{one.def_path}/") for made in step.makes):
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


def _makers(stages: Stages) -> dict[str, Made]:
    outs = ((name, out) for name, stage in stages.items() for out in stage.get("outs", []))
    return {out["path"]: Made(out["path"], name, out.get("md5", "")) for name, out in outs}


def _step(name: str, stage: Mapping[str, Any], made: Mapping[str, Made], wanted: Collection[str], root: Path) -> Step:
    outs = {out["path"] for out in stage.get("outs", [])}
    makes = {path for path in wanted if any(path == out or path.startswith(f"{out}/") for out in outs)}
    return Step(
        stage=name,
        command=str(stage.get("cmd", "")),
        params=stage.get("params", {}),
        code={dep["path"]: dep.get("md5", "") for dep in stage.get("deps", []) if not _is_artefact(dep["path"], made)},
        made_from=tuple(sorted(table for path in _read(stage, made) for table in _tables(path, root))),
        makes=tuple(sorted(table for path in makes for table in _tables(path, root))),
    )


def _read(stage: Mapping[str, Any], made: Mapping[str, Made]) -> set[str]:
    """Datasets and models that a stage read; of a folder, what stages made in it."""
    deps = [dep["path"] for dep in stage.get("deps", []) if _is_artefact(dep["path"], made)]
    return {path for dep in deps for path in _within(dep, made)}


def _within(path: str, made: Mapping[str, Made]) -> set[str]:
    inside = {one for one in made if one.startswith(f"{path}/")}
    around = maker(made, path)
    return inside or {around.path if around else path}


def _tables(path: str, root: Path) -> list[str]:
    """The tables in a folder; of what is no folder of tables, the path itself."""
    there = sorted(file.relative_to(root).as_posix() for file in (root / path).rglob("[!.]*.parquet"))
    return there if there and not Path(path).is_relative_to(layout.SOURCES) else [path]


def _is_artefact(path: str, made: Mapping[str, Made]) -> bool:
    """Whether a stage read something that is made; what lies elsewhere is code."""
    within = Path(path).is_relative_to(layout.DATA) or Path(path).is_relative_to(layout.MODELS)
    return within or any(one in made for one in _within(path, made))
