"""The file beside a model's weights that says exactly what made it: start model, mix, settings, seed, packages.

Sample, `models/0/lineage.json` (keys sorted, no times, so that the same training writes the same bytes):

    {"mix": {"file": "data/mix/0.parquet", "hash": "5d41...", "rows": 212}, "model": "7d79...", "seed": 1,
     "start": {"fingerprint": "9f86...", "folder": "models/base"}, "packages": {"torch": "2.13.0", ...}, ...}
"""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mathse.fingerprint import LINEAGE, model_fingerprint

PACKAGES = ("torch", "transformers", "trl")


def write_lineage(folder: Path, made_from: Mapping[str, Any]) -> str:
    """Write the lineage file of a finished model.

    Args:
        folder: Holds the model's weights and processor.
        made_from: What it was made from: JSON values; the model's own fingerprint and package versions are added, the
            versions unless they are among them.

    Returns:
        The model's fingerprint.
    """
    fingerprint = model_fingerprint(folder)
    lineage = {"packages": versions(PACKAGES), **made_from, "model": fingerprint}
    text = json.dumps(lineage, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / LINEAGE).write_text(text + "\n", encoding="utf-8")
    return fingerprint


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages, by name."""
    return {package: version(package) for package in packages}
