"""What a card for models and one for data sets share: its head, tables, plain text, and licences as the hub names them.

A card is Markdown that people read, with a head of YAML that the Hugging Face hub reads. Whatever comes from data
(names of sources, topics, settings) is text in it, never markup.

    ---
    license: apache-2.0
    ...
    ---

    # MathSE final
"""

import re
from collections.abc import Collection, Iterable, Sequence

from huggingface_hub import CardData

PAPER = "https://arxiv.org/abs/2511.06805"
NUMBERS = "rows"
"""Heading of a column that holds numbers."""
_ON_HUB = (
    "agpl-3.0 apache-2.0 bsd-2-clause bsd-3-clause cc-by-3.0 cc-by-4.0 cc-by-nc-4.0 cc-by-nc-sa-4.0 cc-by-sa-3.0 "
    "cc-by-sa-4.0 cc0-1.0 cdla-permissive-2.0 gpl-2.0 gpl-3.0 lgpl-3.0 mit mpl-2.0 unlicense"
)
_HUB_LICENCES = frozenset(_ON_HUB.split())
_HUB_NAMES = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl", "licenseref-unknown": "unknown"}
"""The hub's names of licences, where they are not SPDX's in small letters."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = re.compile(r"[&<>|`*_\[\]\\$~!#]")


def card(head: CardData, sections: Iterable[tuple[str, str]]) -> str:
    """A whole card.

    Args:
        sections: Heading and Markdown of each; the opening has no heading, and an empty section is left out.
    """
    parts = [f"## {heading}\n\n{text}" if heading else text for heading, text in sections if text]
    metadata = head.to_yaml(line_break="\n")
    return f"---\n{metadata}\n---\n\n" + "\n\n".join(parts) + "\n"


def hub_licence(spdx: str) -> str:
    """The hub's name of a licence; `other` where it has none, `unknown` where nobody knows."""
    small = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    return _HUB_NAMES.get(small, small if small in _HUB_LICENCES else "other")


def plain(value: object) -> str:
    """Any text as plain text within a Markdown line or table."""
    return _MARKUP.sub(lambda sign: _ENTITIES.get(sign[0], f"\\{sign[0]}"), " ".join(str(value).split()))


def code_span(value: object) -> str:
    """Any text as code within a Markdown line."""
    return f"`{' '.join(str(value).split()).replace('`', chr(39))}`"


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    code: Collection[str] = (),
    markdown: Collection[str] = (),
) -> str:
    """A Markdown table; no text from data can end a cell.

    Args:
        rows: One value per column; None is blank.
        code: Columns whose values are set as code.
        markdown: Columns whose values are Markdown of our own.
    """

    def cell(heading: str, value: object) -> str:
        if heading in markdown:
            return str(value or "")
        if heading in code and value is not None:  # a backslash escapes in a table's code no sign but the pipe
            return code_span(value).replace("|", r"\|")
        return "" if value is None else f"{value:,}" if type(value) is int else plain(value)

    rules = ["---:" if heading == NUMBERS else "---" for heading in headings]
    cells = ([cell(heading, value) for heading, value in zip(headings, row, strict=True)] for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in (headings, rules, *cells))


def commands(*lines: str) -> str:
    """Commands to type, as a block that no text within can end."""
    fence = "`" * max([3, *(len(ticks) + 1 for line in lines for ticks in re.findall("`+", line))])
    return "\n".join([f"{fence}bash", *lines, fence])
