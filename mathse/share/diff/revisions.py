"""A dataset as it was at a git revision, or is in another repository: found in DVC's cache, or fetched from its remote.

Nothing of the working tree is touched: DVC reads the revision's dvc.lock from git.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from mathse.share.diff.sides import DiffError


@dataclass(frozen=True)
class Origin:
    """Where a dataset is looked for.

    Attributes:
        root: The project's root, to which relative names belong.
        repo: Another project: its folder or a git URL; None for this one.
        revision: A git revision of it; None for what lies there now.
    """

    root: Path
    repo: str | None = None
    revision: str | None = None


def fetch(origin: Origin, place: Path, name: str, scratch: Path) -> Path:
    """Bring a dataset's file.

    Args:
        origin: The project (this one, a folder, a git URL) and the revision.
        place: Where the file lies in the project.
        name: What the user calls it, for errors.
        scratch: A folder in which a fetched file may lie.

    Returns:
        The file in DVC's cache, or the fetched one.

    Raises:
        DiffError: The repository, the revision or the file is not there, or its content cannot be had.
    """
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    where = origin.repo or str(origin.root)
    at = f"{where} at {origin.revision}" if origin.revision else where
    target = scratch / f"{len(list(scratch.iterdir()))}.parquet"
    try:
        with Repo.open(where, rev=origin.revision, uninitialized=False) as repo:
            files = repo.dvcfs
            about = files.info(place.as_posix())
            digest = (about.get("dvc_info") or {}).get("md5")
            cached = Path(repo.cache.local.oid_to_path(digest)) if digest else None
            if cached and cached.is_file():
                return cached
            files.get_file(place.as_posix(), os.fspath(target))
    except FileNotFoundError as error:
        raise DiffError(
            f"{name}: {at} has no {place.as_posix()}, or no remote that holds it; {_hint(where)}"
        ) from error
    except (DvcException, SCMError, OSError) as error:
        said = "; ".join(str(part) for part in (error, error.__cause__) if part and str(part))
        raise DiffError(f"{name}: cannot be had from {at}: {said}; {_hint(where)}") from error
    return target


def _hint(where: str) -> str:
    if "://" in where:
        return "is the address right, and may you read there?"
    return (
        f"see `git -C {where} log` for revisions, `dvc list {where} data --recursive` for data, `dvc push` to share it"
    )
