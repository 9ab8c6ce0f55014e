"""An optimizer's state beside the weights of its model: a training that goes on from them takes it up.

Moments and momentum are taken up as they were left, and the step counters with them: Adam's correction is for moments
that began at zero (arXiv 1412.6980, section 3), and these did not. The schedule of the learning rate begins anew, with
its warm-up. M-STaR's rounds go on so (arXiv 2412.17451), and gain more than with a new optimizer.

Sample, tensors of `models/0/optimizer/state.safetensors`: `model.language_model.norm.weight/exp_avg`, `.../exp_avg_sq`,
`.../step` (AdamW), `model.language_model.layers.0.mlp.up_proj.weight/momentum` (Muon)
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mathse.errors import UserError
from mathse.loop.ask.engines.local.fingerprint import OPTIMIZER

STATE = Path(OPTIMIZER) / "state.safetensors"
"""Of a model's folder."""
_ADAM, _MUON = frozenset({"step", "exp_avg", "exp_avg_sq"}), frozenset({"momentum"})


class OptimizerMismatch(UserError):
    """A start model has left no state of its optimizer, or one that does not fit the training."""


def write(folder: Path, optimizer: Any, model: Any) -> None:
    """Write the state into a model's folder.

    Args:
        optimizer: AdamW or Muon, that has trained `model`.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    state = {
        f"{names[id(parameter)]}/{key}": value.detach().cpu().contiguous()
        for parameter, values in optimizer.state.items()
        for key, value in values.items()
    }
    (folder / STATE).parent.mkdir()
    save_file(state, folder / STATE, metadata={"format": "pt"})


def take_up(start: Path, optimizer: torch.optim.Optimizer, model: Any) -> None:
    """Give an optimizer the state that the start's has left; a parameter that never had a gradient begins anew.

    Args:
        start: Folder of the start model.
        optimizer: AdamW or Muon; changed in place.

    Raises:
        OptimizerMismatch: There is none, or it is of another optimizer, of other parameters, or of other shapes.
    """
    file = state_file(start)
    try:
        saved = load_file(file)
    except (SafetensorError, OSError) as error:
        raise OptimizerMismatch(f"{file}: damaged ({error}); `dvc repro` makes it anew") from error
    states: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in saved.items():
        name, _, kind = key.rpartition("/")
        states.setdefault(name, {})[kind] = tensor
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    taken, place = {}, 0
    for group in optimizer.param_groups:
        kinds = _MUON if group.get("muon") else _ADAM
        for parameter in group["params"]:
            if state := states.pop(names[id(parameter)], None):
                alike = all(tensor.shape == parameter.shape for kind, tensor in state.items() if kind != "step")
                if state.keys() != kinds or not alike:
                    raise _mismatch(file, names[id(parameter)])
                taken[place] = state
            place += 1
    if states:
        raise _mismatch(file, min(states))
    optimizer.load_state_dict({**optimizer.state_dict(), "state": taken})


def state_file(start: Path) -> Path:
    """Where a start model's optimizer has left its state.

    Raises:
        OptimizerMismatch: It has left none.
    """
    if not (start / STATE).is_file():
        raise OptimizerMismatch(
            f"{start / STATE}: not found, and `optimizer: kept` takes it up; write `keep_optimizer: true` in the "
            "section of params that trains this model, or `optimizer: new`"
        )
    return start / STATE


def _mismatch(file: Path, parameter: str) -> OptimizerMismatch:
    return OptimizerMismatch(
        f"{file}: does not fit {parameter}: it is of another optimizer, or of other trained weights; train both alike "
        "(matrix_learning_rate, freeze_vision), or write `optimizer: new`"
    )
