"""Runs first in every Python process that has this folder on its PYTHONPATH: makes torchvision importable there.

Python imports a module of this name at start-up. Processes that a library starts (vLLM's, for one) do not run our code
before their own imports; `mathse.loop.ask.engines.local.vision.guard_children` puts this folder on their path, where it
is needed at all. A module of this name that the site has itself is run as if this one were not there.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Declares torchvision's operators when it is about to be imported: not earlier, as that takes torch."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing; the guard is what this is for."""
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            from mathse.loop.ask.engines.local.vision import guard

            guard()
        return None


sys.meta_path.insert(0, _BeforeTorchvision())

_here = Path(__file__).resolve().parent
_sites_own = PathFinder.find_spec("sitecustomize", [folder for folder in sys.path if Path(folder).resolve() != _here])
if _sites_own and _sites_own.loader:
    _sites_own.loader.exec_module(importlib.util.module_from_spec(_sites_own))
