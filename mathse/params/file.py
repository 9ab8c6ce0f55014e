"""Reads params.yaml; every error names the file, the key and what is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mathse import yaml_file
from mathse.params.loop import PARAMS, Params, ParamsError
from mathse.params.sources import AdapterSource, how_to_pin

_FORMER = {  # keys of params files from before steps were named, each with what has taken its place
    "rounds": "a round is a row of `steps` and a row of `models` now",
    "reflect.after": "reflection is a row of `steps` now, whose `prev` is the step it follows",
    "train.start_from": "each row of `models` has its `start`: base, or the model before",
}
_LONGEST_VALUE = 200


def describe(error: ValidationError, file: Path, section: str = "") -> str:
    """Turn pydantic's errors into lines of `file: key: what is wrong`; `section` is where the keys begin, if below."""
    lines = []
    for item in error.errors(include_url=False):
        parts = [str(part) for part in item["loc"] if not str(part).startswith("<")]  # <...>: which of a union
        key = ".".join([section, *parts] if section else parts)
        message = item["msg"].removeprefix("Value error, ")
        value = repr(item["input"])
        value = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]} ..."
        value = "" if not key or item["type"] == "missing" else f" (found {value})"
        lines.append(f"{file}: {key + ': ' if key else ''}{message}{value}")
    return "\n".join(lines)


def load(file: Path = PARAMS, template: bool = False) -> Params:
    """Read and check a params file.

    Args:
        template: Whether it may leave open what only its user can fill in: the revision of a hub model.

    Raises:
        ParamsError: It is missing, is not YAML, has an unknown key, or a value out of bounds; names the key.
    """
    try:
        content = yaml_file.read(file)
    except FileNotFoundError as error:
        raise ParamsError(f"{file}: not found; run from the project's root, or `mathse preset default`") from error
    except yaml_file.NotYaml as error:
        raise ParamsError(f"{file}: {error}") from error
    return parse(content, file, template)


def parse(content: Any, file: Path, template: bool = False) -> Params:
    """Check what a params file holds; arguments and errors are those of `load`, `file` is what errors name."""
    if not isinstance(content, dict):
        raise ParamsError(f"{file}: must hold a mapping of sections, found {type(content).__name__}")
    for section in ("steps", "models", "orms"):
        rows = content.get(section)
        bare = [key for key in rows if not isinstance(key, str)] if isinstance(rows, dict) else []
        if bare:  # with them, DVC drops every stage of that name without a word
            raise ParamsError(
                f'{file}: {section}.{bare[0]}: put the key in quotes, "{bare[0]}": DVC drops whole-number keys'
            )
    for key, place in _FORMER.items():
        section, _, inner = key.partition(".")
        keys = content.get(section) if inner else content
        if isinstance(keys, dict) and (inner or section) in keys:
            raise ParamsError(f"{file}: {key}: {place}; presets/default.yaml has an example")
    try:
        settings = Params.model_validate(content)
    except ValidationError as error:
        raise ParamsError("\n".join([describe(error, file), *_fragments(error, content, file)])) from error
    if not template:
        _refuse_open_revisions(settings, file)
    return settings


def _fragments(error: ValidationError, content: dict[Any, Any], file: Path) -> Iterator[str]:
    """Which parts of a file are fragments, pasted from a page that shows a few keys of many, and where they belong."""
    missing = [item["loc"] for item in error.errors(include_url=False) if item["type"] == "missing"]
    if any(len(place) == 1 for place in missing):
        yield (
            f"{file}: is a fragment: it has {', '.join(map(str, content))} alone; put its keys into a whole file, "
            "such as `mathse preset default` makes"
        )
        return
    for section in dict.fromkeys(str(place[0]) for place in missing if len(place) == 2):
        if isinstance(content[section], dict):
            yield (
                f"{file}: {section}: is a fragment; put {', '.join(map(str, content[section]))} into the section as a "
                f"preset has it (presets/default.yaml), beside its other keys"
            )
    for item in error.errors(include_url=False):
        if item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
            key = str(item["loc"][0])
            if sections := [
                name
                for name, field in Params.model_fields.items()
                if isinstance(field.annotation, type) and key in getattr(field.annotation, "model_fields", {})
            ]:
                yield f"{file}: {key}: is a key of {' and of '.join(sections)}; indent it below that section"


def _refuse_open_revisions(settings: Params, file: Path) -> None:
    """What a preset leaves open has to be filled in before a run."""
    open_places = [] if settings.base.is_filled_in else [("base", settings.base.source)]
    for place, source in enumerate(settings.problems.sources):
        if isinstance(source, AdapterSource) and not source.is_filled_in:
            open_places.append((f"problems.sources.{place}", f"datasets/{source.repository}"))
    for key, hub_id in open_places:
        raise ParamsError(f"{file}: {key}.revision: put in a commit's 40 hex digits; {how_to_pin(hub_id)}")
