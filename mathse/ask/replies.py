"""The JSON that a judge or a marking teacher replies with, parsed strictly.

    {"status": "WRONG", "error_step": "Step 2", "error_analysis": "calculation: 50 + 60 is not 111"}

A reply is text to be parsed, never obeyed: whatever is not exactly such an object is UNDECIDED with a reason that can
be counted. A reply that contradicts itself (CORRECT, but naming a wrong step) is undecided too.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from mathse.tables.schemas import Status

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n\s*```\s*", re.DOTALL)
T = TypeVar("T", bound=BaseModel)

_LONGEST = 20_000
"""Characters; a longer reply is no verdict."""


class NotAgreed(ValueError):
    """A reply is not the object that was asked for; the message is a reason that can be counted."""


class _Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    status: Literal["CORRECT", "WRONG"]
    error_step: str | None
    error_analysis: str | None

    @field_validator("*")
    @classmethod
    def is_text(cls, value: str | None) -> str | None:
        """JSON can escape half a character, which no table can hold."""
        if value is not None:
            value.encode()
        return value


class _Annotation(_Verdict):
    improvement_suggestion: str | None


def json_schema(annotation: bool) -> str:
    """The JSON schema of a reply, for engines that can hold a model to it.

    Args:
        annotation: Whether it has the teacher's fourth key.

    Returns:
        JSON text; every key required and no other admitted, as servers want it that check strictly.
    """
    return schema_of(_Annotation if annotation else _Verdict)


def schema_of(model: type[BaseModel]) -> str:
    """The JSON schema of a form, without the names of Python's classes and fields."""
    return json.dumps(_plain(model.model_json_schema()))


def _plain(schema: Any) -> Any:
    """A schema without the names of Python's classes and fields."""
    if not isinstance(schema, dict):
        return [_plain(one) for one in schema] if isinstance(schema, list) else schema
    return {key: _plain(value) for key, value in schema.items() if key != "title"}


class Reply(BaseModel):
    """A parsed reply; UNDECIDED with a reason where it could not be parsed."""

    model_config = ConfigDict(frozen=True)

    status: Status
    error_step: str | None = None
    error_analysis: str | None = None
    improvement_suggestion: str | None = None
    undecided_reason: str | None = None


def parse(text: str, annotation: bool = False) -> Reply:
    """Parse a reply.

    Args:
        text: What was written; one fenced code block around the object is admitted.
        annotation: Whether the teacher's fourth key, `improvement_suggestion`, is expected.
    """
    try:
        said = agreed(text, _Annotation if annotation else _Verdict)
    except NotAgreed as error:
        return _undecided(str(error).replace("the agreed", "a verdict"))
    if (said.status == "CORRECT") != (said.error_step is None):
        return _undecided("contradicts itself")
    return Reply(**said.model_dump() | {"status": Status(said.status)})


def agreed(text: str, model: type[T]) -> T:
    """The object of an agreed form that a reply is, and nothing else.

    Args:
        text: What was written; one fenced code block around the object is admitted.
        model: The form.

    Raises:
        NotAgreed: It is no such object: `not JSON` or `not the agreed object`.
    """
    fenced = _FENCE.fullmatch(text)
    try:
        said_text = fenced[1] if fenced else text
        content = json.loads(said_text, object_pairs_hook=_object) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError):  # a number of thousands of digits is a plain ValueError
        raise NotAgreed("not JSON") from None
    try:
        return model.model_validate(content)
    except ValidationError:
        raise NotAgreed("not the agreed object") from None


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, refused where it says a thing twice: which of the two was meant, nobody knows."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _undecided(reason: str) -> Reply:
    return Reply(status=Status.UNDECIDED, undecided_reason=reason)


def write(status: Status, error_step: str | None, error_analysis: str | None) -> str:
    """A verdict as the judge is trained to write it; `parse(write(...))` gives it back."""
    return json.dumps(
        {"status": status, "error_step": error_step, "error_analysis": error_analysis}, ensure_ascii=False
    )
