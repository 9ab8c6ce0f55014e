"""What `dvc.lock` recorded of the stages behind a table, model or file, and what of it no longer holds.

The lock is the record of files: which stage read and wrote which, with their hashes. Whether they are still the same is
for DVC itself to say: it knows which files it ignores, and remembers the hashes it has taken.

    read(root).steps("models/0")[-2]  ->  StageRun(stage="mix@0", command="python -m stages.mix 0",
        made_from=("data/paths/0.parquet", ...), code={"stages/mix.py": "5d41...", ...}, params={"mix": {...}},
        makes=("data/mix/0.parquet",))
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from mathse import layout, yaml_file
from mathse.errors import UserError

LOCK = Path("dvc.lock")
OUTSIDE = (layout.SOURCES, layout.TINY)
"""What comes from outside, or lies in git: no stage makes it."""
WORDS = {"deleted": "missing", "new": "not recorded"}
"""What DVC's words for a difference are here; all others are `changed`."""


class LockError(UserError):
    """dvc.lock is missing or cannot be read, or does not have what is asked for."""


@dataclass(frozen=True)
class Output:
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
class StageRun:
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
        by: Who recorded it: a stage of dvc.lock, or a table itself.
    """

    path: str
    what: str
    by: str


@dataclass(frozen=True)
class Lock:
    """The record of a project: `stages` are the entries as dvc.lock has them, by name."""

    root: Path
    stages: Mapping[str, Mapping[str, Any]]

    @cached_property
    def outputs(self) -> dict[str, Output]:
        """What every stage wrote, by path."""
        outs = ((name, out) for name, stage in self.stages.items() for out in stage.get("outs", []))
        return {out["path"]: Output(out["path"], name, out.get("md5", "")) for name, out in outs}

    def source(self, path: str) -> Output | None:
        """The output that a file is, or lies in."""
        places = (PurePosixPath(path), *PurePosixPath(path).parents)
        return next((self.outputs[place.as_posix()] for place in places if place.as_posix() in self.outputs), None)

    def steps(self, target: str) -> list[StageRun]:
        """The stages that led to a dataset, model or file, in an order in which they can run, each once.

        Raises:
            LockError: The stages lead in a circle, or none of them makes the target.
        """
        last = self.source(target)
        if last is None:
            raise LockError(
                f"{self.root / LOCK}: no stage in it makes {target}; `dvc repro` makes it and writes the entry"
            )
        needs: dict[str, set[str]] = {}
        waiting, used = [last.stage], {last.path}
        while waiting:
            name = waiting.pop()
            if name not in needs:
                inputs = self._inputs(name)
                used |= inputs
                needs[name] = {self.outputs[path].stage for path in inputs if path in self.outputs}
                waiting += needs[name]
        try:
            ordered = list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
        except CycleError as error:
            raise LockError(
                f"{self.root / LOCK}: its stages lead in a circle: {' from '.join(error.args[1])}"
            ) from error
        wanted = used if last.path == target else used - {last.path} | {target}
        runs = []
        for name in ordered:
            stage = self.stages[name]
            deps = {dep["path"]: dep.get("md5", "") for dep in stage.get("deps", [])}
            outs = [out["path"] for out in stage.get("outs", [])]
            makes = (path for path in wanted if any(PurePosixPath(path).is_relative_to(out) for out in outs))
            runs.append(
                StageRun(
                    stage=name,
                    command=str(stage.get("cmd", "")),
                    params=stage.get("params", {}),
                    code={path: md5 for path, md5 in deps.items() if not self._is_data(path)},
                    made_from=self._tables(self._inputs(name)),
                    makes=self._tables(makes),
                )
            )
        return runs

    def _inputs(self, name: str) -> set[str]:
        """Datasets and models that a stage read; of a folder, what other stages made in it."""
        deps = (dep["path"] for dep in self.stages[name].get("deps", []))
        return {path for dep in deps if self._is_data(dep) for path in self._outputs_at(dep)}

    def _outputs_at(self, path: str) -> set[str]:
        """The outputs within a folder, or else the one that a path lies in, or else the path itself."""
        around = self.source(path)
        inside = {output for output in self.outputs if output.startswith(f"{path}/")}
        return inside or {around.path if around else path}

    def _is_data(self, path: str) -> bool:
        """Whether a stage read something that is made; what lies elsewhere is code."""
        within = any(PurePosixPath(path).is_relative_to(folder) for folder in (layout.DATA, layout.MODELS))
        return within or any(output in self.outputs for output in self._outputs_at(path))

    def _tables(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The paths, sorted; in place of a folder of tables, its tables."""
        tables: list[str] = []
        for path in paths:
            inside = [file.relative_to(self.root).as_posix() for file in (self.root / path).rglob("[!.]*.parquet")]
            tables += inside if inside and not Path(path).is_relative_to(layout.SOURCES) else [path]
        return tuple(sorted(tables))


def read(root: Path) -> Lock:
    """Read a project's dvc.lock.

    Raises:
        LockError: It is missing or damaged.
    """
    file = root / LOCK
    try:
        lock = Lock(root, yaml_file.read(file)["stages"])
        _ = lock.outputs  # what is no entry of a stage fails here
    except FileNotFoundError as error:
        raise LockError(f"{file}: not found; `dvc repro` writes it") from error
    except (yaml_file.NotYaml, KeyError, TypeError, AttributeError) as error:
        raise LockError(
            f"{file}: not a lock file of DVC; take it from git, or delete it and run `dvc repro`"
        ) from error
    return lock


def differences(lock: Lock, steps: Collection[StageRun]) -> Iterator[Difference]:
    """What is no longer as it was when the stages ran: data, models, code, params, commands; and what never ran.

    Raises:
        LockError: DVC cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(lock.root)) as repo:
            stages = {getattr(stage, "name", None): stage for stage in repo.index.stages}
            declared = {str(out.def_path) for stage in stages.values() for out in getattr(stage, "outs", ())}
            for step in steps:
                # What no recorded stage made: its own origin is unknown.
                for path in step.made_from:
                    place = Path(path)
                    outside = (
                        any(place.is_relative_to(folder) for folder in OUTSIDE)
                        or Path(f"{lock.root / path}.dvc").exists()
                    )
                    if not outside and lock.source(path) is None:
                        what = "not run yet" if path in declared else "not recorded"
                        yield Difference(path, what, f"dvc.lock ({step.stage})")
            for step in steps:
                # What was read in another state than its maker has recorded since; files that are not here show it too.
                for dep in lock.stages[step.stage].get("deps", []):
                    output = lock.outputs.get(dep["path"])
                    if output and output.md5 != dep.get("md5", ""):
                        yield Difference(output.path, "changed", f"dvc.lock ({step.stage})")
                if step.stage in stages:
                    yield from _changed_since(step, stages[step.stage])
                else:
                    yield Difference(f"dvc.yaml: {step.stage}", "missing", "dvc.lock")
    except DvcException as error:
        raise LockError(f"{lock.root.absolute()}: DVC cannot read the project: {error}") from error


def _changed_since(step: StageRun, stage: Any) -> Iterator[Difference]:
    """What DVC finds changed in a stage's command, inputs and those outputs that something was made from."""
    recorder = f"dvc.lock ({step.stage})"
    if stage.cmd_changed:
        yield Difference(f"dvc.yaml: {step.stage}: cmd", "changed", recorder)
    made_from_it = [
        out for out in stage.outs if any(PurePosixPath(path).is_relative_to(out.def_path) for path in step.makes)
    ]
    for file in (*stage.deps, *made_from_it):
        for path, status in file.workspace_status().items():
            if hasattr(file, "params"):
                keys = status if isinstance(status, dict) else {"": status}
                for key, word in keys.items():
                    yield Difference(f"{path}: {key}".rstrip(": "), WORDS.get(str(word), "changed"), recorder)
            else:
                what = WORDS.get(str(status), "changed") if file.hash_info else "not recorded"
                yield Difference(file.def_path, what, recorder)
