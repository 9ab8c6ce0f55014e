"""Watches a training while it runs: progress, losses, checkpoints, and what it takes in time and memory.

The losses go into a table as they come, so that `dvc plots show` has them during the training. It holds no time: the
same training writes the same bytes, also if it was killed and went on.

Sample of `reports/live/0.tsv`, its columns between tabs: `step loss`, then `1 2.1875`, `3 1.9531`, ...
"""

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mathse.errors import UserError
from mathse.loop.ask.engines.local import loading  # noqa: F401  makes torchvision importable
from mathse.progress import Advance, progress
from mathse.training.batches import set_epoch
from mathse.training.checkpoints import Checkpoints
from mathse.training.job import Job

# isort: split
from transformers import TrainerCallback


class TrainingDiverged(UserError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Run:
    """One training: what it keeps besides the model.

    Attributes:
        checkpoints: Where it can go on after a kill; None: nowhere.
        live: File of the losses; None: none are written.
        job: Of the training; None: there is none, and this process does it alone.
        lengths: Tokens of each row; empty where there is no job.
    """

    checkpoints: Checkpoints | None = None
    live: Path | None = None
    job: Job | None = None
    lengths: tuple[int, ...] = ()


class Watch(TrainerCallback):  # type: ignore[misc]
    """Shows progress, writes losses, completes checkpoints, and stops a training whose loss is no number."""

    def __init__(self, title: str, run: Run, trainer: Any) -> None:
        """Watch one training, named by `title` in progress lines and errors."""
        self._title, self._run, self._trainer = title, run, trainer
        self._showing: Any = None
        self._advance: Advance
        self.resumed_at = 0
        """Steps that an earlier run had done."""
        self.seconds = 0.0
        """Wall-clock time of this run's steps."""
        self.peak_memory = 0
        """Bytes of the GPU on `cuda`, else of the machine; of several processes, of the one that needed most."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to show; write down again what an earlier run had logged."""
        self.resumed_at = state.global_step
        if state.is_world_process_zero:
            self._showing = progress(self._title, state.max_steps, state.global_step)
            self._advance = self._showing.__enter__()
            if self._run.live is not None:
                self._run.live.parent.mkdir(parents=True, exist_ok=True)
                self._run.live.write_text("step\tloss\n", encoding="utf-8")
            for logs in state.log_history:
                self._write(logs["step"], logs)
        self._began = time.monotonic()

    def on_epoch_begin(self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **_: Any) -> None:
        """See `batches.set_epoch`."""
        set_epoch(train_dataloader, int(state.epoch))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance; where a checkpoint is due, log too, so that it holds every loss up to its step."""
        if self._showing is not None:
            self._advance(1)
        if control.should_save:
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Write the loss, or stop."""
        if not math.isfinite(logs.get("loss", 0.0)):
            self._end()
            raise TrainingDiverged(
                f"{self._title}: the loss is {logs['loss']} at step {state.global_step}; lower train.learning_rate"
            )
        self._write(state.global_step, logs)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete the checkpoint once every process has written its part."""
        self._trainer.accelerator.wait_for_everyone()
        if self._run.checkpoints is not None:
            self._run.checkpoints.complete(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End what was shown and written."""
        self.seconds = time.monotonic() - self._began
        if args.device.type == "cuda":
            held = int(torch.cuda.max_memory_allocated())
        else:
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
        own = torch.tensor([held], device=args.device)
        self.peak_memory = int(self._trainer.accelerator.gather(own).max())
        self._end()

    def _write(self, step: int, logs: dict[str, float]) -> None:
        if self._showing is not None and self._run.live is not None and "loss" in logs:
            with self._run.live.open("a", encoding="utf-8") as losses:  # opened each time: a kill leaves whole lines
                losses.write(f"{step}\t{logs['loss']!r}\n")

    def _end(self) -> None:
        if self._showing is not None:
            self._showing.__exit__(None, None, None)
