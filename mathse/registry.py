"""Folders that are registries: one module per thing, which declares it; the module's name is the thing's.

names("mathse.sources.adapters")                            ->  ("chartqa", "geometry3k", ...), none of them loaded
declared("mathse.sources.adapters", "adapter", "k12", Adapter)  ->  the `ADAPTER` of k12.py
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

from mathse.errors import UserError

T = TypeVar("T")


@cache
def names(package: str) -> tuple[str, ...]:
    """The modules of a package of ours, listed and not loaded."""
    folder = Path(__file__).parent.joinpath(*package.split(".")[1:])
    return tuple(sorted(module.name for module in iter_modules([str(folder)])))


def declared(package: str, word: str, name: str, kind: type[T]) -> T:
    """What the module of this name declares.

    Args:
        word: What a thing of the folder is called, in errors; in capitals, the variable that holds it.
        kind: Its class, which has a `name`.

    Raises:
        UserError: There is no such module, or it declares another name or something else.
    """
    if name not in names(package):
        raise UserError(f"no {word} is called {name!r}; there are {', '.join(names(package))}")
    thing = getattr(import_module(f"{package}.{name}"), word.upper(), None)
    if not isinstance(thing, kind) or getattr(thing, "name", None) != name:
        raise UserError(f"{package}.{name}: its {word.upper()} must be of class {kind.__name__} and named {name!r}")
    return thing
