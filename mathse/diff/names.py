"""What people call a dataset, and the Parquet file it is.

    mix@1, mix@final, mix@orm      what trained a model              problems, images, rejects
    paths@1, paths@student         a step's paths                    feedback, held_out (the ORM's)
    verdicts@2, remaining@2        a step's verdicts, and the rest   paths_1, orm_paths: any view of `mathse query`
    predictions@final              a model's test predictions        data/mix/1.parquet: any Parquet file
    2, 0, final                    all of a step: its paths, verdicts, mix and predictions

Names of before (`paths@distill`, `verdicts@reflect`, `eval@0`) stand for the same (`mathse.report.names`). Each may be
that of another place, `../clone:mix@1` or `https://host/project.git:mix@1`, and of a revision.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mathse.diff.sides import DiffError
from mathse.look import catalogue
from mathse.look.git import git
from mathse.look.story.document import Side
from mathse.params import BASE
from mathse.report import names
from mathse.report.names import Names

WHOLE = ("paths", "verdicts", "mix", "predictions")
"""What is compared of a whole step."""


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


@dataclass(frozen=True)
class Dataset:
    """A dataset that is at hand.

    Attributes:
        label: What it is called.
        file: The Parquet file.
        view: Its name among the views; empty for a file outside of them.
        project: The project whose other tables explain it, as they lie there now; None if there is none.
    """

    label: str
    file: Path
    view: str
    project: Path | None


def find(name: str, origin: Origin, scratch: Path) -> Dataset:
    """Find a dataset.

    Args:
        origin: Where it is looked for, unless the name itself says so.
        scratch: A folder for what has to be fetched first.

    Raises:
        DiffError: There is none of this name, or it cannot be fetched; lists what exists.
    """
    repo, _, rest = name.rpartition(":")
    if repo:
        return find(rest, Origin(origin.root, repo, origin.revision), scratch)
    here = Path(origin.repo) if origin.repo and Path(origin.repo).is_dir() else origin.root
    known = names.of(here)
    view = known.view(name)
    entry = catalogue.catalogue(here, known).get(view)
    place = entry.file.relative_to(here) if entry else catalogue.place(view, known)
    of_run = place is not None
    if place is None:
        place = _file(name, origin, here)
    file = here / place
    at = ", ".join(part for part in (origin.repo, origin.revision) if part)
    label = f"{name} ({at})" if at else name
    ours = origin.repo is None or Path(origin.repo).is_dir()
    if origin.revision is None and ours and file.is_file():
        return Dataset(label, file, view if of_run else "", here)
    if origin.revision is None and ours and not (here / ".dvc").is_dir():
        raise DiffError(f"{file}: there is no {name} here; {_existing(here)}")
    former = catalogue.former_place(view, known) if of_run else None
    try:
        return Dataset(label, fetch(origin, place, name, scratch), view, None)
    except DiffError as error:
        with suppress(DiffError):  # a revision from before steps had names
            if former is not None:
                return Dataset(label, fetch(origin, former, name, scratch), view, None)
        if origin.revision is None and ours:
            raise DiffError(f"{file}: there is no {name} here; {_existing(here)}") from error
        raise


def members(name: str, known: Names) -> dict[str, str]:
    """The datasets that a name stands for, by kind: all of a step's, if it is a step's or the base, or the one.

    Sample: `2` -> paths@2, verdicts@2, mix@2, predictions@2; `mix@1` -> mix@1

    Args:
        name: What the user says.
    """
    repo, colon, model = name.rpartition(":")
    step = known.step(model)
    if model == BASE:
        kinds: tuple[str, ...] = ("predictions",)
    elif known.settings is None:
        kinds = WHOLE if step.isdecimal() or step == "final" else ()
    else:
        names = {"predictions": known.settings.measured}
        kinds = tuple(kind for kind in WHOLE if step in names.get(kind, known.settings.steps))
    return {kind: f"{repo}{colon}{kind}@{model}" for kind in kinds} or {"": name}


def elsewhere(side: Side, origin: Origin, scratch: Path) -> Side:
    """A side of a story as it is in another project, or was at a revision.

    Raises:
        DiffError: The place has no such mix. That it has no predictions is told as of any side.
    """
    at = ", ".join(part for part in (origin.repo, origin.revision) if part)
    mix = find(f"mix@{side.step}", origin, scratch).file
    predictions = side.predictions and scratch / "none.parquet"
    with suppress(DiffError):
        predictions = side.predictions and find(f"predictions@{side.model}", origin, scratch).file
    return replace(side, heading=f"{side.heading} ({at})", mix=mix, predictions=predictions)


def _file(name: str, origin: Origin, here: Path) -> Path:
    """A name that is a path; relative to the working directory, or within the other project or revision."""
    path = Path(name)
    if origin.repo or origin.revision:
        if path.suffix == ".parquet" and not path.is_absolute():
            return path
    elif path.is_file() or path.suffix == ".parquet":
        return Path(os.path.abspath(path))
    raise DiffError(f"{name}: no dataset has this name; {_existing(here)}")


def _existing(root: Path) -> str:
    tables = [entry.short for entry in catalogue.catalogue(root).values()]
    return f"there are {', '.join(tables)}" if tables else f"{root.resolve()}: {catalogue.NONE_YET}"


def fetch(origin: Origin, place: Path, name: str, scratch: Path) -> Path:
    """Bring a dataset's file as it was at a git revision, or is in another repository.

    It is found in DVC's cache, or fetched from its remote. Nothing of the working tree is touched: DVC reads the
    revision's dvc.lock from git.

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
    opened, inside = where, place
    below = git(Path(where), "rev-parse", "--show-prefix") if origin.revision and Path(where).is_dir() else ""
    if below:  # the project is a folder of another repository, and a revision is one of the whole
        opened, inside = git(Path(where), "rev-parse", "--show-toplevel"), Path(below) / place
    try:
        with Repo.open(opened, rev=origin.revision, uninitialized=bool(below), subrepos=bool(below)) as repo:
            files = repo.dvcfs
            about = files.info(inside.as_posix())
            digest = (about.get("dvc_info") or {}).get("md5")
            cached = Path((about.get("repo") or repo).cache.local.oid_to_path(digest)) if digest else None
            if cached and cached.is_file():
                return cached
            target = scratch / f"{digest or len(list(scratch.iterdir()))}.parquet"
            if not (digest and target.is_file()):  # of two steps compared whole, the story has the same tables
                files.get_file(inside.as_posix(), os.fspath(target))
    except FileNotFoundError as error:
        raise DiffError(
            f"{name}: {at} has no {place.as_posix()}, or no remote that holds it; {_hint(where)}"
        ) from error
    except (DvcException, SCMError, OSError) as error:
        reason = "; ".join(str(part) for part in (error, error.__cause__) if part and str(part))
        raise DiffError(f"{name}: cannot be had from {at}: {reason}; {_hint(where)}") from error
    return target


def _hint(where: str) -> str:
    if "://" in where:
        return "is the address right, and may you read there?"
    return (
        f"see `git -C {where} log` for revisions, `dvc list {where} data --recursive` for data, `dvc push` to share it"
    )
