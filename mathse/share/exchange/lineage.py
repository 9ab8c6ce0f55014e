"""What an export was made from, in one file: `lineage.json`.

The commit and what `dvc.lock` says of the mix and of the tables beside it; SHA-256 of the files as they were read;
models, prompts with their text, judges and sources, each with its number of rows. No times and no machine's names: the
same run gives the same bytes.

Sample: `{"format": "mathse-export", "version": 1, "mix": "final", "git": {"commit": "5e8e11f...", "clean": true}, ...}`
"""

import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mathse import layout
from mathse.loop.ask import prompts
from mathse.share import recorded
from mathse.share.exchange.columns import FORMAT, VERSION
from mathse.share.exchange.counts import Counts
from mathse.share.exchange.folder import digest
from mathse.share.exchange.rows import Mix
from mathse.share.recorded import LockError
from mathse.sources.licences import licences

LINEAGE = "lineage.json"
_PACKAGES = ("mathse", "datasets", "duckdb", "pyarrow")


def lineage(root: Path, mix: Mix, counts: Counts, everything: bool) -> dict[str, Any]:
    """Gather it.

    Args:
        root: The project's root.
        mix: What was exported.
        counts: What its rows came to.
        everything: Whether licences were overridden.
    """
    files = [mix.file, *mix.tables.values(), root / layout.IMAGES]
    return {
        "format": FORMAT,
        "version": VERSION,
        "mix": mix.name,
        "trains": mix.trains,
        "rows": counts.rows,
        "excluded": dict(counts.excluded),
        "licences_overridden": everything and counts.unshareable > 0,
        "git": git(root),
        "stage": stage(root, mix.file),
        "dvc": locked(root, files),
        "files": {_relative(file, root): digest(file) for file in files},
        "sources": {name: _source(name, rows) for name, rows in counts.of("source").items()},
        "models": counts.of("author"),
        "judges": counts.of("judge"),
        "prompts": {
            name: {"rows": rows, "text": prompts.PROMPTS.get(name)} for name, rows in counts.of("prompt_id").items()
        },
        "packages": {package: version(package) for package in _PACKAGES},
    }


def stage(root: Path, file: Path) -> str | None:
    """The stage of dvc.yaml that makes a file, as `dvc.lock` has it; None if it does not say."""
    try:
        made = recorded.maker(recorded.makers(root), _relative(file, root))
    except LockError:
        return None
    return made.stage if made else None


def git(root: Path) -> dict[str, Any] | None:
    """The commit, when it was made, whether nothing was changed since, and where it can be had; None outside of git."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return None
    return {
        "commit": commit,
        "date": _git(root, "show", "-s", "--format=%cs", "HEAD"),
        "clean": not _git(root, "status", "--porcelain", "--untracked-files=no"),
        "url": public(_git(root, "config", "--get", "remote.origin.url")),
    }


def public(url: str) -> str | None:
    """A remote's address as others can use it: without a password, and none that is a folder of this machine."""
    if found := re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):(?!/)([\w./-]+?)(?:\.git)?/?", url):
        return f"https://{found[1]}/{found[2]}"
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    port = f":{parts.port}" if parts.port and parts.scheme.startswith("http") else ""
    return f"https://{parts.hostname}{port}{parts.path.removesuffix('/').removesuffix('.git')}"


def locked(root: Path, files: list[Path]) -> dict[str, str]:
    """What `dvc.lock` says of these files, or of the folders that they lie in: their hashes, by path."""
    try:
        makers = recorded.makers(root)
    except LockError:
        return {}
    named = (recorded.maker(makers, _relative(file, root)) for file in files)
    return {made.path: made.md5 for made in named if made}


def _source(name: str, rows: int) -> dict[str, Any]:
    stated = licences().get(name)
    return {"rows": rows, "stated": stated.model_dump() if stated else None}


def _relative(file: Path, root: Path) -> str:
    return file.resolve().relative_to(root.resolve()).as_posix()


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
