"""Put one of `presets/*.yaml` in place of params.yaml, never at the cost of edits that exist nowhere else.

A preset is a whole params file; the comment on its first line says what it is for.
"""

import os
import subprocess
from pathlib import Path

from mathse import params
from mathse.errors import UserError

PRESETS = Path("presets")


class PresetError(UserError):
    """A preset is unknown, or putting it in place would lose work."""


def available(root: Path) -> dict[str, str]:
    """Presets by name, each with the comment that opens it."""
    return {file.stem: _summary(file) for file in sorted((root / PRESETS).glob("*.yaml"))}


def _summary(file: Path) -> str:
    """The comment at the head of a file, in one line."""
    comment = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return " ".join(comment)


def put(name: str, root: Path, force: bool = False) -> str:
    """Put a preset in place of params.yaml.

    Args:
        name: File name of the preset without its ending.
        root: The project's root.
        force: Whether to overwrite edits that git does not have.

    Returns:
        What was done, in one line.

    Raises:
        PresetError: There is no such preset, or params.yaml has uncommitted edits and `force` is off.
        ParamsError: The preset itself is broken; params.yaml stays as it was.
    """
    known = available(root)
    if name not in known:
        raise PresetError(f"no preset {name!r} in {root / PRESETS}; there are: {', '.join(known) or 'none'}")
    source, target = root / PRESETS / f"{name}.yaml", root / params.PARAMS
    params.load(source, template=True)
    content = source.read_bytes()
    if target.exists():
        if target.read_bytes() == content:
            return f"{target} already is the preset {name}"
        if not force and _would_lose_edits(target, root):
            raise PresetError(
                f"{target} has uncommitted edits; commit them (`git commit {target}`), or overwrite them "
                f"(`mathse preset {name} --force`)"
            )
    _replace(target, content)
    return f"{target} is now the preset {name}; {_next(params.load(target, template=True))}"


def _next(settings: params.Params) -> str:
    """What there is to do with a preset that has just been put in place."""
    if not settings.base.is_filled_in:
        return f"put a commit of {settings.base.source} in its base.revision, then `mathse check`"
    return "`dvc params diff` shows what changed, `dvc repro` runs it"


def _would_lose_edits(target: Path, root: Path) -> bool:
    """Whether the file's content is neither in git's last commit nor in a preset."""
    content = target.read_bytes()
    if any((root / PRESETS / f"{name}.yaml").read_bytes() == content for name in available(root)):
        return False
    committed = subprocess.run(
        ["git", "show", f"HEAD:./{target.name}"], cwd=target.parent, capture_output=True, check=False
    )
    return committed.returncode != 0 or committed.stdout != content


def _replace(target: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one."""
    fresh = target.with_name(f".{target.name}.fresh")
    fresh.write_bytes(content)
    os.replace(fresh, target)
