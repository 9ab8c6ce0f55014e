r"""Values as text that is safe to show: what a model wrote may hold control characters, markup or script.

Sample: an escape sign and `[31m<b>` -> in a terminal `\x1b[31m<b>`, in Markdown `&#92;x1b&#91;31m&#60;b&#62;`
"""

import json
import re
from typing import Any

LONGEST, LONGEST_CELL = 240, 80
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~@#$]|:(?=\S)|(?<=\w)\.(?=[^\W\d])")
"""What Markdown, HTML or GitHub reads within a line: markup, mentions, addresses; as numbered entities only letters."""


def visible(text: str) -> str:
    """Text with control and direction characters written out, lines kept."""
    return _UNSEEN.sub(lambda found: _written(found[0]), text)


def plain(value: Any) -> str:
    """A cell in one line; nothing for a missing value."""
    match value:
        case None:
            return ""
        case str():
            text = value
        case bytes():
            text = f"<{len(value)} bytes>"
        case bool():
            text = str(value).lower()
        case list() | dict() | tuple():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return visible(text).replace("\n", "⏎ ")


def cell(value: Any) -> str:
    """A cell of a table of counts: as `plain`, whole numbers with commas, no longer than a cell may be."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else cut(plain(value), LONGEST_CELL)


def cut(text: str, longest: int = LONGEST) -> str:
    """A text with its middle left out where it is too long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def entities(text: str) -> str:
    """A text in which Markdown and HTML find nothing to read."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(text)).replace("\n", "⏎ ")


def _written(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
