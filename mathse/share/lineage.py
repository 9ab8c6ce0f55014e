"""The whole ancestry of a table, model or file, and what on disk no longer matches what was recorded of it.

The record is dvc.lock: what every stage read and wrote. Rows, authors and prompts are those of the tables that lie
here, and a model's own fingerprint and that of its start are held against its lineage file. Ancestors come in an order
in which the stages can run, each once.

    lineage(root, "final").steps[0]   ->  Step(stage="base", makes=("models/base",), ...)
    lineage(root, "final").made["data/mix/0.parquet"]  ->  Ancestor(rows=174, table="MixRow", ...)
"""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse import layout, params
from mathse.errors import UserError
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.loop.ask.prompts import PROMPTS
from mathse.progress import progress
from mathse.report import names
from mathse.share import catalogue, recorded
from mathse.share.ancestry import Ancestor, fingerprint, look, made_from
from mathse.share.recorded import LOCK, Difference, Step
from mathse.tables.schemas import content_id


class DoesNotMatch(UserError):
    """Something on disk is not as it was recorded."""


@dataclass(frozen=True)
class Commit:
    """The state of the project in git.

    Attributes:
        lock: The commit that last changed dvc.lock; None if it is not in git.
        head: The commit that is checked out.
        clean: Whether dvc.lock is as that commit has it.
    """

    lock: str | None
    head: str | None
    clean: bool


@dataclass(frozen=True)
class Ancestry:
    """What was made on the way to a table, model or file.

    Attributes:
        target: Such as `models/final` or `data/mix/2.parquet`.
        steps: What led to it.
        made: The datasets, models and files of the steps, the target included, by path.
    """

    target: str
    steps: tuple[Step, ...]
    made: Mapping[str, Ancestor]

    @property
    def packages(self) -> dict[str, list[str]]:
        """The versions of packages that its models were made with; several of one package if they differ."""
        said = [(one.lineage or {}).get("packages") for one in self.made.values()]
        pairs = {(name, str(version)) for one in said if isinstance(one, dict) for name, version in one.items()}
        return {name: sorted(version for other, version in pairs if other == name) for name in sorted(dict(pairs))}

    @property
    def prompts(self) -> dict[str, str]:
        """Content hashes of the prompts that were used, by name and version."""
        used = sorted({prompt for one in self.made.values() for prompt in one.prompts})
        return {prompt: content_id("prompt", PROMPTS.get(prompt)) for prompt in used}


@dataclass(frozen=True)
class Lineage(Ancestry):
    """An ancestry held against what lies there.

    Attributes:
        commit: Where the record of it is.
        differences: What no longer matches, in the order of the steps; empty if all does.
    """

    commit: Commit
    differences: tuple[Difference, ...]


def place(root: Path, name: str) -> str:
    """The path of what a person names: a path of the project, a table (`mix@0`, `paths_1`), or a model (`final`)."""
    known = names.of(root)
    if "/" in name or (root / name).is_file():
        full = (root / name).absolute()
        return full.relative_to(root.absolute()).as_posix() if full.is_relative_to(root.absolute()) else name
    table = catalogue.place(known.view(name), known)
    return (table or layout.model(known.step(name))).as_posix()


def last_model(root: Path) -> str:
    """The last model that params.yaml trains: what a run is for.

    Raises:
        ParamsError: params.yaml is missing or broken.
    """
    return list(params.load(root / params.PARAMS).models)[-1]


def ancestry(root: Path, target: str) -> Ancestry:
    """Gather what led to a path, from dvc.lock and the tables that lie here. Every table's authors are read.

    Args:
        root: Folder of the project.
        target: Relative to it.

    Raises:
        LockError: dvc.lock is missing or damaged, or has no stage that makes the target.
    """
    steps = recorded.steps(root, target)
    paths = [path for step in steps for path in step.makes]
    hashes = {path: one.md5 for path, one in recorded.makers(root).items()}
    made = {}
    with progress(f"lineage of {target}", len(paths)) as advance:
        for path in paths:
            made[path] = look(path, root, hashes.get(path))
            advance(1)
    return Ancestry(target, tuple(steps), made)


def lineage(root: Path, name: str) -> Lineage:
    """Gather the ancestry of a table, model or file, and compare all of it with what was recorded.

    Args:
        root: Folder of the project.
        name: `final`, `mix@0`, `data/paths/1.parquet`, ...

    Raises:
        LockError: dvc.lock is missing or damaged, or has no stage that makes it.
    """
    found = ancestry(root, place(root, name))
    differ = [*recorded.differences(found.steps, root), *_contradictions(found.made, root)]
    return Lineage(found.target, found.steps, found.made, _commit(root), tuple(dict.fromkeys(differ)))


def _contradictions(made: Mapping[str, Ancestor], root: Path) -> Iterator[Difference]:
    """Tables that cannot be read, and models that are not what their lineage files describe."""
    prints: dict[str, str | None] = {}

    def printed(path: str) -> str | None:
        if path not in prints:
            prints[path] = fingerprint(root / path)
        return prints[path]

    for path, one in made.items():
        recorder = f"{path}/{LINEAGE}"
        if one.damaged:
            yield Difference(path, "damaged", "its own metadata")
        if one.kind != "model" or not one.there:
            continue
        if not one.lineage:
            what = "damaged" if (root / recorder).exists() else "missing"
            yield Difference(recorder, what, "every training")
        elif one.lineage.get("model") != printed(path):
            yield Difference(path, "changed", recorder)
        for other, said in made_from(one.lineage or {}).items():
            if (root / other).is_dir() and said != printed(other):
                yield Difference(other, "changed", recorder)


def _commit(root: Path) -> Commit:
    last = _git(root, "log", "-1", "--format=%H", "--", str(LOCK))
    return Commit(last or None, _git(root, "rev-parse", "HEAD") or None, not _git(root, "status", "-s", str(LOCK)))


def _git(root: Path, *arguments: str) -> str:
    """What git says; nothing where there is no git, or no commit."""
    try:
        said = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def require_match(found: Lineage) -> None:
    """Refuse a lineage that does not match what lies on disk.

    Raises:
        DoesNotMatch: Says how much of it.
    """
    if found.differences:
        files = len({difference.path for difference in found.differences})
        raise DoesNotMatch(f"{found.target}: {files} of what made it is not as recorded; see above")


def as_json(found: Lineage) -> dict[str, Any]:
    """The ancestry for programs: JSON values."""
    return {
        "target": found.target,
        "fingerprint": (found.made[found.target].lineage or {}).get("model"),
        "commit": vars(found.commit),
        "packages": found.packages,
        "prompts": found.prompts,
        "steps": [
            {
                **vars(step),
                "made_from": list(step.made_from),
                "makes": [_artefact(found.made[path]) for path in step.makes],
            }
            for step in found.steps
        ],
        "differences": [vars(difference) for difference in found.differences],
    }


def _artefact(one: Ancestor) -> dict[str, Any]:
    told: dict[str, Any] = {"path": one.path, "kind": one.kind, "there": one.there, "hash": one.hash or None}
    if one.kind == "model":
        return {
            **told,
            "fingerprint": (one.lineage or {}).get("model"),
            "settings": (one.lineage or {}).get("settings"),
        }
    return {**told, "table": one.table, "rows": one.rows, "by": list(one.by), "prompts": list(one.prompts)}
