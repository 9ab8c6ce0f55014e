"""Runs first in every Python process that has this folder on its PYTHONPATH: makes torchvision importable there.

Python imports a module of this name at start-up. Processes that a library starts (vLLM's, for one) do not run our code
before their own imports; `mathse.loop.ask.engines.local.vision.guard_children` puts this folder on their path, where it
is needed at all.
"""

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
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
