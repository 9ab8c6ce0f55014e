import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.answers import grade as grading
from mathse.answers.closings import LONGEST
from mathse.answers.grade import Grade, Grader, grade, grade_answer
from mathse.tables.schemas import Status

CHOICES = ("40", "45", "1/2")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The calls of the grader behind a `Grader`."""
    calls: list[tuple[object, ...]] = []

    def counted(*arguments: object) -> Grade:
        calls.append(arguments)
        return Grade(Status.CORRECT, str(arguments[1]), "counted")

    monkeypatch.setattr(grading, "grade", counted)
    return calls


@pytest.mark.parametrize(
    ("gold", "answer", "status"),
    [
        ("70", "70", Status.CORRECT),
        ("70", "70.0", Status.CORRECT),
        ("70", "70°", Status.CORRECT),
        ("70", "70 degrees", Status.CORRECT),
        ("1200", "1,200", Status.CORRECT),
        ("-3", "\N{MINUS SIGN}3", Status.CORRECT),
        ("1/2", r"$\frac{1}{2}$", Status.CORRECT),
        ("1/2", "2/4", Status.CORRECT),
        ("1/2", "0.5", Status.CORRECT),
        ("1/3", "0.333", Status.WRONG),
        ("70", "71", Status.WRONG),
        ("1/2", "1/0", Status.WRONG),
        ("Anna", "anna", Status.CORRECT),
        ("Anna", "Berta", Status.WRONG),
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", Status.CORRECT),
        ("x+1", "1+x", Status.CORRECT),
        ("x+1", "x+2", Status.WRONG),
        ("70", "12" * LONGEST, Status.UNDECIDED),
        ("70", None, Status.UNDECIDED),
        ("70", "  ", Status.UNDECIDED),
    ],
)
def test_values(gold: str, answer: str | None, status: Status) -> None:
    assert grade_answer(gold, answer).status is status


@pytest.mark.parametrize(
    ("gold", "answer", "status"),
    [
        ("B", "B", Status.CORRECT),
        ("B", "(B)", Status.CORRECT),
        ("B", "B. 45", Status.CORRECT),
        ("B", "**B**", Status.CORRECT),
        ("B", "45", Status.CORRECT),
        ("B", "45.0", Status.CORRECT),
        ("45", "B", Status.CORRECT),
        ("C", "0.5", Status.CORRECT),
        ("B", "A", Status.WRONG),
        ("B", "40", Status.WRONG),
        ("B", "99", Status.WRONG),
    ],
)
def test_options_by_letter_or_value(gold: str, answer: str, status: Status) -> None:
    assert grade_answer(gold, answer, CHOICES).status is status


def test_equal_options_are_both_right() -> None:
    assert grade_answer("A", "B", ("7", "7")).status is Status.CORRECT
    assert grade_answer("A", "B", ("1/2", "0.5")).status is Status.CORRECT


def test_a_text_is_searched_for_its_answer() -> None:
    result = grade("70", "180 - 110 = 70. The answer to this problem is 70.")
    assert result == Grade(Status.CORRECT, "70", "same text")


def test_no_answer_is_undecided() -> None:
    assert grade("70", "I cannot see the figure.") == Grade(Status.UNDECIDED, None, "no answer found")


def test_what_takes_too_long_is_refused() -> None:
    result = grade_answer("2^{99999999999}", "x + 3")
    assert (result.status, result.extracted) == (Status.UNDECIDED, "x + 3")
    assert result.reason == "symbolic grading refused: a large power"


def test_threads_grade_symbolically_too() -> None:
    with ThreadPoolExecutor(4) as pool:
        pairs = [("1/2", "0.5"), ("x+1", "1+x"), (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}")] * 4
        grades = list(pool.map(lambda pair: grade_answer(*pair), pairs))
    assert {result.status for result in grades} == {Status.CORRECT}


@given(st.fractions())
def test_a_number_equals_itself_in_every_form(value: object) -> None:
    assert grade_answer(str(value), f" ${value}$ ").status is Status.CORRECT


@given(st.fractions(), st.fractions())
def test_equivalence_of_numbers_is_symmetric_and_exact(first: object, second: object) -> None:
    there, back = grade_answer(str(first), str(second)), grade_answer(str(second), str(first))
    assert there.status is back.status is (Status.CORRECT if first == second else Status.WRONG)


@given(st.text(min_size=1, max_size=50), st.sampled_from("ABC"))
def test_odd_answers_never_crash(answer: str, gold: str) -> None:
    assert grade_answer(gold, answer, CHOICES).status in Status


def test_a_repeated_pair_is_worked_out_once(calls: list[tuple[object, ...]]) -> None:
    grader = Grader()
    pairs: list[tuple[str, str, tuple[str, ...], int | None]] = [
        ("1/2", r"So \boxed{0.5}.", (), None),
        ("B", "The answer to this problem is 45.", ("40", "45"), None),
        ("3.14", "3.1416", (), 2),
        ("3.14", "3.1416", (), None),
        ("7", "8", (), None),
    ]
    for pair in pairs * 20:
        grader.grade(*pair)
    assert calls == [(*pair, None) for pair in pairs]
    grader.grade("7", "8", ("1", "2"))
    grader.grade("7", "8", ("12",))
    grader.grade("7", "8", (), 0)
    grader.grade("7", "8", (), None, "free_form")
    grader.grade("78", "")
    assert len(calls) == 10  # none of these is another


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(calls: list[tuple[object, ...]]) -> None:
    grader = Grader(remembered=10)
    for number in range(1000):
        grader.grade("7", str(number))
    assert len(grader._grades) == 10
    assert len(calls) == 1000
    grader.grade("7", "999")
    assert len(calls) == 1000
    grader.grade("7", "5")
    assert len(calls) == 1001


def test_a_lone_surrogate_is_graded() -> None:
    assert Grader().grade("7", "\ud800").status is not Status.CORRECT


@given(st.lists(st.sampled_from(["5", "5.0", "A", "x+1", "", " ", "1/2", "no"]), min_size=2, max_size=2), st.booleans())
def test_remembering_changes_no_verdict(pair: list[str], has_choices: bool) -> None:
    grader, choices = Grader(), ("5", "1/2") if has_choices else ()
    first, again = (grader.grade(pair[0], pair[1], choices) for _ in range(2))
    assert first == again == grade(pair[0], pair[1], choices)


def test_pairs_do_not_run_into_each_other() -> None:
    chance, grader = random.Random(1), Grader()
    for _ in range(300):
        signs = "".join(chance.choice("5\0x") for _ in range(4))
        cut = chance.randrange(5)
        assert grader.grade(signs[:cut], signs[cut:]) == grade(signs[:cut], signs[cut:])
