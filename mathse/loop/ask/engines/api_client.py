"""One try of one request over HTTP: the reply's body, or a `Fault` that says what went wrong.

The only module that imports the `openai` package. Its own retries are off; the whole try, the reply's last byte
included, has one deadline. The key is taken from the environment and is in no message that leaves this module.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Protocol

import openai

from mathse.errors import UserError
from mathse.loop.ask.engines.api_chat import Reply, read_reply
from mathse.loop.ask.engines.api_clock import Clock
from mathse.loop.ask.engines.api_retry import CONNECTION_LOST, RATE_LIMITED, Fault, asked_wait
from mathse.params import Api
from mathse.params.inference import OPENAI

HOPELESS = {401: "key refused", 404: "unknown model"}
"""Status codes that every request would meet."""
LARGEST_REPLY = 32 * 2**20
"""Bytes."""
LONGEST_DETAIL = 500
LONG_KEY = 16
"""Characters from which a key is one: a word such as `test` may be in a completion for its own sake."""
OPENAI_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent where no key is set: local servers want none."""


class KeyMissing(UserError):
    """The environment variable that should hold the key is not set, or holds no key."""


def key_of(settings: Api) -> str:
    """The key from the environment.

    Raises:
        KeyMissing: There is none, and the server is OpenAI's; or it cannot be one.
    """
    at_openai = settings.base_url.rstrip("/") == OPENAI
    name = settings.key_env or (OPENAI_KEY if at_openai else "")
    key = os.environ.get(name, "").strip() if name else ""
    if not key and at_openai:
        raise KeyMissing(
            f"{name}: not set; put the key for {settings.base_url} into this environment variable (or let api.key_env "
            "name another)"
        )
    if not (key.isascii() and key.isprintable()):
        raise KeyMissing(f"{name}: holds characters that no key has; set it anew")
    return key or NO_KEY


class Secret:
    """A key that can be taken out of texts; it does not show itself."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __repr__(self) -> str:
        return "Secret()"

    def out_of(self, text: str) -> str:
        """A message without the key."""
        return text if self.key == NO_KEY else text.replace(self.key, "[key]")

    def out_of_reply(self, text: str) -> str:
        """A completion without the key, should a server echo what it was sent."""
        return self.out_of(text) if len(self.key) >= LONG_KEY else text


class Client:
    """A connection pool to one server; lives within one event loop."""

    def __init__(self, settings: Api, secret: Secret, clock: Clock) -> None:
        # One line a request would drown the progress lines.
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

    async def ask(self, body: dict[str, Any]) -> Reply:
        """Send a request once.

        Args:
            body: As `chat_body` makes it.

        Raises:
            Fault: The server gave no reply that can be read.
        """
        try:
            reply = read_reply(await self._send(body))
        except Fault as fault:
            fault.detail = self._clean(fault.detail)
            raise
        if reply.fault:
            reply.fault.detail = self._clean(reply.fault.detail)
        return replace(reply, text=self._secret.out_of_reply(reply.text))

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
            raise _refused(error, self._clock) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            never_sent = type(cause).__name__ == "ConnectError"
            detail = f"{type(cause).__name__}: {cause}"
            raise Fault(CONNECTION_LOST, detail, passing=True, billed=not never_sent) from None


class _Streamed(Protocol):
    def iter_bytes(self) -> AsyncIterator[bytes]: ...


async def _read(response: _Streamed) -> bytes:
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


def _refused(error: openai.APIStatusError, clock: Clock) -> Fault:
    """The fault that a status code of 300 and above means."""
    status, detail = error.status_code, f"HTTP {error.status_code}: {_said(error)}"
    if status == 402 or error.code == "insufficient_quota":
        return Fault("quota used up", detail, hopeless=True)
    if status in HOPELESS:
        return Fault(HOPELESS[status], detail, hopeless=True)
    if status in (408, 429) or status >= 500:
        reason = {408: "timeout", 429: RATE_LIMITED}.get(status, "server error")
        return Fault(reason, detail, passing=True, wait=asked_wait(error.response.headers, clock))
    return Fault("content filter" if error.code == "content_filter" else "refused request", detail)


def _said(error: openai.APIStatusError) -> str:
    """The server's own words."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or body or error.message)
