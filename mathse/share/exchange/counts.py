"""What an export's rows come to, counted while they stream by.

Sample: `counts.of("kind")` -> `{"distilled": 174, "rollout": 285}`
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mathse.share.exchange.columns import SharedRow
from mathse.share.exchange.rows import refused

COUNTED = ("source", "licence", "kind", "round", "author", "judge", "prompt_id", "subject", "language", "verdict")
"""Columns whose values are few."""


@dataclass
class Counts:
    """Numbers of rows.

    Attributes:
        rows: Shared ones.
        images: In all of them.
        most_images: In one of them.
        unshareable: Of the shared ones, those whose licence forbids it; more than none only if that was overridden.
        excluded: Rows that were left out, by reason.
        sample: The first row, without its images.
    """

    rows: int = 0
    images: int = 0
    most_images: int = 0
    unshareable: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    sample: SharedRow | None = None
    _values: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def counted(self, rows: Iterable[SharedRow]) -> Iterator[SharedRow]:
        """The rows as they come, counted."""
        for row in rows:
            self.rows += 1
            self.images += len(row.images)
            self.most_images = max(self.most_images, len(row.images))
            self.unshareable += refused(row.origins) is not None
            self._values[tuple("" if (found := getattr(row, name)) is None else str(found) for name in COUNTED)] += 1
            if self.sample is None:
                self.sample = row.model_copy(update={"images": ()})
            yield row

    def of(self, column: str) -> dict[str, int]:
        """Rows by the values of a column, the most frequent first; rows without a value are not counted."""
        return {values[0]: count for values, count in self.by(column).items() if values[0]}

    def by(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Rows by the values of several columns, the most frequent first."""
        places = [COUNTED.index(column) for column in columns]
        found: Counter[tuple[str, ...]] = Counter()
        for values, count in self._values.items():
            found[tuple(values[place] for place in places)] += count
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
