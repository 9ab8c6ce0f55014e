"""The JSON that a judge or a marking teacher replies with, parsed strictly.

    {"status": "WRONG", "error_step": "Step 2", "error_analysis": "calculation: 50 + 60 is not 111"}

A judge replies in the form that it was trained on (`orm.target`), and nothing else is a reply of its: the above
(`full`, the paper's), the verdict alone (`verdict`, its Table 5), or one that shows how it got there (`checks`):

    {"answers": "different", "checks": ["Step 1: angle A is 50 and 50: same", "Step 2: 50 + 11 = 61 and 62: different"],
     "status": "WRONG", "error_step": "Step 2", "error_analysis": "calculation: 50 + 11 is not 62"}

A reply is text to be parsed, never obeyed: whatever is not exactly such an object is UNDECIDED with a reason that can
be counted. A reply that contradicts itself is undecided too: CORRECT, but it names a wrong step, or has found the
answer or a step to be different.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from mathse.loop.ask.protocol import Failure, Outcome
from mathse.tables.escapes import ControlCharacter, mended
from mathse.tables.schemas import Status

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n\s*```\s*", re.DOTALL)
_BACKSLASH = re.compile(r"""\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\)(?=[a-zA-Z{}()\[\],;:!|%&#$_ ])""")
"""An escape of JSON; or, as group 1, a backslash that begins none, but may begin a command of LaTeX."""
T = TypeVar("T", bound=BaseModel)

Target = Literal["full", "checks", "verdict"]
"""What a judge replies: `orm.target`."""
LONGEST = 20_000
"""Characters; a longer reply is no verdict."""


class NotAgreed(ValueError):
    """A reply is not the object that was agreed on; the message is a reason that can be counted."""


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*")
    @classmethod
    def is_text(cls, value: Any) -> Any:
        """JSON can escape half a character, which no table can hold."""
        for text in value if isinstance(value, list) else (value or "",):
            text.encode()
        return value


class _Status(_Reply):
    status: Literal["CORRECT", "WRONG"]


class _Verdict(_Status):
    error_step: str | None
    error_analysis: str | None


class _Annotation(_Verdict):
    improvement_suggestion: str | None


# Its keys are written in this order, so that the verdict follows from what was found before it.
class _Checked(_Reply):
    answers: Literal["same", "different"] | None
    checks: list[str]
    status: Literal["CORRECT", "WRONG"]
    error_step: str | None
    error_analysis: str | None


class _CheckedAnnotation(_Checked):
    improvement_suggestion: str | None


_STATUS = r'"status"\s*:\s*"([^"]*)"'
DECIDING: Mapping[Target, str] = {
    "full": _STATUS,
    "checks": rf'{_STATUS}|"answers"\s*:\s*"([^"]*)"|: (same|different)"',
    "verdict": _STATUS,
}
"""The words of a reply that decide, as groups of a regular expression: `mathse.loop.ask.confidence` weighs them."""
_JUDGES: Mapping[Target, type[_Reply]] = {"full": _Verdict, "checks": _Checked, "verdict": _Status}


@cache
def json_schema(target: Target = "full", annotation: bool = False) -> str:
    """The JSON schema of a reply, as text, for engines that can hold a model to it.

    Every key is required and no other admitted, as servers want it that check strictly. An `annotation`, from which a
    judge with that target can learn, has the teacher's own key, `improvement_suggestion`, besides.
    """
    return schema_of(_form(target, annotation))


def _form(target: Target, annotation: bool) -> type[_Reply]:
    if annotation:
        return _CheckedAnnotation if target == "checks" else _Annotation
    return _JUDGES[target]


def schema_of(model: type[BaseModel]) -> str:
    """The JSON schema of a form."""
    return json.dumps(_plain(model.model_json_schema()))


def _plain(schema: Any) -> Any:
    """A schema without the names of Python's classes and fields."""
    if not isinstance(schema, dict):
        return [_plain(entry) for entry in schema] if isinstance(schema, list) else schema
    return {key: _plain(value) for key, value in schema.items() if key != "title"}


class Reply(BaseModel):
    """A parsed reply; UNDECIDED with a reason where it could not be parsed."""

    model_config = ConfigDict(frozen=True)

    status: Status
    answers: str | None = None
    checks: tuple[str, ...] = ()
    error_step: str | None = None
    error_analysis: str | None = None
    improvement_suggestion: str | None = None
    undecided_reason: str | None = None


def read(outcome: Outcome, target: Target = "full", annotation: bool = False) -> Reply:
    """Parse what came of a request; a failure is UNDECIDED with its own reason. Otherwise as `parse`."""
    if isinstance(outcome, Failure):
        return _undecided(outcome.reason)
    return parse(outcome.text, target, annotation)


def parse(text: str, target: Target = "full", annotation: bool = False) -> Reply:
    """Parse a reply, of the form that `json_schema` describes; one fenced code block around the object is admitted."""
    try:
        verdict = agreed(text, _form(target, annotation))
    except NotAgreed as error:
        return _undecided(str(error).replace("the agreed", "a verdict"))
    reply = Reply(**verdict.model_dump())
    is_correct = reply.status is Status.CORRECT
    names_steps = isinstance(verdict, _Verdict | _Checked)
    if (names_steps and is_correct != (reply.error_step is None)) or (is_correct and _finds_difference(reply)):
        return _undecided("contradicts itself")
    return reply


def _finds_difference(reply: Reply) -> bool:
    return reply.answers == "different" or any(check.endswith(": different") for check in reply.checks)


def agreed(text: str, model: type[T]) -> T:
    """The object of an agreed form that a reply is, and nothing else; one fenced code block around it is admitted.

    Raises:
        NotAgreed: It is no such object: `not JSON`, `not the agreed object`, or one with a `control character`.
    """
    if len(text) > LONGEST:
        raise NotAgreed("not the agreed object")
    fenced = _FENCE.fullmatch(text)
    # `\sqrt` is LaTeX that its writer forgot to escape, and nothing else; what JSON takes of `\frac` is mended below.
    escaped = _BACKSLASH.sub(lambda sign: "\\\\" if sign[1] else sign[0], fenced[1] if fenced else text)
    try:
        content = json.loads(escaped, object_pairs_hook=_object)
    except (ValueError, RecursionError):  # a number of thousands of digits is a plain ValueError
        raise NotAgreed("not JSON") from None
    if isinstance(content, dict):
        try:
            content = {key: _mended(value) for key, value in content.items()}
        except ControlCharacter:
            raise NotAgreed("control character") from None
    try:
        return model.model_validate(content)
    except ValidationError:
        raise NotAgreed("not the agreed object") from None


def _mended(value: Any) -> Any:
    """A text, or the texts of a list, with the LaTeX that JSON's escapes have torn put back."""
    if isinstance(value, list):
        return [_mended(entry) for entry in value]
    return mended(value, strict=True) if isinstance(value, str) else value


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, refused where it says a thing twice: which of the two was meant, nobody knows."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is there twice")
    return content


def _undecided(reason: str) -> Reply:
    return Reply(status=Status.UNDECIDED, undecided_reason=reason)


def write(
    status: Status,
    error_step: str | None = None,
    error_analysis: str | None = None,
    answers: str | None = None,
    checks: Sequence[str] = (),
    target: Target = "full",
) -> str:
    """A verdict as a judge with this target is trained to write it; `parse(write(...))` gives it back."""
    content = {
        "answers": answers, "checks": list(checks), "status": status, "error_step": error_step,
        "error_analysis": error_analysis,
    }  # fmt: skip
    return json.dumps({key: content[key] for key in _JUDGES[target].model_fields}, ensure_ascii=False)
