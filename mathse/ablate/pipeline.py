"""The stages of a run by the key under which DVC's run cache knows them, from dvc.yaml and params alone.

The run cache gives a stage's outputs back when command, params and inputs are those of an earlier run. An input that
another stage makes stands here for that stage's own key, and any other for its content: so two runs share a stage just
when they give it one key, and that is known before either has run.

    keys(root, content)["train@0"]  ->  "9f86d081884c7d65"
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from mathse import layout, yaml_file
from mathse.errors import UserError
from mathse.look.git import git

FILE = Path("dvc.yaml")
TARGET = "accuracy"
"""The stage that all measurements of a run lead to."""
_INSERTED = re.compile(r"\$\{([^}]+)\}")
_DIGITS = 16


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml with its templates filled in: paths of what it reads and makes, and the params it reads."""

    command: str
    params: tuple[str, ...]
    deps: tuple[str, ...]
    outs: tuple[str, ...]


def stages(root: Path, content: Mapping[str, Any]) -> dict[str, Stage]:
    """The stages of a run, by name (`mix@0`).

    Args:
        root: The project's.
        content: The run's params, as YAML holds them.

    Raises:
        UserError: dvc.yaml cannot be read, or names params that there are not.
    """
    found: dict[str, Stage] = {}
    for name, entry in _pipeline(root / FILE).items():
        if "foreach" not in entry:
            found[name] = _stage(entry, content, {})
            continue
        rows = _filled(entry["foreach"], content, {})
        members = rows.items() if isinstance(rows, dict) else [(row, row) for row in rows]
        for key, item in members:
            found[f"{name}@{key}"] = _stage(entry["do"], content, {"key": key, "item": item})
    return found


@cache
def _pipeline(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = yaml_file.read(file)["stages"]
    except (FileNotFoundError, yaml_file.NotYaml, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a pipeline of DVC ({error}); take it from git") from error
    return content


def _stage(entry: Mapping[str, Any], content: Mapping[str, Any], item: Mapping[str, Any]) -> Stage:
    def paths(*kinds: str) -> tuple[str, ...]:
        rows = [row for kind in kinds for row in entry.get(kind, ())]
        return tuple(str(_filled(next(iter(row)) if isinstance(row, dict) else row, content, item)) for row in rows)

    command = str(_filled(entry["cmd"], content, item))
    return Stage(command, paths("params"), paths("deps"), paths("outs", "metrics", "plots"))


def _filled(text: Any, content: Mapping[str, Any], item: Mapping[str, Any]) -> Any:
    """A template with its values; of one that is a single `${name}`, the value itself."""
    if not isinstance(text, str):
        return text

    def value(name: str) -> Any:
        return yaml_file.at({**content, **item}, name.strip())

    if whole := _INSERTED.fullmatch(text):
        return value(whole[1])
    return _INSERTED.sub(lambda match: str(value(match[1])), text)


def keys(root: Path, content: Mapping[str, Any], target: str = TARGET) -> dict[str, str]:
    """The stages that lead to a target, itself included, each with its key.

    Args:
        root: The project's; its commit has the code.
        content: The run's params, as YAML holds them.
    """
    run, found = stages(root, content), dict[str, str]()

    def key(name: str) -> str:
        if name not in found:
            stage = run[name]
            makers = {dep: [other for other in run if _meet(dep, run[other].outs)] for dep in stage.deps}
            read = {
                dep: [key(other) for other in names] if names else _content(root, dep) for dep, names in makers.items()
            }
            values = {name: yaml_file.at(content, name) for name in stage.params}
            text = json.dumps([stage.command, values, read, stage.outs], sort_keys=True)
            found[name] = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        return found[name]

    if target not in run:
        raise UserError(f"{root / FILE}: there is no stage {target!r}; take the file from git")
    key(target)
    return found


def _meet(dep: str, outs: tuple[str, ...]) -> bool:
    """Whether a stage makes what another reads, or a part of it, or that in which it lies."""
    path = PurePosixPath(dep)
    return any(path.is_relative_to(out) or PurePosixPath(out).is_relative_to(path) for out in outs)


@cache
def _content(root: Path, path: str) -> str:
    """What tells a file or folder that no stage makes from another: as git has it, and data sets by name and size."""
    known = git(root, "rev-parse", f"HEAD:./{path}")
    if PurePosixPath(path) != PurePosixPath(layout.SOURCES.as_posix()):
        return known
    files = sorted(file for file in (root / path).rglob("*") if file.is_file())
    return " ".join([known, *(f"{file.relative_to(root)}:{file.stat().st_size}" for file in files)])


def code(root: Path, content: Mapping[str, Any]) -> list[str]:
    """What a run is made by and git has: pipeline and code."""
    run = stages(root, content)
    needed = {dep for name in keys(root, content) for dep in run[name].deps}
    made = {out for stage in run.values() for out in stage.outs}
    return sorted(
        {FILE.as_posix(), *(dep for dep in needed if not _meet(dep, tuple(made)) and dep != layout.SOURCES.as_posix())}
    )
