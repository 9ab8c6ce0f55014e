r"""Find the final answer in a solution's text.

Places are tried in order, and within a place the last occurrence counts, since a solution that corrects itself says the
right thing last: the marker sentence (`mathse.prompts.MARKER`), `\boxed{...}`, `answer is ...`, and a line that is
nothing but a letter or a number.

Sample: `180 - 50 - 60 = 70. The answer to this problem is 70.`  ->  `70`
"""

import re

from mathse.prompts import MARKER

_MARKED = re.compile(re.escape(MARKER) + r"\s*:?", re.IGNORECASE)
_SAID = re.compile(r"\banswer\s*(?:is|:|=)\s*:?", re.IGNORECASE)
_BARE = re.compile(r"^[^\w-]*(?P<answer>[A-Z]|-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?)\W*$")
_SENTENCE_END = re.compile(r"\.(?:\s.*)?$", re.DOTALL)
_BOX = r"\boxed{"


def extract(text: str) -> str | None:
    """Return the answer that `text` gives, or None where it gives none.

    Args:
        text: A solution, in the marker form or any other.

    Returns:
        The answer as written, without the sentence's full stop and surrounding emphasis; never an empty string.
    """
    return _last(_MARKED, text) or _boxed(text) or _last(_SAID, text) or _bare_line(text)


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    """What follows the last match of `pattern` on its line, if it is an answer; a box within it is opened."""
    for match in reversed(list(pattern.finditer(text))):
        said = text[match.end() :].lstrip().partition("\n")[0]
        if answer := _boxed(said) or _trimmed(said):
            return answer
    return None


def _trimmed(phrase: str) -> str | None:
    """The phrase up to its full stop (a decimal point is none), without emphasis."""
    return _SENTENCE_END.sub("", phrase.strip().strip("*")).strip().strip("*").strip() or None


def _boxed(text: str) -> str | None:
    r"""Content of the last `\boxed{...}` whose braces balance."""
    start = text.rfind(_BOX)
    while start >= 0:
        if (inner := _balanced(text, start + len(_BOX))) and inner.strip():
            return inner.strip()
        start = text.rfind(_BOX, 0, start)
    return None


def _balanced(text: str, start: int) -> str | None:
    """Text from `start` to the brace that closes the one before it, or None if none does."""
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end]
    return None


def _bare_line(text: str) -> str | None:
    """A last line that is nothing but a letter or a number."""
    lines = text.strip().splitlines()
    match = _BARE.match(lines[-1]) if lines else None
    return match["answer"] if match else None
