"""The whole ancestry of a model, and what on disk no longer matches what was recorded of it.

Three records are read, and each is held against the files: dvc.lock (what every step read and wrote), the metadata of
the tables (hashes of their inputs), and the models' lineage files. Ancestors come in an order in which the steps can
run, each once.

    lineage(root, "final").steps[0]   ->  Step(stage="base", makes=("models/base",), ...)
    lineage(root, "final").made["data/mix/0.parquet"]  ->  Ancestor(rows=174, made_from={...}, ...)
"""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.ask.prompts import PROMPTS
from mathse.backbones.fingerprint import LINEAGE
from mathse.errors import UserError
from mathse.progress import progress
from mathse.share.ancestry import Ancestor, fingerprint, look
from mathse.share.recorded import LOCK, Difference, Step, differences, steps, unmade
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
class Lineage:
    """The ancestry of a model.

    Attributes:
        model: Its folder, such as `models/final`.
        steps: What led to it.
        made: The datasets and models of the steps, the model included, by path.
        commit: Where the record of it is.
        prompts: Content hashes of the prompts that were used, by name and version.
        differences: What no longer matches, in the order of the steps; empty if all does.
    """

    model: str
    steps: tuple[Step, ...]
    made: Mapping[str, Ancestor]
    commit: Commit
    prompts: Mapping[str, str]
    differences: tuple[Difference, ...]

    @property
    def packages(self) -> dict[str, list[str]]:
        """The versions of packages that its models were made with; several of one package if they differ."""
        said = [(one.lineage or {}).get("packages") for one in self.made.values()]
        pairs = {(name, str(version)) for one in said if isinstance(one, dict) for name, version in one.items()}
        return {name: sorted(version for other, version in pairs if other == name) for name in sorted(dict(pairs))}


def lineage(root: Path, name: str) -> Lineage:
    """Gather the ancestry of a model, and compare all of it with what was recorded. Every file is read once.

    Args:
        root: Folder of the project.
        name: `base`, `orm`, `student`, `0`, a round's number, or `final`.

    Raises:
        LockError: dvc.lock is missing or damaged, or has no step that makes the model.
    """
    target = layout.model(name).as_posix()
    found = steps(root, target)
    paths = [path for step in found for path in step.makes]
    made = {}
    with progress(f"lineage of {name}", len(paths)) as advance:
        for path in paths:
            made[path] = look(path, root)
            advance(1)
    prompts = sorted({prompt for one in made.values() for prompt in one.prompts})
    differ = [*unmade(found, root), *differences(found, root), *_contradictions(made, root)]
    return Lineage(
        model=target,
        steps=tuple(found),
        made=made,
        commit=_commit(root),
        prompts={prompt: content_id("prompt", PROMPTS.get(prompt)) for prompt in prompts},
        differences=tuple(dict.fromkeys(differ)),
    )


class _Present:
    """The hashes of what lies on disk, each taken once."""

    def __init__(self, made: Mapping[str, Ancestor], root: Path) -> None:
        self._made, self._root = made, root
        self._hashes = {path: {one.hash} for path, one in made.items()}

    def differs(self, path: str, recorded: str) -> bool:
        """Whether a file's content is another, or a model's content and fingerprint both."""
        if not (self._root / path).exists():
            return path not in self._made  # dvc.lock has told of those already
        if path not in self._hashes:
            self._hashes[path] = {look(path, self._root).hash}
        known = self._hashes[path]
        if recorded not in known and (self._root / path).is_dir():
            known.add(fingerprint(self._root / path) or "")
        return recorded not in known


def _contradictions(made: Mapping[str, Ancestor], root: Path) -> Iterator[Difference]:
    """What tables and lineage files say of other files, against what those are now."""
    present = _Present(made, root)
    for path, one in made.items():
        if one.there and one.kind == "dataset" and one.table is None:
            yield Difference(path, "damaged", "its own metadata")
        recorder = f"{path}/{LINEAGE}" if one.kind == "model" else path
        for other, recorded in [*one.made_from.items(), *_told(one).items()]:
            if present.differs(other, recorded):
                yield Difference(other, "changed" if (root / other).exists() else "missing", recorder)
        if one.kind == "model" and one.there:
            yield from _of_itself(path, one, root)


def _of_itself(path: str, one: Ancestor, root: Path) -> Iterator[Difference]:
    """Whether a model is the one that its lineage file describes."""
    if not one.lineage:
        what = "damaged" if (root / path / LINEAGE).exists() else "missing"
        yield Difference(f"{path}/{LINEAGE}", what, "every training")
    elif one.lineage.get("model") != fingerprint(root / path):
        yield Difference(path, "changed", f"{path}/{LINEAGE}")


def _told(one: Ancestor) -> dict[str, str]:
    """Hashes of datasets, models and files further back, as a lineage file lists them."""
    behind = (one.lineage or {}).get("ancestry")
    if not isinstance(behind, dict):
        return {}
    listed = {name: behind.get(name) for name in ("datasets", "models", "files")}
    entries = [entry for part in listed.values() if isinstance(part, dict) for entry in part.items()]
    hashes = ((path, said.get("hash") if isinstance(said, dict) else said) for path, said in entries)
    return {path: recorded for path, recorded in hashes if isinstance(recorded, str)}


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
        raise DoesNotMatch(f"{found.model}: {files} of what made it is not as recorded; see above")


def as_json(found: Lineage) -> dict[str, Any]:
    """The ancestry for programs: JSON values."""
    return {
        "model": found.model,
        "fingerprint": (found.made[found.model].lineage or {}).get("model"),
        "commit": vars(found.commit),
        "packages": found.packages,
        "prompts": dict(found.prompts),
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
