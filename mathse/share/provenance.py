"""What an export was made from, in one file: `lineage.json`.

The commit and what `dvc.lock` says of the mix and of the tables it was joined with; SHA-256 of the files as they were
read; models, prompts with their text, judges and sources, each with its number of rows. No times and no machine's
names: the same run gives the same bytes.

Sample: `{"format": "mathse-export", "version": 2, "mix": "final", "git": {"commit": "5e8e11f...", "clean": true}, ...}`
"""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mathse import layout
from mathse.look import dvc_lock
from mathse.look.dvc_lock import LockError
from mathse.look.git import git
from mathse.loop.ask import prompts
from mathse.share.columns import FORMAT, VERSION
from mathse.share.counts import Counts
from mathse.share.rows import Mix
from mathse.sources.licences import stated
from mathse.tables.files import sha256

LINEAGE = "lineage.json"
_PACKAGES = ("mathse", "datasets", "duckdb", "pyarrow")


def lineage(
    root: Path, mix: Mix, counts: Counts, everything: bool, selection: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Gather it.

    Args:
        everything: Whether licences were overridden.
        selection: What the rows were chosen by, where not all of the mix are shared.
    """
    tables = [mix.file, *mix.tables.values(), root / layout.IMAGES]
    files = {file.relative_to(root).as_posix(): file for file in tables}  # `data` may be a link to another disk
    try:
        lock = dvc_lock.read(root)
        outputs = [lock.source(path) for path in files]
    except LockError:
        outputs = []
    return {
        "format": FORMAT,
        "version": VERSION,
        "mix": mix.name,
        "trains": mix.trains,
        **({"selection": dict(selection)} if selection else {}),
        "rows": counts.rows,
        "excluded": dict(counts.excluded),
        "licences_overridden": everything and counts.unshareable > 0,
        "git": commit(root),
        "stage": outputs[0].stage if outputs and outputs[0] else None,
        "dvc": {output.path: output.md5 for output in outputs if output},
        "files": {path: sha256(file) for path, file in files.items()},
        **counted(counts),
        "packages": {package: version(package) for package in _PACKAGES},
    }


def counted(counts: Counts) -> dict[str, Any]:
    """Sources, models, judges and prompts, each with its number of rows."""
    return {
        "sources": {
            name: {"rows": rows, "licences": of_source, "stated": known.model_dump() if known else None}
            for name, rows in counts.of("source").items()
            for of_source in ([spdx for source, spdx in counts.by("source", "licence") if source == name],)
            for known in (stated(name, " AND ".join(of_source)),)
        },
        "models": counts.of("author"),
        "judges": counts.of("judge"),
        "prompts": {
            name: {"rows": rows, "text": prompts.PROMPTS.get(name)} for name, rows in counts.of("prompt_id").items()
        },
    }


def commit(root: Path) -> dict[str, Any] | None:
    """The commit, when it was made, whether nothing was changed since, and where it can be had; None outside of git."""
    head = git(root, "rev-parse", "HEAD")
    if not head:
        return None
    return {
        "commit": head,
        "date": git(root, "show", "-s", "--format=%cs", "HEAD"),
        "clean": not git(root, "status", "--porcelain", "--untracked-files=no"),
        "url": public(git(root, "config", "--get", "remote.origin.url")),
    }


def public(url: str) -> str | None:
    """A remote's address as others can use it: without a password, and none that is a folder of this machine."""
    if match := re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):(?!/)([\w./-]+?)(?:\.git)?/?", url):
        return f"https://{match[1]}/{match[2]}"
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    port = f":{parts.port}" if parts.port and parts.scheme.startswith("http") else ""
    return f"https://{parts.hostname}{port}{parts.path.removesuffix('/').removesuffix('.git')}"
