"""Times the steps of a training: how long each takes, what it computes, and how long it waits for its batch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.gpu import flops

from trl import DPOTrainer, SFTTrainer  # isort: skip  after `flops`, which makes torchvision importable

WARM_UP = 3
"""First steps of a run that are not measured."""


@dataclass(frozen=True)
class Speed:
    """What was measured of a run's steps after the first.

    Attributes:
        step: Seconds per step.
        wait: Seconds per step in which nothing was computed because the batch was not there yet.
        tokens: Tokens per second, padding not counted.
        flops: Floating-point operations per second that the model needs.
        peak: The most bytes that torch had allocated on the GPU at once; on a CPU 0.
    """

    step: float
    wait: float
    tokens: float
    flops: float
    peak: int


class Steps:
    """Notes when each step of a training begins, what it waits for, and on what it computes.

    A step begins when its batch is fetched, with the GPU idle.
    """

    def __init__(self, count: int) -> None:
        """Note from now on, in every trainer of TRL's.

        Args:
            count: Steps of a run.
        """
        self._count, self._began, self._waited = count, list[float](), list[float]()
        self._inputs = list[tuple[int, Any, Any]]()
        for kind in (SFTTrainer, DPOTrainer):
            self._note(kind)

    def _note(self, kind: Any) -> None:
        fetch, compute = kind.get_batch_samples, kind.training_step

        def fetching(trainer: Any, *given: Any, **named: Any) -> Any:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self._began.append(time.perf_counter())
            batch = fetch(trainer, *given, **named)
            self._waited.append(time.perf_counter() - self._began[-1])
            return batch

        def computing(trainer: Any, model: Any, inputs: Any, *given: Any, **named: Any) -> Any:
            rows, patches = inputs["attention_mask"].sum(1), inputs["image_grid_thw"].prod(-1)
            self._inputs.append((len(self._began) - 1, rows, patches))
            return compute(trainer, model, inputs, *given, **named)

        kind.get_batch_samples, kind.training_step = fetching, computing

    def measure(self, run: Callable[[], None], needs: flops.Needs) -> Speed:
        """Do a run and say how fast it was; its last step ends unseen and is not measured.

        Raises:
            SystemExit: It took another number of steps.
        """
        for noted in (self._began, self._waited, self._inputs):
            noted.clear()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        run()
        if len(self._began) != self._count:
            raise SystemExit(f"{len(self._began)} steps were taken, not {self._count}")
        last = self._count - 1
        seconds = self._began[last] - self._began[WARM_UP]
        batches = [(rows.tolist(), patches.tolist()) for step, rows, patches in self._inputs if WARM_UP <= step < last]
        return Speed(
            step=seconds / (last - WARM_UP),
            wait=sum(self._waited[WARM_UP:last]) / (last - WARM_UP),
            tokens=sum(sum(rows) for rows, _ in batches) / seconds,
            flops=sum(needs.flops(rows, patches) for rows, patches in batches) / seconds,
            peak=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
        )
