"""Put one of `presets/*.yaml` in place of params.yaml, never at the cost of edits that exist nowhere else.

A preset is a whole params file; the comment on its first lines says what it is for.
"""

from itertools import takewhile
from pathlib import Path

from mathse import params
from mathse.errors import UserError
from mathse.look.git import git
from mathse.tables.files import replaced

PRESETS = Path("presets")


class PresetError(UserError):
    """A preset is unknown, or putting it in place would lose work."""


def available(root: Path) -> dict[str, str]:
    """Presets by name, each with the comment that opens it, in one line."""
    summaries = {}
    for file in sorted((root / PRESETS).glob("*.yaml")):
        opening = takewhile(lambda line: line.startswith("#"), file.read_text(encoding="utf-8").splitlines())
        summaries[file.stem] = " ".join(line.lstrip("# ") for line in opening)
    return summaries


def put(name: str, root: Path, force: bool = False) -> str:
    """Put a preset in place of params.yaml.

    Args:
        name: File name of the preset without its ending.
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
    settings = params.load(source, template=True)
    content = source.read_bytes()
    if target.exists():
        if target.read_bytes() == content:
            return f"{target} already is the preset {name}"
        presets = [(root / PRESETS / f"{other}.yaml").read_bytes() for other in known]
        committed = git(root, "rev-parse", f"HEAD:./{target.name}")
        hashed = git(root, "hash-object", "--no-filters", "--", target.name)
        is_elsewhere = target.read_bytes() in presets or (committed and committed == hashed)
        if not force and not is_elsewhere:
            raise PresetError(
                f"{target} has uncommitted edits; commit them (`git commit {target}`), or overwrite them "
                f"(`mathse preset {name} --force`)"
            )
    with replaced(target) as fresh:
        fresh.write_bytes(content)
    if settings.base.is_filled_in:
        remaining = "`dvc params diff` shows what changed, `dvc repro` runs it"
    else:
        remaining = f"put a commit of {settings.base.source} in its base.revision, then `mathse check`"
    return f"{target} is now the preset {name}; {remaining}"
