import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.answers.extract import extract
from mathse.synthetic.steps import Calc, Extreme, Read, Reduce, Step, parse, read_solution, write_solution
from tests.synthetic.scenes import STEPS


@given(STEPS)
def test_a_written_step_is_read_back(step: Step) -> None:
    assert parse(str(step)) == step


@given(st.lists(STEPS, max_size=8), st.sampled_from(["70", "3/4", "B"]))
def test_a_written_solution_is_read_back(steps: list[Step], answer: str) -> None:
    text = write_solution(steps, answer)
    labels = [f"Step {number}" for number in range(1, len(steps) + 1)]
    assert read_solution(text) == list(zip(labels, map(str, steps), strict=True))
    assert extract(text) == answer


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    step = parse(text)
    assert step is None or parse(str(step)) == step
    assert all(label.startswith("Step ") for label, _ in read_solution(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "50 + 60",
        "50 + 60 = 110.",
        " 50 + 60 = 110",
        "50+60=110",
        "50 ^ 60 = 110",
        "angle A is fifty",
        "angle A is 5.5",
        "the longest of 3, 4 is 4",
        "3 over 4 is 0.75",
        "70 is option Z",
        f"angle A is {10**9}",
        "9 + 1 = 10\n",
    ],
)
def test_what_no_step_would_write_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("step", "result"),
    [
        (Calc(7, "+", 8, 0), 15),
        (Calc(7, "-", 8, 0), -1),
        (Calc(7, "×", 8, 0), 56),
        (Calc(56, "÷", 8, 0), 7),
        (Calc(57, "÷", 8, 0), None),
        (Calc(57, "÷", 0, 0), None),
        (Extreme("largest", (3, 9, 4), 0), 9),
        (Extreme("smallest", (3, 9, 4), 0), 3),
    ],
)
def test_what_an_operation_gives(step: Calc | Extreme, result: int | None) -> None:
    assert step.true_result == result


@pytest.mark.parametrize(
    ("step", "holds"),
    [
        (Reduce(4, 8, 1, 2), True),
        (Reduce(3, 4, 3, 4), True),
        (Reduce(4, 8, 2, 4), False),
        (Reduce(4, 8, 1, 3), False),
        (Reduce(4, 0, 1, 2), False),
        (Reduce(4, 8, 1, 0), False),
    ],
)
def test_a_fraction_holds_if_equal_and_in_lowest_terms(step: Reduce, holds: bool) -> None:
    assert step.holds is holds


def test_the_sample_solution_reads_as_documented() -> None:
    steps: list[Step] = [Read("angle A", 50), Read("angle B", 60), Calc(50, "+", 60, 110), Calc(180, "-", 110, 70)]
    assert write_solution(steps, "70") == (
        "Step 1: angle A is 50. Step 2: angle B is 60. Step 3: 50 + 60 = 110. Step 4: 180 - 110 = 70. "
        "The answer to this problem is 70."
    )
