import pytest
import torch
from torch import nn

from mathse.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 24, 8), (2, 8, 24), (1, 1, 5)])
def test_singular_values_end_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    made = orthogonal(torch.randn(shape))
    values = torch.linalg.svdvals(made)
    assert made.shape == shape
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_directions_are_kept() -> None:
    torch.manual_seed(0)
    one = torch.randn(1, 6, 6)
    left, _, right = torch.linalg.svd(one)
    turned = left.mT @ orthogonal(one) @ right.mT
    assert torch.allclose(turned, torch.diag_embed(torch.diagonal(turned, dim1=1, dim2=2)), atol=1e-3)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({"embed_tokens": nn.Embedding(5, 8), "one": nn.Linear(8, 8), "two": nn.Linear(8, 3)})


def optimizer(made: nn.Module, lr: float = 1e-3, matrix_lr: float = 0.01) -> Muon:
    return Muon(made.named_parameters(), lr, matrix_lr, beta2=0.95, decay=0.0)


def backward(made: nn.Module) -> float:
    assert isinstance(made, nn.ModuleDict)
    tokens = torch.arange(5)
    logits = made["two"](torch.tanh(made["one"](made["embed_tokens"](tokens))))
    loss = nn.functional.cross_entropy(logits, tokens % 3)
    loss.backward()
    return float(loss.detach())


def test_only_matrices_between_layers_are_muons() -> None:
    made = model()
    groups = optimizer(made).param_groups
    names = {parameter: name for name, parameter in made.named_parameters()}
    assert [names[p] for p in groups[1]["params"]] == ["one.weight", "two.weight"]
    assert [names[p] for p in groups[0]["params"]] == ["embed_tokens.weight", "one.bias", "two.bias"]


def test_a_step_changes_a_matrix_by_its_rate_in_every_direction() -> None:
    made = model()
    before = made["one"].weight.detach().clone()  # type: ignore[index]
    one = optimizer(made, matrix_lr=0.01)
    backward(made)
    one.step()
    values = torch.linalg.svdvals(before - made["one"].weight.detach())  # type: ignore[index]
    assert values[:3].min() > 0.004  # the gradient of five tokens and three classes has few directions
    assert values.max() < 0.013


def test_rates_of_zero_change_nothing() -> None:
    made, same = model(), model()
    one = optimizer(made, lr=0.0, matrix_lr=0.0)
    backward(made)
    one.step()
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), same.parameters(), strict=True))


def test_a_parameter_without_a_gradient_stays() -> None:
    made = model()
    before = [parameter.detach().clone() for parameter in made.parameters()]
    optimizer(made).step()
    assert all(torch.equal(a, b) for a, b in zip(before, made.parameters(), strict=True))


def test_training_lowers_the_loss() -> None:
    made = model()
    one = optimizer(made, lr=0.01, matrix_lr=0.05)
    losses = []
    for _ in range(60):
        losses.append(backward(made))
        one.step()
        one.zero_grad()
    assert losses[-1] < 0.1 * losses[0]
