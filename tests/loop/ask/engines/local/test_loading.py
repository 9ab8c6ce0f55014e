"""A model folder that is not whole does not load: random or broken weights would write paths like any other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mathse.loop.ask.engines.local.loading import ModelDamaged, load_model, require_finite

Change = Callable[[dict[str, torch.Tensor]], object]


def changed(tiny_model: Path, folder: Path, change: Change) -> Path:
    """A copy of the tiny model with other tensors, and one of them by name."""
    copy = folder / "model"
    shutil.copytree(tiny_model, copy)
    file = copy / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return copy


def middle(tensors: dict[str, torch.Tensor]) -> str:
    return sorted(name for name in tensors if name.endswith("q_proj.weight"))[0]


def test_a_whole_folder_loads(tiny_model: Path) -> None:
    load_model(tiny_model, "float32", "cpu")
    require_finite(tiny_model)


def test_a_folder_that_lacks_a_tensor_does_not_load(tiny_model: Path, tmp_path: Path) -> None:
    folder = changed(tiny_model, tmp_path, lambda tensors: tensors.pop(middle(tensors)))
    with pytest.raises(ModelDamaged, match=r"model: 1 tensors of the model are not in its files.*random; make the"):
        load_model(folder, "float32", "cpu")


def test_a_tensor_of_another_shape_does_not_load(tiny_model: Path, tmp_path: Path) -> None:
    def shorten(tensors: dict[str, torch.Tensor]) -> None:
        tensors[middle(tensors)] = tensors[middle(tensors)][1:].clone()

    with pytest.raises(ModelDamaged, match="model: "):
        load_model(changed(tiny_model, tmp_path, shorten), "float32", "cpu")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_do_not_load(tiny_model: Path, tmp_path: Path, value: float) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors[middle(tensors)][0, 0] = value

    folder = changed(tiny_model, tmp_path, spoil)
    with pytest.raises(ModelDamaged, match=r"model: the weights .*q_proj\.weight hold NaN or infinity; make"):
        load_model(folder, "float32", "cpu")
    with pytest.raises(ModelDamaged, match="hold NaN"):  # before vLLM would load them
        require_finite(folder)


def test_a_file_that_was_cut_does_not_load(tiny_model: Path, tmp_path: Path) -> None:
    folder = changed(tiny_model, tmp_path, lambda _: None)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelDamaged, match="model: cannot be loaded"):
        load_model(folder, "float32", "cpu")
    with pytest.raises(ModelDamaged, match=r"model\.safetensors: cannot be read"):
        require_finite(folder)
