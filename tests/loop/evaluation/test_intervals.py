import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.evaluation.intervals import bootstrap


def test_it_is_what_resampling_one_by_one_gives() -> None:
    right = np.array([1] * 30 + [0] * 70)
    chance = np.random.default_rng(7)
    shares = [right[chance.integers(0, 100, 100)].mean() for _ in range(4000)]
    assert bootstrap([(1, 1)] * 30 + [(0, 1)] * 70) == pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=0.011)


def test_versions_of_one_problem_are_drawn_together() -> None:
    """Five versions that stand or fall together say as little as one."""
    low, high = bootstrap([(5, 5)] * 30 + [(0, 5)] * 70)
    assert (low, high) == bootstrap([(1, 1)] * 30 + [(0, 1)] * 70)
    narrow = bootstrap([(1, 1)] * 150 + [(0, 1)] * 350)
    assert low < narrow[0] < narrow[1] < high


@given(st.lists(st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40))
def test_an_interval_is_repeatable_and_within_bounds(groups: list[tuple[int, int]]) -> None:
    low, high = bootstrap(groups, resamples=200)
    assert 0 <= low <= high <= 1
    assert (low, high) == bootstrap(reversed(groups), resamples=200)


def test_all_right_leaves_no_doubt_and_none_is_an_error() -> None:
    assert bootstrap([(1, 1)] * 9) == (1, 1)
    with pytest.raises(ValueError, match="at least one group"):
        bootstrap([])
