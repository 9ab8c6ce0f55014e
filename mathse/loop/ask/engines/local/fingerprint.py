"""The content hash by which a model is known: in path rows, journal keys and lineage files; and writing the latter.

Two folders with the same weights, configuration, tokenizer, processor and (if any) code have the same fingerprint,
wherever they lie. What only describes a model (its lineage file, a README), or went into its training (the optimizer's
state), does not count.

Sample: `models/0` -> `5f0c1d7a4f6e0f3b8f0f0c0a8f3d2b1e`
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mathse.errors import UserError
from mathse.tables.files import sha256, write_json
from mathse.tables.schemas import content_id

LINEAGE = "lineage.json"
"""Name of the file beside the weights that says how they came to be."""

OPTIMIZER = "optimizer"
"""Name of the folder beside the weights with the state of the optimizer that trained them, if it was kept."""

DECISIVE = frozenset({".safetensors", ".json", ".txt", ".jinja", ".model", ".py"})
"""Suffixes of the files that decide what a model writes."""


class ModelMissing(UserError):
    """A folder that should hold a model does not."""


def model_fingerprint(folder: Path) -> str:
    """Hash the files of a model that decide what it writes.

    Returns:
        32 hex digits, a hash of the sorted pairs of file name and SHA-256.

    Raises:
        ModelMissing: The folder is not there, or holds no configuration or no safetensors weights.
    """
    require_model(folder)
    hashes = []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        beside = path.name == LINEAGE or place.parts[0] == OPTIMIZER
        if path.suffix in DECISIVE and not beside and not hidden and path.is_file():
            hashes.append([place.as_posix(), sha256(path)])
    return content_id("model", hashes)


def write_lineage(folder: Path, origin: Mapping[str, Any]) -> str:
    """Write the lineage file of a finished model: what it was made from, and its own fingerprint as `model`.

    `origin` holds JSON values, and no times and no commit, so that the same making writes the same bytes.

    Returns:
        The fingerprint.
    """
    fingerprint = model_fingerprint(folder)
    write_json(folder / LINEAGE, {**origin, "model": fingerprint})
    return fingerprint


def require_model(folder: Path) -> None:
    """Check that a folder holds a model.

    Raises:
        ModelMissing: It does not; says what is missing and how to make it.
    """
    remedy = f"`dvc repro` makes it, by the stage in dvc.yaml whose output is {folder.as_posix()}"
    if not folder.is_dir():
        raise ModelMissing(f"{folder}: there is no such model folder; {remedy}")
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"{folder}: not a model folder, config.json is missing; {remedy}")
    if not any(folder.glob("*.safetensors")):
        raise ModelMissing(f"{folder}: holds no *.safetensors weights; {remedy}")
