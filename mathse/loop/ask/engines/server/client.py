"""One try of one request over HTTP: the reply, or a `Fault` that says what went wrong.

Sample, sent:

    {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:..."}},
    {"type": "text", "text": "Find angle C."}]}], "max_tokens": 2048, "temperature": 0.7, "top_p": 1.0, "seed": 123}

and received:

    {"choices": [{"message": {"content": "Step 1: ..."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 312, "completion_tokens": 58}}

The only module that imports the `openai` package. Its own retries are off; the whole try, the reply's last byte
included, has one deadline. No redirect is followed: the prompt and its images are for the server that params name. No
body, of a success or an error, takes more than its limit, unpacked. The key is in no text that leaves this module.
"""

import asyncio
import json
import logging
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import openai

from mathse.loop.ask.engines.server.budget import Clock
from mathse.loop.ask.engines.server.secret import Secret
from mathse.loop.ask.protocol import Failure, Request
from mathse.params import Api

SEED_LIMIT = 2**31
"""Seeds are sent below this: some servers take no larger ones."""
LARGEST_REPLY = 8 * 2**20
"""Bytes of a completion, as they come and unpacked."""
LARGEST_REFUSAL = 2**16
"""Bytes of an error; the rest is not read."""
LONGEST_QUOTE = 200
"""Characters of a bad reply that its failure quotes."""
LONGEST_DETAIL = 500
CONNECTION_LOST = "connection lost"
RATE_LIMITED = "rate limited"

CUT = {
    "length", "max_tokens", "max_length", "max_output_tokens", "max_new_tokens", "model_length", "context_length",
    "token_limit", "model_context_window_exceeded", "error_limit",
}  # fmt: skip
"""What servers call the end of a completion that has used up its tokens, in small letters."""
FILTERED = {
    "content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content", "spii",
    "image_safety", "sensitive", "guardrail_intervened", "refusal", "error_toxic",
}  # fmt: skip
"""Ends by which a server withholds a completion."""
BROKEN = {
    "error", "abort", "aborted", "cancelled", "canceled", "timeout", "time_limit", "network_error",
    "insufficient_system_resource",
}  # fmt: skip
"""Ends of a completion that the server could not finish."""
_UNPACKED = ("gzip", "deflate")


@dataclass(eq=False, repr=False)
class Fault(Exception):
    """A try that brought no completion.

    Attributes:
        reason: Short and countable:
            tried again: `rate limited`, `server error`, `timeout`, `cut reply`, `malformed reply`, `connection lost`;
            not tried again: `refused request`, `content filter`, `refusal`;
            no request can succeed: `key refused`, `unknown model`, `quota used up`, `redirected`.
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


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counts and bills them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class ServerReply:
    """What came back.

    Attributes:
        text: The completion; empty if there is none.
        finish_reason: How it ended; None where the server does not say.
        usage: None where the server does not say, or says no numbers.
        fault: Why this is no completion, if it is none.
        tokens: What each token says and the logarithm of its probability, where the server says so: it does if
            `api.extra` has `logprobs: true`.
    """

    text: str
    finish_reason: Literal["stop", "length"] | None
    usage: Usage | None
    fault: Fault | None = None
    tokens: tuple[tuple[str, float], ...] = ()


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


class _Http(openai.DefaultAsyncHttpxClient):
    """HTTP as this engine wants it: no redirects, and bodies within their limits, unpacked here."""

    async def send(self, request: Any, **options: Any) -> Any:
        """The reply to a request, its body read and plain.

        Raises:
            Fault: The body of a completion is cut off, too long, or packed in a way that was not asked for.
        """
        response = await super().send(request, **{**options, "stream": True, "follow_redirects": False})
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        packing = {"content-encoding", "content-length", "transfer-encoding"}
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in packing]
        return type(response)(response.status_code, headers=headers, content=body, request=request)


class Client:
    """A connection pool to one server; used within one event loop."""

    def __init__(self, settings: Api, secret: Secret, clock: Clock) -> None:
        # One line per request would drown the progress lines, and what a server's headers say is nobody's to log.
        for name in ("httpx2", "httpcore2", "openai"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._client = openai.AsyncOpenAI(
            api_key=secret.key, base_url=settings.base_url, timeout=None, max_retries=0, _enforce_credentials=False,
            http_client=_Http(timeout=None), default_headers={"Accept-Encoding": ", ".join(_UNPACKED)},
        )  # fmt: skip

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def ask(self, body: dict[str, Any]) -> ServerReply:
        """Send a request once, `body` as `chat_body` makes it.

        Raises:
            Fault: The server gave no reply that can be read.
        """
        try:
            reply = self._parse(await self._send(body))
            if reply.fault:
                self._clean(reply.fault)
        except Fault as fault:
            self._clean(fault)
            raise
        return replace(reply, text=self._secret.out_of_completion(reply.text))

    def _clean(self, fault: Fault) -> None:
        """Take the key out of a fault's words, which a server chose, and what no table can hold: half a character."""
        words = self._secret.out_of(fault.detail)[:LONGEST_DETAIL]
        fault.detail = words.encode("utf-8", "replace").decode("utf-8")

    async def _send(self, body: dict[str, Any]) -> bytes:
        try:
            async with asyncio.timeout(self._settings.timeout):
                reply = await self._client.chat.completions.with_raw_response.create(**body)
                return bytes(reply.content)
        except TimeoutError:
            detail = f"no whole reply within {self._settings.timeout:g} s"
            raise Fault("timeout", detail, passing=True, billed=True) from None
        except openai.APIStatusError as error:
            raise _refusal(error, self._clock) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, Fault):
                raise cause from None
            never_sent = type(cause).__name__ == "ConnectError"
            detail = f"{type(cause).__name__}: {cause}"
            raise Fault(CONNECTION_LOST, detail, passing=True, billed=not never_sent) from None

    def _parse(self, body: bytes) -> ServerReply:
        """Read a reply's body, as OpenAI writes it or another server does.

        Raises:
            Fault: `malformed reply`: it is no JSON, holds half a character, or lacks what a completion has; or the
                server says that it could not finish.
        """
        try:
            content = json.loads(body, parse_int=lambda digits: int(digits[:40]))  # thousands of digits are no count
            if isinstance(content, dict) and content.get("error") and not content.get("choices"):
                raise Fault("server error", str(content["error"]), passing=True)  # under a status of success
            choice = content["choices"][0]
            message = choice["message"]
            text, refusal = _text(message.get("content")), message.get("refusal")
            text.encode()
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # The key is taken out before anything is cut: half of one is known no more.
            quote = self._secret.out_of(body[: LONGEST_QUOTE + 16 * len(self._secret.key)].decode("utf-8", "replace"))
            detail = f"{type(error).__name__}: {str(error)[:LONGEST_QUOTE]}: {quote[:LONGEST_QUOTE]!r}"
            raise Fault("malformed reply", detail, passing=True, billed=True) from None
        usage, reason = _usage(content.get("usage")), str(choice.get("finish_reason") or "").lower()
        if reason in BROKEN:
            raise Fault("server error", f"finished by {reason}", passing=True, billed=True)
        if reason in FILTERED:
            fault = Fault("content filter", "the server's filter cut the completion off")
            return ServerReply("", "stop", usage, fault)
        if isinstance(refusal, str) and refusal:
            return ServerReply("", "stop", usage, Fault("refusal", refusal))
        # Names of the end are many: `stop`, `eos_token`, `end_turn`, `stop_sequence`, `tool_calls`.
        end: Literal["stop", "length"] | None = ("length" if reason in CUT else "stop") if reason else None
        return ServerReply(text, end, usage, tokens=_tokens(choice.get("logprobs")))


async def _read(response: Any) -> bytes:
    """The body, unpacked within its limit; of an error, as much of it as is readable.

    Raises:
        Fault: What was to be a completion is cut off, too long, or packed otherwise than was asked for.
    """
    limit = LARGEST_REPLY if response.is_success else LARGEST_REFUSAL
    body, fault = bytearray(), None
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                break
    except Exception as error:  # of the HTTP library and the socket
        detail = f"after {len(body)} bytes: {type(error).__name__}: {error}"
        fault = Fault("cut reply", detail, passing=True, billed=True)
    packings = [name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")]
    plain = bytes(body[: limit + 1])
    for packing in reversed([name for name in packings if name not in ("", "identity")]):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its head
        try:
            if packing not in _UNPACKED:
                raise ValueError("this was not asked for")
            plain = unpacker.decompress(plain, limit + 1)
        except (ValueError, zlib.error) as error:
            plain = b""
            detail = f"packed as {packing[:20]}: {error}"
            fault = fault or Fault("malformed reply", detail, passing=True, billed=True)
        if not unpacker.eof and len(plain) <= limit:
            fault = fault or Fault("cut reply", f"{packing} ends early", passing=True, billed=True)
    if len(plain) > limit:
        fault = fault or Fault("malformed reply", f"more than {limit} bytes", passing=True, billed=True)
    if fault and response.is_success:
        raise fault
    return plain[:limit]


def _text(content: object) -> str:
    """What a message says: its text, or that of its parts but for thoughts and pictures."""
    if isinstance(content, list | dict):
        listed = content if isinstance(content, list) else [content]
        parts = [part if isinstance(part, dict) else {"text": part} for part in listed]
        texts = [part.get("text") for part in parts if part.get("type", "text") in ("text", "output_text")]
        texts = [text.get("value") if isinstance(text, dict) else text for text in texts]
        return "".join(text for text in texts if isinstance(text, str))
    if content is not None and not isinstance(content, str):
        raise TypeError("content is no text")
    return content or ""


def _tokens(content: object) -> tuple[tuple[str, float], ...]:
    """Tokens and the logarithms of their probabilities; none where the server tells none, or something else."""
    entries = content.get("content") if isinstance(content, dict) else None
    tokens = []
    for entry in entries if isinstance(entries, list) else ():
        token, logprob = (entry.get("token"), entry.get("logprob")) if isinstance(entry, dict) else (None, None)
        if not isinstance(token, str) or not isinstance(logprob, int | float) or isinstance(logprob, bool):
            return ()
        tokens.append((token, float(logprob)))
    return tuple(tokens)


def _usage(content: object) -> Usage | None:
    """The tokens counted; None where there are none, or what is there is no count."""
    if not isinstance(content, dict):
        return None
    counts = []
    for names in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")):
        count = next((content[name] for name in names if content.get(name) is not None), None)
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return None
        counts.append(count)
    return Usage(*counts)


def _refusal(error: openai.APIStatusError, clock: Clock) -> Fault:
    """The fault that a status code of 300 and above means."""
    status, body = error.status_code, error.body
    message = body.get("message") if isinstance(body, dict) else None  # the server's own words
    detail = f"HTTP {status}: {message or body or error.message}"
    if status < 400:
        detail = f"HTTP {status} to {error.response.headers.get('location', 'nowhere')}"
        return Fault("redirected", detail, hopeless=True)
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
