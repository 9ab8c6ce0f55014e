from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.evaluation.significance import mcnemar


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    # Values of scipy.stats.binomtest(min(gained, lost), gained + lost).pvalue.
    [(10, 2, 0.03857421875), (0, 0, 1.0), (5, 5, 1.0), (0, 6, 0.03125), (5, 0, 2 / 32), (705, 215, 2.0e-61)],
)
def test_known_values(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=0.2 if p < 1e-9 else 1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_it_is_symmetric_and_the_sum_of_the_tails(gained: int, lost: int) -> None:
    n, fewer = gained + lost, min(gained, lost)
    tail = sum(comb(n, count) for count in range(fewer + 1)) / 2**n
    assert mcnemar(gained, lost) == mcnemar(lost, gained) == pytest.approx(min(1, 2 * tail))


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 and more"):
        mcnemar(-1, 3)
