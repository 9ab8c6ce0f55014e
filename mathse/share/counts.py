"""What an export's rows come to, counted while they stream by.

Sample: `counts.of("kind")`  ->  `{"distilled": 174, "rollout": 285}`
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mathse.share.columns import SharedRow
from mathse.share.rows import refused

EXCLUDED = "excluded.jsonl"
COUNTED = ("source", "licence", "kind", "round", "author", "judge", "prompt_id", "subject", "language", "verdict")
"""Columns whose values are few."""


@dataclass
class Counts:
    """What an export's rows come to, counted while they stream by.

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

    def add(self, row: SharedRow) -> None:
        """Count a shared row."""
        self.rows += 1
        self.images += len(row.images)
        self.most_images = max(self.most_images, len(row.images))
        self.unshareable += refused(row.origins) is not None
        values = (getattr(row, name) for name in COUNTED)
        self._values[tuple("" if value is None else str(value) for value in values)] += 1
        if self.sample is None:
            self.sample = row.model_copy(update={"images": ()})

    def of(self, column: str) -> dict[str, int]:
        """Rows by the values of a column, the most frequent first; rows without a value are not counted."""
        return {values[0]: count for values, count in self.by(column).items() if values[0]}

    def by(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Rows by the values of several columns, the most frequent first."""
        places = [COUNTED.index(column) for column in columns]
        counts: Counter[tuple[str, ...]] = Counter()
        for values, count in self._values.items():
            counts[tuple(values[place] for place in places)] += count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def summary(self, folder: Path) -> str:
        """One paragraph for whoever exported: rows, images, size, licences, and what was left out."""
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        licences = ", ".join(f"{rows} {licence}" for licence, rows in self.of("licence").items())
        lines = [f"{folder}: {self.rows} rows, {self.images} images, {size / 1e6:.1f} MB ({licences})"]
        lines += [f"  {count} rows left out: {reason}" for reason, count in self.excluded.most_common()]
        lines.append(f"  listed in {folder / EXCLUDED}" if self.excluded else "no row left out")
        return "\n".join(lines)

    def warning(self) -> str:
        """Said when licences were overridden."""
        return (
            f"warning: {self.unshareable} of the rows may not be shared or trained on, by their licence or because "
            "nobody knows it. Keep this folder to yourself; its card says so too"
        )
