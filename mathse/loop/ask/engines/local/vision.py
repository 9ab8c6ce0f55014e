"""Lets torchvision be imported beside a torch build that it was not compiled for.

torchvision's Python code declares shapes for its compiled operators `nms` and `qnms` at import. Where its compiled
library cannot be loaded (a CUDA build of torchvision beside a CPU build of torch), that import dies with `operator
torchvision::nms does not exist`, and every vision processor with it. No image transform needs these operators, so
declaring them is enough. On a matching pair of builds this module does nothing.
"""

import importlib.util
import os
from contextlib import suppress
from pathlib import Path

import torch

OPERATORS = ("nms", "qnms")
_libraries: list[torch.library.Library] = []  # an operator's declaration lives as long as its library object


def guard() -> None:
    """Declare torchvision's operators if nothing else does; call it before importing transformers' vision parts."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    with suppress(OSError):
        torch.ops.load_library(str(Path(spec.origin).with_name("_C.so")))
    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in missing:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)


def guard_children() -> None:
    """Let the processes that this one starts import torchvision too; does nothing where it can be imported anyway.

    vLLM's processes import it before they load any plugin, so `startup/sitecustomize.py` declares the operators there.
    """
    if not _libraries:
        return
    folders = [str(Path(__file__).with_name("startup")), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))
