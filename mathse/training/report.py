"""What a training cost and how its loss went: `reports/training/<m>.json`.

Sample: `{"model": "7d79...", "rows": 212, "steps": 140, "seconds": 48.1, "tokens_per_second": 2511.0, ...}`
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mathse.training.watch import Watch


class TrainingReport(BaseModel):
    """What a training cost and how its loss went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="Content hash of the trained model.")
    rows: int = Field(description="Rows trained on.")
    too_long: tuple[str, ...] = Field(
        description="Path ids of the rows longer than the model's context or `max_length`."
    )
    steps: int
    epochs: float
    seconds: float = Field(
        description="Wall-clock time, loading and checking included; since a kill, if there was one."
    )
    tokens: int = Field(description="Tokens seen, prompts and images included, over all epochs.")
    tokens_per_second: float = Field(description="Over the steps alone, all processes together; since a kill.")
    peak_memory: int = Field(
        description="Bytes: on CUDA the most that torch had allocated, on a CPU the process's largest resident set; of "
        "several processes the one that needed most."
    )
    final_loss: float = Field(description="Mean loss at the curve's last point.")
    loss_curve: tuple[tuple[int, float], ...] = Field(description="Pairs of step and mean loss since the last pair.")


def report(trainer: Any, model: str, rows: int, too_long: tuple[str, ...], seconds: float) -> TrainingReport:
    """What a finished training cost and how its loss went.

    Args:
        trainer: Watched by a `Watch`.
        model: Content hash of the trained model.
        rows: Rows trained on.
        too_long: Path ids of the rows left out.
        seconds: Wall-clock time of the whole.
    """
    watch = next(one for one in trainer.callback_handler.callbacks if isinstance(one, Watch))
    history = trainer.state.log_history
    before = _tokens(entry for entry in history if entry["step"] <= watch.resumed_at)
    since = _tokens(entry for entry in history if entry["step"] > watch.resumed_at)
    curve = tuple((entry["step"], entry["loss"]) for entry in history if "loss" in entry)
    return TrainingReport(
        model=model,
        rows=rows,
        too_long=too_long,
        steps=trainer.state.global_step,
        epochs=trainer.state.epoch,
        seconds=round(seconds, 3),
        tokens=before + since,
        tokens_per_second=round(since / watch.seconds, 1) if watch.seconds else 0.0,
        peak_memory=watch.peak_memory,
        final_loss=curve[-1][1],
        loss_curve=curve,
    )


def _tokens(entries: Iterable[dict[str, float]]) -> int:
    """TRL counts from zero whenever it begins, be it at a checkpoint."""
    return int(max((entry.get("num_tokens", 0) for entry in entries), default=0))
