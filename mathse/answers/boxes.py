r"""What a solution puts in `\boxed{...}`."""

import re

from mathse.answers.dress import balanced, undress

_GAP = 20
"""Characters between two boxes of one answer."""
_CORRECTION = re.compile(
    r"\b(?:then|which|that is|i\.e|so|thus|hence|therefore|answer|option|wait|sorry|actually|correct(?:ion)?|instead"
    r"|rather|mistake|no)\b"
    r"|不对|等等|应为|更正|->|→",
    re.IGNORECASE,
)
"""What makes a second box another statement, not a second part of one answer."""
_CONNECTION = re.compile(r",|;|\band\b|\bor\b|&|\+{2,}|和|或|、|及|与", re.IGNORECASE)
_UNCLOSED = 100
_MOST = 32
"""Boxes of one answer."""


def boxed(text: str) -> tuple[str | None, int]:
    r"""Content of the last `\boxed{...}`, with those that belong to the same answer; and where it ends.

    Boxes belong together if no more than `_GAP` signs stand between them, these connect (`and`, a comma) and correct
    nothing (`wait`).
    """
    found: list[tuple[int, int, str]] = []
    unclosed: tuple[int, int, str] | None = None
    place, end = text.rfind("boxed"), len(text)
    while place >= 0 and len(found) < _MOST:
        box = _box_at(text, place, end)
        if box is None:
            # What stands before an unclosed box and is not closed before it is never closed.
            unclosed, end = unclosed or _unclosed_box(text, place), place
        elif not found or box[1] <= found[-1][0]:  # not around one that was found
            if found and not _belong_together(text[box[1] : found[-1][0]]):
                break
            found.append(box)
        place = text.rfind("boxed", 0, place)
    if not found:
        return (unclosed[2], unclosed[1]) if unclosed else (None, -1)
    contents = [content for _, _, content in reversed(found)]
    return (", ".join(contents) if len(contents) > 1 else contents[0]), found[0][1]


def _box_at(text: str, place: int, end: int) -> tuple[int, int, str] | None:
    start = place + len("boxed")
    rest = text[start : start + 2].lstrip()
    if not rest.startswith("{"):
        return None
    start = text.index("{", start) + 1
    inner = balanced(text, start, end)
    if inner is None or not inner.strip():
        return None
    return place, start + len(inner) + 1, inner.strip()


def _unclosed_box(text: str, place: int) -> tuple[int, int, str] | None:
    """A box that no brace closes, up to the end of its line."""
    head, brace, rest = text[place : place + 8].partition("{")
    inner = text[place + len(head) + 1 :][:_UNCLOSED].partition("\n")[0].rstrip("$ .}") if brace else ""
    return (place, place + len(head) + 1 + len(inner), inner.strip()) if inner.strip() and "}" not in rest[:1] else None


def _belong_together(gap: str) -> bool:
    plain = undress(gap.rstrip("\\")).replace("$", " ").strip()
    if len(plain) > _GAP or _CORRECTION.search(plain):
        return False
    return len(_CONNECTION.findall(plain)) == 1 or not plain
