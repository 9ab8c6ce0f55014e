"""What a comparison says, as one document that the terminal, Markdown and JSON print alike."""

from dataclasses import dataclass, field
from typing import Any

from mathse.share.diff.counts import Counts


@dataclass(frozen=True)
class Section:
    """A small table about the changes.

    Attributes:
        title: What it is about.
        headings: Of its columns; the first are values, those of `numbers` stand right.
        rows: Cells; None is a missing value.
        note: A sentence below it.
    """

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""


@dataclass(frozen=True)
class Example:
    """One changed row.

    Attributes:
        change: `changed`, `added` or `removed`.
        key: The key's values by column.
        about: What else is known of it, such as its kind and round.
        values: Old and new value by changed column; of rows that came or went, the one value.
    """

    change: str
    key: dict[str, Any]
    about: dict[str, Any]
    values: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Document:
    """A comparison in words and numbers.

    Attributes:
        old: What the user calls the old table.
        new: What the user calls the new one.
        table: The kind of rows, such as `MixRow`; empty for foreign files.
        counts: Of rows.
        schema: Changes of columns, a sentence each.
        selected: Rows that the filter left, by change; None without a filter.
        sections: What the changes mean.
        examples: Some of them.
    """

    old: str
    new: str
    table: str
    counts: Counts
    schema: list[str]
    selected: dict[str, int] | None = None
    sections: list[Section] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
