"""The optimizer that a training's settings ask for, where it is not the trainer's own."""

from typing import Any

import torch

from mathse.params import Train
from mathse.training.muon import Muon


class ResumableMuon(Muon):
    """Muon whose state can be read back from a checkpoint."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        torch.optim.Optimizer.__setstate__(self, state)  # AdamW's looks for its own step in the matrices' states


def optimizer_of(model: Any, settings: Train) -> torch.optim.Optimizer | None:
    """Muon, if the settings give its rate; else None: the AdamW that the trainer makes.

    Args:
        model: What is trained.
        settings: Both rates, the second moment and the weight decay.
    """
    if settings.matrix_learning_rate is None:
        return None
    return ResumableMuon(
        model.named_parameters(),
        settings.learning_rate,
        settings.matrix_learning_rate,
        settings.beta2,
        settings.weight_decay,
    )
