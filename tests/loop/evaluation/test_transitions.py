import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.errors import UserError
from mathse.loop.evaluation.transitions import Transition, compare
from mathse.tables.schemas import Prediction, Status

STATUSES = st.lists(st.tuples(st.sampled_from(list(Status)), st.sampled_from(list(Status))), max_size=30)


def prediction(problem_id: str, status: Status) -> Prediction:
    return Prediction(
        problem_id=problem_id, author="m", prompt_id="solve@1", text="", answer=None, status=status, reason="",
        finish_reason="stop", tokens_in=0, tokens_out=0,
    )  # fmt: skip


def table(statuses: list[Status]) -> list[Prediction]:
    return [prediction(f"p{place}", status) for place, status in enumerate(statuses)]


def test_each_outcome_is_counted() -> None:
    right, wrong, unknown = Status.CORRECT, Status.WRONG, Status.UNDECIDED
    before = table([right, right, wrong, unknown, wrong, right])
    after = table([right, unknown, right, right, unknown, wrong])
    found = compare(("base", before), ("0", after))
    assert found == Transition("base", "0", stayed_correct=1, stayed_wrong=1, lost=2, gained=2)


@given(STATUSES)
def test_counts_add_up_and_mirror(pairs: list[tuple[Status, Status]]) -> None:
    before, after = table([first for first, _ in pairs]), table([second for _, second in pairs])
    there, back = compare(("a", before), ("b", after[::-1])), compare(("b", after), ("a", before))
    assert there.n == back.n == len(pairs)
    assert (there.gained, there.lost) == (back.lost, back.gained)


@given(STATUSES)
def test_nothing_changes_between_a_model_and_itself(pairs: list[tuple[Status, Status]]) -> None:
    rows = table([first for first, _ in pairs])
    same = compare(("a", rows), ("a", rows))
    assert same.gained == same.lost == 0


def test_different_problems_are_an_error() -> None:
    before, after = table([Status.CORRECT]), [prediction("other", Status.CORRECT)]
    with pytest.raises(UserError, match=r"models base and 0 .* 2 are in one table only, first other"):
        compare(("base", before), ("0", after))
