"""McNemar's exact test: whether two models differ on the same problems by more than chance.

Only problems that one of the two solves say anything. Were the models equal, each such problem would be as likely the
one's as the other's: a fair coin.

Sample: 10 problems gained and 2 lost: `mcnemar(10, 2)`  ->  0.0386
"""

from fractions import Fraction
from math import comb


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value, exact at any count.

    Args:
        gained: Problems that only the second model solves.
        lost: Problems that only the first model solves.

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
    assert term == comb(differing, fewer)
    return min(1.0, float(Fraction(2 * tail, 2**differing)))
