"""Muon: momentum whose update of a matrix is made orthogonal, so that every direction of it is learnt at the same pace.

Used for the tiny base, which stays far longer on the plateau before reading under AdamW (docs/LOG.md). The method is
Keller Jordan's (https://kellerjordan.github.io/posts/muon/): momentum 0.95 with Nesterov's step, five Newton-Schulz
iterations with the coefficients published there, and a rate that grows with the root of rows over columns. Torch's own
`torch.optim.Muon` iterates in bfloat16, which CPUs without its instructions only emulate; here it is float32, and
matrices of one shape go through the iteration together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from mathse.params import Train

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon(torch.optim.AdamW):
    """Muon for matrices within the network, AdamW for all else (embeddings, biases, norms)."""

    def __init__(
        self, parameters: Iterable[tuple[str, nn.Parameter]], lr: float, matrix_lr: float, beta2: float, decay: float
    ) -> None:
        """Sort a model's parameters into both kinds.

        Args:
            parameters: By name.
            lr: Rate of what AdamW updates.
            matrix_lr: Rate of what Muon updates: the change's spectral norm, about.
            beta2: AdamW's second moment.
            decay: AdamW's weight decay; Muon's matrices have none.
        """
        every = list(parameters)
        # A matrix between two layers is Muon's; an embedding is rows of their own.
        within = [p.ndim >= 2 and "embed_tokens" not in name and "lm_head" not in name for name, p in every]
        matrices = [p for (_, p), between in zip(every, within, strict=True) if between]
        rest = [p for (_, p), between in zip(every, within, strict=True) if not between]
        groups = [{"params": rest, "muon": False}, {"params": matrices, "muon": True, "lr": matrix_lr}]
        super().__init__(groups, lr=lr, betas=(0.9, beta2), weight_decay=decay)

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update all parameters once; used gradients of matrices are set to None."""
        for group in self.param_groups:
            if group["muon"]:
                self._step_matrices(group["params"], group["lr"])
        return super().step(closure)  # skips parameters without a gradient

    def __setstate__(self, state: dict[str, Any]) -> None:
        torch.optim.Optimizer.__setstate__(self, state)  # AdamW's looks for its own step in the matrices' states

    @torch.no_grad()
    def _step_matrices(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        by_shape: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
        for p in parameters:
            if p.grad is not None:
                by_shape[p.shape[0], p[0].numel()].append(p)
        for (rows, columns), alike in by_shape.items():
            updates = orthogonal(torch.stack([self._nesterov(p).reshape(rows, columns) for p in alike]))
            for p, update in zip(alike, updates, strict=True):
                p.add_(update.reshape(p.shape), alpha=-rate * max(1.0, rows / columns) ** 0.5)
                p.grad = None

    def _nesterov(self, parameter: nn.Parameter) -> Tensor:
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        momentum: Tensor = state.setdefault("momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(momentum, _MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrix to each, roughly: singular values end between 0.7 and 1.2.

    Args:
        matrices: `(how many, rows, columns)`, float32.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def optimizer_of(model: Any, settings: Train) -> torch.optim.Optimizer | None:
    """Muon, if the settings give its rate; else None: the AdamW that the trainer makes."""
    if settings.matrix_learning_rate is None:
        return None
    return Muon(
        model.named_parameters(),
        settings.learning_rate,
        settings.matrix_learning_rate,
        settings.beta2,
        settings.weight_decay,
    )
