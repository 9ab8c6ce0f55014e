"""What the official rules work on: the fields of a response, and counts over responses.

A response is a JSON object with the benchmark's own field names. One that cannot be scored raises `BadRow` with a
short, countable reason: it is unscored, which is not the same as wrong.

Sample: `tally_by([{"level": 1, "correct": True}, {"level": 1, "correct": False}], "correct", "level")`  ->
`{"1": Tally(1, 2)}`
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mathse.tables.schemas import BenchmarkItem

Fields = Mapping[str, Any]
"""A response, a benchmark's problem, or both in one."""


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


def official_fields(item: BenchmarkItem) -> Fields:
    """What official scoring reads of an item, in the benchmark's own names."""
    fields: Fields = json.loads(item.official)
    return fields


def field(row: Fields, name: str) -> Any:
    """A field that must be there.

    Raises:
        BadRow: It is not.
    """
    if name not in row:
        raise BadRow(f"no field {name!r}")
    return row[name]


def text(row: Fields, name: str) -> str:
    """A field that must hold text; a number is taken as written.

    Raises:
        BadRow: It is not there, or holds something else.
    """
    value = field(row, name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadRow(f"field {name!r} is no text")
    return str(value)


def texts(row: Fields, name: str) -> list[str]:
    """A field that must hold a list of texts; null is an empty one.

    Raises:
        BadRow: It is not there, or holds something else.
    """
    value = field(row, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise BadRow(f"field {name!r} is no list of texts")
    return value


def values(row: Fields, name: str) -> list[str]:
    """Names of the groups that a field puts a row in: its value, each of its values, or none where it is missing."""
    value = row.get(name)
    if value is None:
        return []
    return [str(part) for part in value] if isinstance(value, list) else [str(value)]


def tally(rows: Iterable[Fields], correct: str, groups: Callable[[Fields], Iterable[str]]) -> Groups:
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


def tally_by(rows: Iterable[Fields], correct: str, name: str) -> Groups:
    """Count rows by the value, or the values, of a field."""
    return tally(rows, correct, lambda row: values(row, name))


def overall(rows: Iterable[Fields], correct: str) -> Groups:
    """Count all rows as one group, `all`."""
    return tally(rows, correct, lambda row: ["all"])


def as_shares(tables: Mapping[str, Groups], name: str, decimals: int) -> dict[str, Any]:
    """Tables with each group as `{"accuracy": 0.667, "correct": 2, "total": 3}`; `name` stands for `accuracy`."""
    return {
        title: {
            group: {name: round(count.percent / 100, decimals), "correct": count.correct, "total": count.total}
            for group, count in groups.items()
        }
        for title, groups in tables.items()
    }
