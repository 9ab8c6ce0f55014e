import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathse.loop.ask.engines.local import startup

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


def test_the_sites_own_start_up_module_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('the site is set up')", encoding="utf-8")
    path = os.pathsep.join([*startup.__path__, str(tmp_path), *sys.path])
    made = subprocess.run(
        [sys.executable, "-c", "import sys; print(type(sys.meta_path[0]).__name__)"],
        env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert made.stdout.splitlines() == ["the site is set up", "_BeforeTorchvision"]
