"""One try of one request over HTTP: the reply, or a `Fault` that says what went wrong.

Sample, sent:

    {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:..."}},
    {"type": "text", "text": "Find angle C."}]}], "max_tokens": 2048, "temperature": 0.7, "top_p": 1.0, "seed": 123}

and received:

    {"choices": [{"message": {"content": "Step 1: ..."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 312, "completion_tokens": 58}}

The only module that imports the `openai` package. Its own retries are off; the whole try, the reply's last byte
included, has one deadline. The key is taken from the environment and is in no message that leaves this module.
"""

import asyncio
import json
import logging
import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import openai
from pydantic import BaseModel, Field, ValidationError

from mathse.errors import UserError
from mathse.loop.ask.engines.server.budget import Clock
from mathse.loop.ask.protocol import Failure, Request
from mathse.params import Api
from mathse.params.inference import OPENAI

SEED_LIMIT = 2**31
"""Seeds are sent below this: some servers take no larger ones."""
LARGEST_REPLY = 32 * 2**20
"""Bytes."""
LONGEST_QUOTE = 200
"""Characters of a bad reply that its failure quotes."""
LONGEST_DETAIL = 500
LONG_KEY = 16
"""Characters from which a key is one: a word such as `test` may be in a completion for its own sake."""
OPENAI_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent where no key is set: local servers want none."""
CONNECTION_LOST = "connection lost"
RATE_LIMITED = "rate limited"


@dataclass(eq=False, repr=False)
class Fault(Exception):
    """A try that brought no completion.

    Attributes:
        reason: Short and countable:
            tried again: `rate limited`, `server error`, `timeout`, `cut reply`, `malformed reply`, `connection lost`;
            not tried again: `refused request`, `content filter`, `refusal`;
            no request can succeed: `key refused`, `unknown model`, `quota used up`.
        detail: What exactly happened.
        passing: Whether another try may succeed.
        wait: Seconds that the server asks to wait, if it does.
        billed: Whether the server may have written a completion nevertheless.
        hopeless: Whether every request will fail in this way.
    """

    reason: str
    detail: str
    passing: bool = False
    wait: float | None = None
    billed: bool = False
    hopeless: bool = False

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"

    def failure(self) -> Failure:
        """The fault as a request's outcome."""
        return Failure(self.reason, self.detail, retryable=self.passing)


class Usage(BaseModel):
    """Tokens as the server counts and bills them."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Literal["stop", "length", "content_filter"]


class _Body(BaseModel):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: Usage | None = None


@dataclass(frozen=True)
class ServerReply:
    """What came back.

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


class KeyMissing(UserError):
    """The environment variable that should hold the key is not set, or holds no key."""


class Secret:
    """The key, which can be taken out of texts; it does not show itself."""

    def __init__(self, key: str) -> None:
        self.key = key

    @classmethod
    def of(cls, settings: Api) -> "Secret":
        """The key from the environment.

        Raises:
            KeyMissing: There is none, and the server is OpenAI's; or it cannot be one.
        """
        at_openai = settings.base_url.rstrip("/") == OPENAI
        name = settings.key_env or (OPENAI_KEY if at_openai else "")
        key = os.environ.get(name, "").strip() if name else ""
        if not key and at_openai:
            raise KeyMissing(
                f"{name}: not set; put the key for {settings.base_url} into this environment variable (or let "
                "api.key_env name another)"
            )
        if not (key.isascii() and key.isprintable()):
            raise KeyMissing(f"{name}: holds characters that no key has; set it anew")
        return cls(key or NO_KEY)

    def __repr__(self) -> str:
        return "Secret()"

    def out_of(self, text: str) -> str:
        """A message without the key."""
        return text if self.key == NO_KEY else text.replace(self.key, "[key]")

    def out_of_completion(self, text: str) -> str:
        """A completion without the key, should a server echo what it was sent."""
        return self.out_of(text) if len(self.key) >= LONG_KEY else text


def chat_body(request: Request, urls: Sequence[str], settings: Api) -> dict[str, Any]:
    """The keys of a chat completion request; images go before the first user turn's text, as in training."""
    turns: list[dict[str, Any]] = [{"role": turn.role, "content": turn.content} for turn in request.messages]
    if urls:
        first = next(turn for turn in turns if turn["role"] == "user")
        images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        first["content"] = [*images, {"type": "text", "text": first["content"]}]
    sampling = request.sampling
    drawing: dict[str, Any] = {"temperature": sampling.temperature}
    if sampling.temperature > 0:
        drawing |= {"top_p": sampling.top_p, "seed": request.seed % SEED_LIMIT}
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": turns,
        settings.length_key: sampling.max_new_tokens,
        **{key: value for key, value in drawing.items() if key not in settings.omit},
    }
    if request.json_schema and settings.json_mode == "object":
        body["response_format"] = {"type": "json_object"}
    elif request.json_schema and settings.json_mode == "schema":
        schema = {"name": "reply", "strict": True, "schema": json.loads(request.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body | ({"extra_body": dict(settings.extra)} if settings.extra else {})


class Client:
    """A connection pool to one server; used within one event loop."""

    def __init__(self, settings: Api, secret: Secret, clock: Clock) -> None:
        # One line per request would drown the progress lines.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._client = openai.AsyncOpenAI(
            api_key=secret.key, base_url=settings.base_url, timeout=None, max_retries=0, _enforce_credentials=False
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def ask(self, body: dict[str, Any]) -> ServerReply:
        """Send a request once, `body` as `chat_body` makes it.

        Raises:
            Fault: The server gave no reply that can be read.
        """
        try:
            reply = _parse(await self._send(body))
        except Fault as fault:
            fault.detail = self._clean(fault.detail)
            raise
        if reply.fault:
            reply.fault.detail = self._clean(reply.fault.detail)
        return replace(reply, text=self._secret.out_of_completion(reply.text))

    def _clean(self, text: str) -> str:
        return self._secret.out_of(text)[:LONGEST_DETAIL]

    async def _send(self, body: dict[str, Any]) -> bytes:
        try:
            async with asyncio.timeout(self._settings.timeout):
                create = self._client.chat.completions.with_streaming_response.create
                async with create(**body) as response:
                    return await _read(response)
        except TimeoutError:
            detail = f"no whole reply within {self._settings.timeout:g} s"
            raise Fault("timeout", detail, passing=True, billed=True) from None
        except openai.APIStatusError as error:
            raise _refusal(error, self._clock) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            never_sent = type(cause).__name__ == "ConnectError"
            detail = f"{type(cause).__name__}: {cause}"
            raise Fault(CONNECTION_LOST, detail, passing=True, billed=not never_sent) from None


class _Stream(Protocol):
    def iter_bytes(self) -> AsyncIterator[bytes]: ...


async def _read(response: _Stream) -> bytes:
    """The whole body, or the fault that cut it off."""
    body = bytearray()
    try:
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_REPLY:
                break
    except Exception as error:  # of the HTTP library, its decoders and the socket
        detail = f"after {len(body)} bytes: {type(error).__name__}: {error}"
        raise Fault("cut reply", detail, passing=True, billed=True) from None
    if len(body) > LARGEST_REPLY:
        raise Fault("malformed reply", f"more than {LARGEST_REPLY} bytes", passing=True, billed=True)
    return bytes(body)


def _parse(body: bytes) -> ServerReply:
    """Read a reply's body.

    Raises:
        Fault: `malformed reply`: it is no JSON, holds half a character, or lacks what a completion has.
    """
    try:
        content = _Body.model_validate_json(body)
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        quote = body[:LONGEST_QUOTE].decode("utf-8", "replace")
        raise Fault("malformed reply", f"{what}: {quote!r}", passing=True, billed=True) from None
    choice = content.choices[0]
    if choice.finish_reason == "content_filter":
        fault = Fault("content filter", "the server's filter cut the completion off")
        return ServerReply("", "stop", content.usage, fault)
    if choice.message.refusal:
        return ServerReply("", "stop", content.usage, Fault("refusal", choice.message.refusal))
    return ServerReply(choice.message.content or "", choice.finish_reason, content.usage)


def _refusal(error: openai.APIStatusError, clock: Clock) -> Fault:
    """The fault that a status code of 300 and above means."""
    status, body = error.status_code, error.body
    message = body.get("message") if isinstance(body, dict) else None  # the server's own words
    detail = f"HTTP {status}: {message or body or error.message}"
    if status == 402 or error.code == "insufficient_quota":
        return Fault("quota used up", detail, hopeless=True)
    if status in (401, 404):  # every request would meet it
        return Fault("key refused" if status == 401 else "unknown model", detail, hopeless=True)
    if status in (408, 429) or status >= 500:
        reason = {408: "timeout", 429: RATE_LIMITED}.get(status, "server error")
        return Fault(reason, detail, passing=True, wait=requested_wait(error.response.headers, clock))
    return Fault("content filter" if error.code == "content_filter" else "refused request", detail)


def requested_wait(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that a reply's headers ask to wait; None where they ask for nothing that can be read.

    They are `retry-after-ms` (milliseconds) or `retry-after` (seconds, or a date: RFC 9110, section 10.2.3).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            number = float(headers.get(name, ""))
        except ValueError:
            continue
        if 0 <= number < math.inf:
            return number * unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - clock.date())
    except (ValueError, OverflowError, OSError):
        return None
