"""The adapters by name: the modules of `mathse/sources/adapters`, loaded when they are asked for.

Sample: `adapter("k12").read(Path("data/sources/k12"))`
"""

from importlib import import_module

from mathse.errors import UserError
from mathse.params.sources import adapter_names
from mathse.sources.adapter import Adapter


def adapter(name: str) -> Adapter:
    """The adapter of a data set.

    Raises:
        UserError: There is none of this name.
    """
    if name not in adapter_names():
        raise UserError(f"no adapter is called {name!r}; there are {', '.join(adapter_names())}")
    declared = import_module(f"mathse.sources.adapters.{name}").ADAPTER
    if not isinstance(declared, Adapter) or declared.name != name:
        raise UserError(f"mathse/sources/adapters/{name}.py: its ADAPTER must be an Adapter named {name!r}")
    return declared
