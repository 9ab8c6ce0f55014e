"""pass@k: the chance that one of k answers is right, estimated without bias from n >= k of them (Chen et al. 2021).

Sample: of 4 answers 1 is right: `pass_at(4, 1, 2)`  ->  0.5
"""

from collections.abc import Iterable
from math import comb

DIGITS = 6


def pass_at(n: int, correct: int, k: int) -> float:
    """The share of the k-subsets of n answers that hold a right one.

    Args:
        n: Answers drawn.
        correct: Those that are right.
        k: 1 to n.

    Raises:
        ValueError: The counts are out of bounds.
    """
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"need 0 <= correct <= n and 1 <= k <= n; found n={n}, correct={correct}, k={k}")
    return 1 - comb(n - correct, k) / comb(n, k)


def steps(samples: int) -> list[int]:
    """The k that are reported: 1, 2, 4, ... and the number of samples itself."""
    powers = [2**exponent for exponent in range(samples.bit_length()) if 2**exponent < samples]
    return [*powers, samples] if samples else []


def pass_rates(correct: Iterable[int], samples: int, missing: int = 0) -> dict[str, float]:
    """Mean pass@k over items, by k.

    Args:
        correct: How many of an item's samples are right, for each item.
        samples: Answers drawn for each.
        missing: Items that could not be asked, and count as never solved.
    """
    counts = list(correct)
    total = len(counts) + missing
    return {
        str(k): round(sum(pass_at(samples, count, k) for count in counts) / total, DIGITS)
        for k in steps(samples)
        if total
    }
