"""The engines by name: the modules of a folder, loaded when they are asked for, and their settings checked.

Sample: `opened("mathse.loop.ask.engines.any_role", settings.judge, "judge", surroundings)`

Whoever calls it names the folder, so that nobody depends on engines that only others may name.
"""

from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mathse.loop.ask.engines.kind import EngineKind
from mathse.loop.ask.protocol import Engine
from mathse.params import PARAMS, EngineChoice, ParamsError, describe


def opened(folder: str, choice: EngineChoice, key: str, *given: Any) -> Engine:
    """Open the engine that a section of params names.

    Args:
        folder: The package of engines that it is one of.
        choice: The section.
        key: The section's place in params.
        given: What this folder's engines are opened with, beside their settings.

    Raises:
        ParamsError: The engine's own settings are not what it takes; names the key.
        UserError: The engine cannot be opened.
    """
    kind = _kind(folder, choice.engine)
    own_key = kind.name in type(choice).model_fields
    settings = getattr(choice, kind.name) if own_key else choice.options
    try:
        checked = TypeAdapter(kind.settings).validate_python(settings)
    except ValidationError as error:
        takes = ", ".join(getattr(kind.settings, "model_fields", ())) or "none"
        place = f"{key}.{kind.name if own_key else 'options'}"
        raise ParamsError(f"{describe(error, PARAMS, place)}\n{place}: engine {kind.name} takes: {takes}") from error
    return kind.open(checked, *given)


def _kind(folder: str, name: str) -> EngineKind[Any, ...]:
    declared = getattr(import_module(f"{folder}.{name}"), "ENGINE", None)
    if not isinstance(declared, EngineKind) or declared.name != name:
        raise TypeError(f"{folder}.{name}: its ENGINE must be an EngineKind named {name!r}")
    return declared
