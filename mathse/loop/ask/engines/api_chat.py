"""A request as the chat completions protocol has it, and the reply read strictly.

Sample, sent:

    {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:..."}},
    {"type": "text", "text": "Find angle C."}]}], "max_tokens": 2048, "temperature": 0.7, "top_p": 1.0, "seed": 123}

and received:

    {"choices": [{"message": {"content": "Step 1: ..."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 312, "completion_tokens": 58}}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from mathse.loop.ask.engines.api_retry import Fault
from mathse.loop.ask.protocol import Request
from mathse.params import Api

SEEDS = 2**31
"""Seeds are sent below this: some servers take no larger ones."""
SHOWN = 200
"""Characters of a bad reply that its failure quotes."""


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Literal["stop", "length", "content_filter"]


class Usage(BaseModel):
    """Tokens as the server counts and bills them."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Body(BaseModel):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: Usage | None = None


@dataclass(frozen=True)
class Reply:
    """What the server said.

    Attributes:
        text: The completion; empty if there is none.
        finish_reason: How it ended.
        usage: None where the server does not say.
        fault: Why this is no completion, if it is none.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    usage: Usage | None
    fault: Fault | None = None


def chat_body(request: Request, urls: Sequence[str], settings: Api) -> dict[str, Any]:
    """The keys of a chat completion request.

    Args:
        request: What is asked.
        urls: Data URLs of its images; they go before the first user turn's text, as in training.
        settings: Model, and which keys the server takes.
    """
    sampling = request.sampling
    drawn: dict[str, Any] = {"temperature": sampling.temperature}
    if sampling.temperature > 0:
        drawn |= {"top_p": sampling.top_p, "seed": request.seed % SEEDS}
    body = {
        "model": settings.model,
        "messages": _messages(request, urls),
        settings.length_key: sampling.max_new_tokens,
        **{key: value for key, value in drawn.items() if key not in settings.omit},
        **_response_format(request.json_schema, settings.json_mode),
    }
    return body | ({"extra_body": dict(settings.extra)} if settings.extra else {})


def _messages(request: Request, urls: Sequence[str]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = [{"role": turn.role, "content": turn.content} for turn in request.messages]
    if urls:
        first = next(turn for turn in turns if turn["role"] == "user")
        images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        first["content"] = [*images, {"type": "text", "text": first["content"]}]
    return turns


def _response_format(json_schema: str, mode: str) -> Mapping[str, Any]:
    if not json_schema or mode == "off":
        return {}
    if mode == "object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": "reply", "strict": True, "schema": json.loads(json_schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def read_reply(body: bytes) -> Reply:
    """Read a reply's body.

    Raises:
        Fault: `malformed reply`: it is no JSON, holds half a character, or lacks what a completion has.
    """
    try:
        said = _Body.model_validate_json(body)
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        quoted = body[:SHOWN].decode("utf-8", "replace")
        raise Fault("malformed reply", f"{what}: {quoted!r}", passing=True, billed=True) from None
    choice = said.choices[0]
    if choice.finish_reason == "content_filter":
        return Reply("", "stop", said.usage, Fault("content filter", "the server's filter cut the completion off"))
    if choice.message.refusal:
        return Reply("", "stop", said.usage, Fault("refusal", choice.message.refusal))
    return Reply(choice.message.content or "", choice.finish_reason, said.usage)
