"""What people call a dataset, and the Parquet file it is.

    mix@1, mix@final, mix@orm      what trained a model              problems, images, rejects
    paths@1, paths@distill         a step's paths                    feedback, held_out (the ORM's)
    verdicts@2, verdicts@reflect   a step's verdicts                 round_1_paths, orm_mix: any view of `mathse query`
    predictions@final              a model's test predictions        data/mix/1.parquet: any Parquet file
    2, 0, final                    all of a round: its paths, verdicts, mix and predictions

Each may be that of another place, `../clone:mix@1` or `https://host/project.git:mix@1`, and of a revision.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mathse.share.diff.revisions import Origin, fetch
from mathse.share.diff.sides import DiffError
from mathse.tables import views

_STEPS = ("paths", "verdicts")
_ALONE = {"feedback": "orm_feedback", "held_out": "orm_held_out"}
_NAMED = re.compile(r"(?P<kind>mix|eval|predictions|paths|verdicts|feedback|held_out)@(?P<of>\w[\w.-]*)")


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
        name: As above.
        origin: Where it is looked for, unless the name itself says so.
        scratch: A folder for what has to be fetched first.

    Raises:
        DiffError: There is none of this name, or it cannot be fetched; lists what exists.
    """
    repo, _, rest = name.rpartition(":")
    if repo:
        return find(rest, Origin(origin.root, repo, origin.revision), scratch)
    view = view_name(name)
    place = views.table_file(view)
    here = Path(origin.repo) if origin.repo and Path(origin.repo).is_dir() else origin.root
    if place is None:
        place = _file(name, origin, here)
    file = here / place
    label = _label(name, origin)
    ours = origin.repo is None or Path(origin.repo).is_dir()
    if origin.revision is None and ours and file.is_file():
        return Dataset(label, file, view if views.table_file(view) else "", here)
    if origin.revision is None and ours and not (here / ".dvc").is_dir():
        raise DiffError(f"{file}: there is no {name} here; {_existing(here)}")
    try:
        return Dataset(label, fetch(origin, place, name, scratch), view, None)
    except DiffError as error:
        if origin.revision is None and ours:
            raise DiffError(f"{file}: there is no {name} here; {_existing(here)}") from error
        raise


def members(name: str) -> dict[str, str]:
    """The datasets that a name stands for, by kind: all of a round's, if it is a model's, or the one.

    Sample: `2` -> paths@2, verdicts@2, mix@2, predictions@2; `0` -> paths@distill, ...; `mix@1` -> mix@1
    """
    repo, colon, model = name.rpartition(":")
    if not (model.isdecimal() or model in ("base", "final")):
        return {"": name}
    step = {"0": "distill", "final": "reflect", "base": ""}.get(model, model)
    whole = {"paths": step, "verdicts": step, "mix": step and model, "predictions": model}
    return {kind: f"{repo}{colon}{kind}@{of}" for kind, of in whole.items() if of}


def view_name(name: str) -> str:
    """The view that a name such as `paths@1` stands for."""
    if name in _ALONE:
        return _ALONE[name]
    found = _NAMED.fullmatch(name)
    if not found:
        return name
    kind, of = found["kind"], found["of"]
    if of in ("orm", "student"):
        return f"{of}_{kind}"
    if kind in _STEPS:
        return f"{of}_{kind}" if of in ("distill", "reflect") else f"round_{of}_{kind}"
    return f"mix_{of}" if kind == "mix" else f"eval_{of}"


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
    names = [_short(view) for view in views.all_tables(root)]
    return (
        f"there are {', '.join(names)}" if names else f"{root.resolve()} has no tables yet; `dvc checkout` brings them"
    )


def _short(view: str) -> str:
    """The name that people use for a view."""
    for pattern, short in (
        (r"mix_(.+)", r"mix@\1"),
        (r"eval_(.+)", r"predictions@\1"),
        (r"(?:round_)?(\w+)_(paths|verdicts|mix)", r"\2@\1"),
    ):
        if re.fullmatch(pattern, view):
            return re.sub(f"^{pattern}$", short, view)
    return view


def _label(name: str, origin: Origin) -> str:
    at = ", ".join(part for part in (origin.repo, origin.revision) if part)
    return f"{name} ({at})" if at else name
