import pytest

from mathse.errors import UserError
from mathse.loop.evaluation.orm_scores import measure
from mathse.tables.schemas import Feedback, Status, Verdict

RIGHT, WRONG, UNKNOWN = Status.CORRECT, Status.WRONG, Status.UNDECIDED


def verdict(path: str, status: Status, step: str | None = None, rule: Status | None = None) -> Verdict:
    return Verdict(
        path_id=path, problem_id="p", author="orm", prompt_id="judge@1", status=status, error_step=step, raw="",
        rule_status=rule or status, rule_reason="",
    )  # fmt: skip


def annotation(path: str, status: Status, step: str | None = None) -> Feedback:
    return Feedback(
        path_id=path, problem_id="p", author="solver", prompt_id="annotate@1", status=status, error_step=step, raw=""
    )


def test_each_share_has_its_own_denominator() -> None:
    feedback = [
        annotation("a", RIGHT), annotation("b", RIGHT),
        annotation("c", WRONG, "Step 1"), annotation("d", WRONG, "Step 2"), annotation("e", WRONG, "Step 3"),
        annotation("f", WRONG, "Step 1"), annotation("unused", UNKNOWN),
    ]  # fmt: skip
    verdicts = [
        verdict("a", RIGHT), verdict("b", WRONG, "Step 1", rule=RIGHT),
        verdict("c", WRONG, " step  1"), verdict("d", WRONG, "Step 1", rule=RIGHT), verdict("e", UNKNOWN, rule=WRONG),
        verdict("f", WRONG, None),
    ]  # fmt: skip
    found = measure(verdicts, feedback)
    assert (found.n, found.n_correct, found.n_wrong, found.undecided) == (6, 2, 4, 1)
    assert (found.accuracy_correct, found.accuracy_wrong, found.step_accuracy) == (0.5, 0.75, 0.25)
    assert found.accuracy == pytest.approx(4 / 6, abs=1e-6)
    assert {(pair.first, pair.second): pair.count for pair in found.confusion} == {
        (RIGHT, RIGHT): 1, (RIGHT, WRONG): 1, (WRONG, WRONG): 3, (WRONG, UNKNOWN): 1,
    }  # fmt: skip
    assert {(pair.first, pair.second): pair.count for pair in found.disagreements} == {
        (WRONG, RIGHT): 2, (UNKNOWN, WRONG): 1,
    }  # fmt: skip


def test_a_step_counts_only_with_a_wrong_verdict() -> None:
    verdicts = [verdict("a", RIGHT, "Step 1"), verdict("b", RIGHT)]
    found = measure(verdicts, [annotation("a", WRONG, "Step 1"), annotation("b", RIGHT)])
    assert found.step_accuracy == 0


@pytest.mark.parametrize("feedback", [[], [annotation("a", UNKNOWN)]])
def test_an_unannotated_path_is_an_error(feedback: list[Feedback]) -> None:
    with pytest.raises(UserError, match="path a has no CORRECT or WRONG annotation"):
        measure([verdict("a", RIGHT)], feedback)


@pytest.mark.parametrize(("status", "found"), [(RIGHT, "found 1 and 0"), (WRONG, "found 0 and 1")])
def test_both_kinds_of_path_are_needed(status: Status, found: str) -> None:
    with pytest.raises(UserError, match=rf"{found}: raise orm\.held_out"):
        measure([verdict("a", status)], [annotation("a", status)])
