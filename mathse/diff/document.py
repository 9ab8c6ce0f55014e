"""What is asked of a comparison, and what it says: one document, printed in three ways."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """What is asked of a comparison.

    Attributes:
        key: Columns that identify a row; those of the row model if empty.
        columns: Compare only these; all if empty.
        condition: SQL that chooses among the changes; empty for all.
        limit: Examples of each kind of change.
        counts_only: The numbers of rows alone; where stored hashes suffice, nothing else is read.
        verify: Do not trust stored hashes.
        saved: Where the table of changes goes; None if it is not wanted.
    """

    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    condition: str = ""
    limit: int = 3
    counts_only: bool = False
    verify: bool = False
    saved: Path | None = None


@dataclass(frozen=True)
class Counts:
    """How many rows were changed, came, went and stayed.

    Attributes:
        old: Rows of the old table.
        new: Rows of the new one.
        changed: Rows of both that differ.
        added: Rows of the new table alone.
        removed: Rows of the old table alone.
        unchanged: Rows of both that are equal.
        duplicates: Rows that repeat another one's key, in the old and in the new table.
        by_column: How many rows changed in each column, where values were compared.
    """

    old: int
    new: int
    changed: int
    added: int
    removed: int
    unchanged: int
    duplicates: tuple[int, int]
    by_column: dict[str, int]


@dataclass(frozen=True)
class Section:
    """A small table about the changes.

    Attributes:
        title: What it is about.
        headings: Of its columns.
        rows: Cells; None is a missing value.
        note: A sentence below it.
    """

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers alone."""
        return [
            all(isinstance(row[place], int | float | None) for row in self.rows) for place in range(len(self.headings))
        ]


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
        selected: Rows that the condition left, by change; None without a condition.
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
