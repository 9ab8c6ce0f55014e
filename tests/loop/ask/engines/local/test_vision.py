import subprocess
import sys

import pytest

GUARDED = """
from mathse.loop.ask.engines.local import vision
vision.guard()
import torchvision.transforms.v2
print(len(vision._libraries))
"""
PRESENT = """
import torch
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from mathse.loop.ask.engines.local import vision
vision.guard()
print(len(vision._libraries))
"""


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_torchvision_can_be_imported() -> None:
    assert run(GUARDED) in {"0", "1"}


@pytest.mark.slow
def test_operators_that_are_there_are_left_alone() -> None:
    assert run(PRESENT) == "0"
