"""The key to a server: taken from the environment, and out of every text that comes back.

A server may echo what it was sent, whole or cut, plain or encoded: percent-encoded in an address, as escapes of JSON or
HTML, in base64 as part of something longer, in hexadecimal digits. Each such form is looked for by its fragments:

    "Incorrect key sk-proj-Ab3"  ->  "Incorrect key [key]"
"""

import base64
import math
import os
import string
import urllib.parse

from mathse.errors import UserError
from mathse.params import Api
from mathse.params.inference import OPENAI

OPENAI_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent where no key is set: local servers want none."""
LONG_KEY = 16
"""Characters from which a key is one: a word such as `test` may be in a completion for its own sake."""
FRAGMENT = 8
"""Characters of a long key that are taken for a part of it."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class KeyMissing(UserError):
    """The environment variable that should hold the key is not set, or holds no key."""


def variable(settings: Api) -> str:
    """The environment variable that holds the key; empty where none is wanted."""
    return settings.key_env or (OPENAI_KEY if _at_openai(settings) else "")


def _at_openai(settings: Api) -> bool:
    return settings.base_url.rstrip("/") == OPENAI


class Secret:
    """The key, which can be taken out of texts; it does not show itself."""

    def __init__(self, key: str) -> None:
        self.key = key
        long = len(key) >= LONG_KEY
        self._searches: list[tuple[list[str], int, set[str]]] = []
        """Of each form: pieces, one of which is in any text that has a fragment; the fragments' length; all of them."""
        for form in _forms(key) if key != NO_KEY else ():
            length = math.ceil((FRAGMENT if long else len(key)) * len(form) / len(key))
            fragments = {form[at : at + length] for at in range(len(form) - length + 1)}
            step = max(1, (length + 1) // 2) if long else length
            pieces = [form[at : at + step] for at in range(0, len(form) - step + 1, step)]
            self._searches.append((pieces, length, fragments))

    @classmethod
    def of(cls, settings: Api) -> "Secret":
        """The key from the environment.

        Raises:
            KeyMissing: There is none, and the server is OpenAI's; or it cannot be one.
        """
        name = variable(settings)
        key = os.environ.get(name, "").strip() if name else ""
        if not key and _at_openai(settings):
            raise KeyMissing(
                f"{name}: not set; put the key for {settings.base_url} into this environment variable (or let "
                "api.key_env name another)"
            )
        if not (key.isascii() and key.isprintable()):
            raise KeyMissing(f"{name}: holds characters that no key has; set it anew")
        return cls(key or NO_KEY)

    def __repr__(self) -> str:
        return "Secret()"

    def out_of(self, text: str, words: bool = False) -> str:
        """A text without the key and its fragments; where `words` may be in it for their own sake, they stay."""
        lower = text.translate(_LOWER)
        spans: list[tuple[int, int]] = []
        for pieces, length, fragments in self._searches:
            if any(piece in lower for piece in pieces):
                starts = (at for at in range(len(lower) - length + 1) if lower[at : at + length] in fragments)
                spans += [(at, at + length) for at in starts]
        return _without(text, spans, words)

    def out_of_completion(self, text: str) -> str:
        """A completion without the key, should a server echo what it was sent."""
        return self.out_of(text, words=True) if len(self.key) >= LONG_KEY else text


def _forms(key: str) -> set[str]:
    """The key as it may be written, in small letters; a short one, which is hardly one, as it is."""
    if len(key) < FRAGMENT:
        return {key.translate(_LOWER)}
    quoted = urllib.parse.quote(key, safe="")
    forms = {
        key, quoted, urllib.parse.quote(quoted, safe=""), key.encode().hex(),
        "".join(f"%{ord(letter):02x}" for letter in key), "".join(f"\\u{ord(letter):04x}" for letter in key),
        "".join(f"\\x{ord(letter):02x}" for letter in key), "".join(f"&#{ord(letter)};" for letter in key),
        "".join(f"&#x{ord(letter):x};" for letter in key),
    }  # fmt: skip
    for before in range(3):  # in base64 a byte looks different by its place among three
        encoded = base64.b64encode(bytes(before) + key.encode()).decode().rstrip("=")
        own = encoded[math.ceil(before * 8 / 6) : (before + len(key)) * 8 // 6]
        forms |= {own, own.replace("+", "-").replace("/", "_")}
    return {form.translate(_LOWER) for form in forms}


def _without(text: str, spans: list[tuple[int, int]], words: bool) -> str:
    """The text with `[key]` in place of what the spans cover together."""
    parts, done = [], 0
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    for start, end in merged:
        fragment = text[start:end]
        if not (words and len(fragment) < LONG_KEY and fragment.isalpha() and fragment[1:].islower()):
            parts += [text[done:start], "[key]"]
            done = end
    return "".join(parts) + text[done:]
