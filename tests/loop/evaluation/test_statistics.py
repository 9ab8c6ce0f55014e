from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.evaluation.statistics import bootstrap, mcnemar, pass_at, pass_rates, wilson


def test_known_wilson_intervals() -> None:
    # Values of statsmodels.stats.proportion.proportion_confint(..., method="wilson").
    assert wilson(10, 100) == pytest.approx((0.05522914, 0.17436566), abs=1e-7)
    assert wilson(0, 20) == pytest.approx((0.0, 0.16112516), abs=1e-7)
    assert wilson(20, 20) == pytest.approx((0.83887484, 1.0), abs=1e-7)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_its_share_and_mirrors(counts: tuple[int, int]) -> None:
    correct, n = counts
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert wilson(n - correct, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_a_share_of_impossible_counts_is_an_error(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= correct <= n"):
        wilson(correct, n)


def test_a_bootstrap_interval_is_what_resampling_one_by_one_gives() -> None:
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
def test_a_bootstrap_interval_is_repeatable_and_within_bounds(groups: list[tuple[int, int]]) -> None:
    low, high = bootstrap(groups, resamples=200)
    assert 0 <= low <= high <= 1
    assert (low, high) == bootstrap(reversed(groups), resamples=200)


def test_all_right_leaves_no_doubt_and_none_is_an_error() -> None:
    assert bootstrap([(1, 1)] * 9) == (1, 1)
    with pytest.raises(ValueError, match="at least one group"):
        bootstrap([])


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_right_answer(right: list[bool], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(right)))
    subsets = list(combinations(right, k))
    assert pass_at(len(right), sum(right), k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@pytest.mark.parametrize(("n", "correct", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_pass_at_k_of_impossible_counts_is_an_error(n: int, correct: int, k: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= correct <= n"):
        pass_at(n, correct, k)


def test_rates_by_k() -> None:
    for samples, ks in ((0, ""), (1, "1"), (4, "124"), (6, "1246")):
        assert list(pass_rates([0], samples)) == list(ks)
    assert pass_rates([1, 0], 2) == {"1": 0.25, "2": 0.5}
    assert pass_rates([1, 0], 2, missing=2) == {"1": 0.125, "2": 0.25}
    assert pass_rates([], 0) == {}


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    # Values of scipy.stats.binomtest(min(gained, lost), gained + lost).pvalue.
    [(10, 2, 0.03857421875), (0, 0, 1.0), (5, 5, 1.0), (0, 6, 0.03125), (5, 0, 2 / 32), (705, 215, 2.0e-61)],
)
def test_known_values_of_mcnemars_test(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=0.2 if p < 1e-9 else 1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemars_test_is_symmetric_and_the_sum_of_the_tails(gained: int, lost: int) -> None:
    n, fewer = gained + lost, min(gained, lost)
    tail = sum(comb(n, count) for count in range(fewer + 1)) / 2**n
    assert mcnemar(gained, lost) == mcnemar(lost, gained) == pytest.approx(min(1, 2 * tail))


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 and more"):
        mcnemar(-1, 3)
