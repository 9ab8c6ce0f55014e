"""The statistics of a measurement: intervals of a share, pass@k, and whether two models differ.

Samples: `wilson(5, 10)`  ->  about `(0.24, 0.76)`
    `bootstrap([(1, 1)] * 30 + [(0, 1)] * 70)`  ->  about `(0.21, 0.39)`
    `pass_at(4, 1, 2)`, 1 of 4 answers right  ->  0.5
    `mcnemar(10, 2)`, 10 problems gained and 2 lost  ->  0.0386
"""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from math import comb, sqrt

DIGITS = 6
"""Decimals to which shares are stored."""
Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""
LEVEL = 0.95
RESAMPLES = 10_000
SEED = 0

Group = tuple[int, int]
"""Correct items and items of a group."""


def wilson(correct: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share (Wilson 1927), within [0, 1] even at the ends.

    Raises:
        ValueError: The counts are out of bounds.
    """
    if not 0 <= correct <= n or n == 0:
        raise ValueError(f"need 0 <= correct <= n and n >= 1; found correct={correct}, n={n}")
    share, square = correct / n, Z_95**2
    centre = share + square / (2 * n)
    margin = Z_95 * sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = ((centre + sign * margin) / (1 + square / n) for sign in (-1, 1))
    return min(max(0.0, low), share), max(min(1.0, high), share)


def bootstrap(groups: Iterable[Group], resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float]:
    """95 % percentile interval of correct items over items, groups resampled with replacement.

    The versions of one MathVerse problem stand or fall together: it is problems that are drawn again, not versions.

    Args:
        groups: At least one, each with at least one item.
        seed: The same groups and seed give the same interval.

    Raises:
        ValueError: There is no group.
    """
    import numpy as np  # heavy, and needed by no other statistic

    # Groups with the same counts are the same to a resample, so that it is enough to draw how often each kind of group
    # comes: one multinomial draw per resample, whatever the number of items.
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


def pass_at(n: int, correct: int, k: int) -> float:
    """pass@k: the chance that one of k answers is right, estimated without bias from n >= k of them (Chen et al. 2021).

    It is the share of the k-subsets of n answers that hold a right one.

    Raises:
        ValueError: The counts are out of bounds.
    """
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"need 0 <= correct <= n and 1 <= k <= n; found n={n}, correct={correct}, k={k}")
    return 1 - comb(n - correct, k) / comb(n, k)


def pass_rates(correct: Iterable[int], samples: int, missing: int = 0) -> dict[str, float]:
    """Mean pass@k over items, for k of 1, 2, 4, ... and the number of samples itself.

    Args:
        correct: How many of an item's samples are right, for each item.
        samples: Answers drawn for each.
        missing: Items that could not be asked, and count as never solved.
    """
    counts = list(correct)
    total = len(counts) + missing
    if not samples or not total:
        return {}
    powers = [2**exponent for exponent in range(samples.bit_length()) if 2**exponent < samples]
    return {
        str(k): round(sum(pass_at(samples, count, k) for count in counts) / total, DIGITS) for k in (*powers, samples)
    }


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact test, two-sided: whether two models differ on the same problems by more than chance.

    Only problems that one of the two solves say anything. Were the models equal, each such problem would be as likely
    the one's as the other's: a fair coin. `gained` are those that only the second model solves.

    Raises:
        ValueError: A count is negative.
    """
    if gained < 0 or lost < 0:
        raise ValueError(f"need counts of 0 and more; found {gained} and {lost}")
    differing, fewer = gained + lost, min(gained, lost)
    term = tail = 1
    for count in range(1, fewer + 1):
        term = term * (differing - count + 1) // count
        tail += term
    return min(1.0, float(Fraction(2 * tail, 2**differing)))
