from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.loop.evaluation.passes import pass_at, pass_rates, steps


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_it_is_the_share_of_subsets_with_a_right_answer(right: list[bool], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(right)))
    subsets = list(combinations(right, k))
    assert pass_at(len(right), sum(right), k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@pytest.mark.parametrize(("n", "correct", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_impossible_counts_are_errors(n: int, correct: int, k: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= correct <= n"):
        pass_at(n, correct, k)


def test_rates_by_k() -> None:
    assert (steps(0), steps(1), steps(4), steps(6)) == ([], [1], [1, 2, 4], [1, 2, 4, 6])
    assert pass_rates([1, 0], 2) == {"1": 0.25, "2": 0.5}
    assert pass_rates([1, 0], 2, missing=2) == {"1": 0.125, "2": 0.25}
    assert pass_rates([], 0) == {}
