"""Rows of a benchmark's response file, and counts over them.

A row is a JSON object with the benchmark's own field names. One that cannot be scored raises `BadRow` with a short,
countable reason: it is unscored, which is not the same as wrong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Row = Mapping[str, Any]


class BadRow(ValueError):
    """A row that cannot be scored; the message is a reason that can be counted."""


@dataclass(frozen=True)
class Tally:
    """How many of a group's rows are correct."""

    correct: int
    total: int

    @property
    def percent(self) -> float:
        """100 times the share of correct rows; 0 for an empty group."""
        return 100 * self.correct / self.total if self.total else 0.0


Groups = dict[str, Tally]
"""Tallies by a group's name, in the order in which the names first occur."""


class Benchmark(Protocol):
    """What a benchmark's module offers. Rows given to `tables` and `scores` carry the fields of `verdict`."""

    @property
    def ID(self) -> tuple[str, ...]:
        """Fields that together tell problems apart; empty if the benchmark has none."""

    @property
    def NEEDS(self) -> tuple[str, ...]:
        """Fields without which a row cannot be scored. Those that only the tables need may be missing."""

    def verdict(self, row: Row) -> dict[str, Any]:
        """The fields that scoring adds to a row. Raises `BadRow`."""

    def tables(self, rows: Sequence[Row]) -> dict[str, Groups]:
        """Tables for people, by title."""

    def scores(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The score table in the official script's own form."""


def field(row: Row, name: str) -> Any:
    """A field that must be there.

    Raises:
        BadRow: It is not.
    """
    if name not in row:
        raise BadRow(f"no field {name!r}")
    return row[name]


def text(row: Row, name: str) -> str:
    """A field that must hold text; a number is taken as written.

    Raises:
        BadRow: It is not there, or holds something else.
    """
    value = field(row, name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadRow(f"field {name!r} is no text")
    return str(value)


def texts(row: Row, name: str) -> list[str]:
    """A field that must hold a list of texts; null is an empty one.

    Raises:
        BadRow: It is not there, or holds something else.
    """
    value = field(row, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRow(f"field {name!r} is no list of texts")
    return value


def tally(rows: Iterable[Row], correct: str, groups: Callable[[Row], Iterable[str]]) -> Groups:
    """Count rows by group; a row may be in several groups, or in none.

    Args:
        rows: Scored rows.
        correct: Field that holds the verdict.
        groups: Names of the groups that a row is in.
    """
    counts: dict[str, list[int]] = {}
    for row in rows:
        for name in groups(row):
            count = counts.setdefault(name, [0, 0])
            count[0] += bool(row[correct])
            count[1] += 1
    return {name: Tally(*count) for name, count in counts.items()}


def overall(rows: Iterable[Row], correct: str) -> Groups:
    """Count all rows as one group, `all`."""
    return tally(rows, correct, lambda row: ["all"])


def tally_by(rows: Iterable[Row], correct: str, name: str) -> Groups:
    """Count rows by the value, or the values, of a field."""
    return tally(rows, correct, lambda row: values(row, name))


def values(row: Row, name: str) -> list[str]:
    """Names of the groups that a field puts a row in: its value, each of its values, or none where it is missing."""
    value = row.get(name)
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
