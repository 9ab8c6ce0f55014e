"""What of the run is going on: which stage, how far it is, and how long it still takes.

A running stage says so in a file (`mathse.progress.shown_in`), which goes when it ends; one that was killed leaves its
file behind, with the id of a process that is no more.

Sample: `Running(stage="paths 1", title="rollout paths, round 1", done=640, total=1646, ...)`, `remaining == 26`
"""

import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mathse import layout
from mathse.tables.files import is_running

_LARGEST = 1 << 14
"""Bytes of such a file."""


class Running(BaseModel):
    """A stage that runs, and the step of it that it is at, if that has a number."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    stage: str = Field(max_length=200)
    pid: int
    began: float
    at: float
    title: str = Field(default="", max_length=200)
    done: int = 0
    total: int = 0
    resumed: int = 0
    since: float = 0

    @property
    def share(self) -> float:
        """What is done of the step, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds(self) -> int:
        """How long the stage has been running."""
        return max(0, round(time.time() - self.began))

    @property
    def remaining(self) -> int | None:
        """Seconds that the step still takes at its speed so far; None where that cannot be said yet."""
        rate = (self.done - self.resumed) / max(self.at - self.since, 1e-3)
        if rate <= 0 or self.total <= self.done:
            return None
        return max(0, round((self.total - self.done) / rate - (time.time() - self.at)))


def running(root: Path) -> list[Running]:
    """The stages that run now, the one that began first in front."""
    stages = []
    for file in sorted((root / layout.running("any")).parent.glob("[!.]*.json")):
        try:
            with file.open("rb") as content:
                stage = Running.model_validate_json(content.read(_LARGEST))
        except (OSError, ValidationError):  # gone meanwhile, or not ours
            continue
        if is_running(str(stage.pid)) and _is_stage(stage.pid):
            stages.append(stage)
    return sorted(stages, key=lambda stage: stage.began)


def duration(seconds: int | None) -> str:
    """Seconds as people read them: `0:26`, `1:02:03`."""
    if seconds is None:
        return ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _is_stage(pid: int) -> bool:
    """Whether a process is a stage; another one may have got the id of a stage that was killed."""
    try:
        return b"stages" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False
