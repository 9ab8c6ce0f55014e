"""Bootstrap intervals (percentile), vectorised, of a share whose items come in groups.

The versions of one MathVerse problem stand or fall together: it is problems that are drawn again, not versions. Groups
with the same counts are the same to a resample, so that it is enough to draw how often each kind of group comes: one
multinomial draw a resample, whatever the number of items.

Sample: `bootstrap([(1, 1)] * 30 + [(0, 1)] * 70)`  ->  about `(0.21, 0.39)`
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

RESAMPLES = 10_000
SEED = 0
LEVEL = 0.95

Group = tuple[int, int]
"""Correct items and items of a group."""


def bootstrap(groups: Iterable[Group], resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float]:
    """95 % percentile interval of correct items over items, groups resampled with replacement.

    Args:
        groups: At least one, each with at least one item.
        resamples: How often to resample.
        seed: The same groups and seed give the same interval.

    Raises:
        ValueError: There is no group.
    """
    kinds = sorted(Counter(groups).items())
    if not kinds:
        raise ValueError("need at least one group")
    counts = np.array([count for _, count in kinds], dtype=np.int64)
    correct, items = (np.array([kind[place] for kind, _ in kinds], dtype=np.int64) for place in (0, 1))
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    shares = (drawn @ correct) / (drawn @ items)
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
