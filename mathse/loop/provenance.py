"""What a model is and what it cost, gathered from its lineage file and the reports of its mix and its training."""

import json
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.errors import UserError
from mathse.evaluation.scores import Provenance


def provenance(name: str, fingerprint: str, seconds: float) -> Provenance:
    """Gather a model's provenance.

    Args:
        name: `base`, `0`, a round's number, or `final`.
        fingerprint: Content hash of its weights.
        seconds: Wall time of its evaluation.

    Raises:
        UserError: A report of its mix or its training is missing.
    """
    if name == "base":
        return Provenance(model=name, fingerprint=fingerprint, seconds=round(seconds, 1))
    mix, training = _report(layout.mix_report(name)), _report(layout.training_report(name))
    return Provenance(
        model=name,
        train_rows=training["rows"],
        solved=mix["solved"],
        remaining=mix["remaining"],
        train_seconds=round(training["seconds"], 1),
        seconds=round(seconds, 1),
        fingerprint=fingerprint,
    )


def _report(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{file}: not found; `dvc repro` makes it") from error
    return content
