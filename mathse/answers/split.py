"""Cuts of a text outside of its brackets."""

import re

from mathse.answers.dress import SET_CLOSE, SET_OPEN

_OPENING = frozenset("([{" + SET_OPEN)
_CLOSES = frozenset(")]}" + SET_CLOSE)
"""Any closing bracket closes any opening one: `(1,2]` is an interval."""
_PART = re.compile(r"(?![A-H][ .)])(?![=+*/^,;:)\]}&])(?!\\[)\]]).*[^=+*/^,(\[{<>&:-]")
"""What may stand on a line of its own: no option with its text, nothing that goes on."""


def split_outside(text: str, separator: str) -> list[str]:
    """Parts of a text between separators (one sign) that stand outside of all brackets, stripped.

    A comma between groups of three digits groups them (`1,000, 2,000` has two parts) if others are followed by a space.
    """
    if separator not in text:
        return [text]
    if separator == "," and ", " in text and _has_groups(text):
        return [part.strip() for part in _cut(text.replace(", ", "\x03"), "\x03")]
    return [part.strip() for part in _cut(text, separator)]


def _has_groups(text: str) -> bool:
    return any(
        text[at - 1 : at].isdigit() and text[at + 1 : at + 4].isdigit() and not text[at + 4 : at + 5].isdigit()
        for at, sign in enumerate(text)
        if sign == ","
    )


def _cut(text: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSES:
            depth = max(0, depth - 1)
        elif sign == separator and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def closing_place(text: str, start: int) -> int:
    """Place of the bracket that closes the one at `start`; -1 if none does."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] in _OPENING:
            depth += 1
        elif text[place] in _CLOSES:
            depth -= 1
            if depth == 0:
                return place
    return -1


def cut_at(text: str, signs: str) -> list[str]:
    """Parts and signs in turn: `1<x≤3` at `<≤` is `["1", "<", "x", "≤", "3"]`; outside of brackets only."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSES:
            depth = max(0, depth - 1)
        elif depth == 0 and sign in signs:
            parts += [text[start:place].strip(), sign]
            start = place + 1
    return [*parts, text[start:].strip()]


def without_braces(text: str) -> str:
    """Without the braces that only group."""
    return text.replace("{", "").replace("}", "")


def in_one_line(text: str) -> str:
    """The parts of a fill-in answer, each on its line, with semicolons between them (option letters: commas)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if r"\begin" in text or not all(_PART.fullmatch(line) and line.count("$") % 2 == 0 for line in lines):
        return text
    separator = ", " if all(len(line) == 1 and line.isalpha() for line in lines) else "; "
    return separator.join(line.rstrip(".;, ") for line in lines)
