"""Which project a command is about: the one around the working directory, as with git and DVC, or that of `-C`.

Settings name files as the project's root has them, so a command works there; files that its user names are those of the
folder where the user is.
"""

import argparse
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from mathse import layout


@contextmanager
def in_project(arguments: argparse.Namespace) -> Iterator[None]:
    """Carry out a command at its project's root, which `arguments.root` then is."""
    here = Path.cwd()
    is_named = arguments.root is not None
    if not is_named:
        arguments.root = layout.project_around(here) or here
        if arguments.root == here:
            arguments.root = Path()
    else:
        arguments.root = here / arguments.root
    root: Path = arguments.root
    if root == Path() or root.resolve() == here or not root.is_dir():
        yield
        return
    for name, value in vars(arguments).items():
        if name != "root":
            setattr(arguments, name, _seen_from(here, value, root if is_named else None))
    with chdir(root):
        yield


def _seen_from(here: Path, value: Any, named: Path | None) -> Any:
    """An argument that is a file's path, or begins with that of another project; any other as it is.

    Args:
        named: The project that `-C` names: what lies in it, such as `models/0`, is meant before what lies here.
    """
    if isinstance(value, Path):
        return here / value
    if not isinstance(value, str) or not ("/" in value or Path(value).suffix):
        return value
    repo, colon, name = value.rpartition(":")
    for path, rest in ((value, ""), (repo, f"{colon}{name}")):
        try:
            if named and path and (named / path).exists():
                return value
            if path and (here / path).exists():
                return f"{here / path}{rest}"
        except (OSError, ValueError):  # too long for a name, as a query may be
            continue
    return value
