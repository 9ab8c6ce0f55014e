"""Checkpoints from which a killed training goes on, and ends with the weights of one that was never killed.

They lie outside DVC's outputs, in `.mathse/checkpoints/<model>/<hash of everything that decides the training>/`, and
are removed when the model is done. A checkpoint counts once its list of files is beside it; one whose files do not
match their list (half-written, or damaged since) is removed, and the one before it is used.

Weights are safetensors. Optimizer and random states are torch's own files, read by `torch.load(weights_only=True)`, and
only after they have matched the list that this program wrote.

Sample, `complete.json` in `checkpoint-40/`: `{"optimizer.pt": "9f86d081...", "trainer_state.json": "2c26b46b..."}`
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mathse.processes import are_several, is_first
from mathse.tables.files import sha256, write_json
from mathse.tables.schemas import content_id

log = logging.getLogger(__name__)

COMPLETE = "complete.json"
"""Name of the list of a checkpoint's files with their SHA-256."""
KEPT = 2
"""How many checkpoints are kept: the newest may be half-written."""


class Checkpoints:
    """The checkpoints of one training; where several processes train, all of them call the same methods in turn."""

    def __init__(self, of_model: Path, decided_by: Mapping[str, Any]) -> None:
        """Name their folder.

        Args:
            of_model: Holds the checkpoints of one model, of any settings.
            decided_by: Everything that decides the training: JSON values.
        """
        self._of_model = of_model
        self.folder = of_model / content_id("training", json.dumps(decided_by, sort_keys=True))

    def newest(self) -> Path | None:
        """The newest checkpoint that is whole, if there is one; changes nothing on disk."""
        return next((folder for folder in self._newest_first() if _is_whole(folder)), None)

    def remove_newer(self, than: Path | None) -> None:
        """Remove what a kill left half-written, and what has changed since it was written: all that is newer."""
        for folder in self._newest_first():
            if folder == than:
                return
            log.warning("%s: left out, not whole", folder)
            shutil.rmtree(folder)

    def complete(self, step: int) -> None:
        """Note that the checkpoint of a step is written in full."""
        folder = self.folder / f"checkpoint-{step}"
        hashes = _hashes(folder)
        if is_first():
            write_json(folder / COMPLETE, hashes)

    def remove(self) -> None:
        """Remove all checkpoints of the model, those of other settings included."""
        shutil.rmtree(self._of_model, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*"), key=lambda folder: -int(folder.name.rpartition("-")[2]))


def _is_whole(folder: Path) -> bool:
    try:
        listed = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(listed == _hashes(folder))


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of a checkpoint's files; several processes share out the reading, so all of them must ask."""
    files = [file for file in folder.rglob("*") if file.is_file() and COMPLETE not in file.name]
    if not are_several():
        return {file.relative_to(folder).as_posix(): sha256(file) for file in sorted(files)}
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState()
    files.sort(key=lambda file: (-file.stat().st_size, file))  # each process's shards are alike in size
    own = files[state.process_index :: state.num_processes]
    parts = gather_object([{file.relative_to(folder).as_posix(): sha256(file) for file in own}])
    return {name: value for part in parts for name, value in part.items()}
