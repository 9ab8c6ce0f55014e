"""How many rows of two tables are the same, differ, came and went."""

from dataclasses import dataclass

from mathse.share.diff.sides import Alignment, Side


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


def count(old: Side, new: Side, found: Alignment) -> Counts:
    """Count without reading values: matched rows whose stored hashes differ are taken as changed."""
    return Counts(
        old.rows, new.rows, len(found.old), len(found.added), len(found.removed), found.unchanged, found.duplicates, {}
    )
