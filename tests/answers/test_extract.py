import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.answers.extract import extract
from mathse.tables.schemas import MARKER


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("180 - 110 = 70. The answer to this problem is 70.", "70"),
        ("The answer to this problem is 3. No: 4. The answer to this problem is 5.", "5"),
        ("the answer to this problem is: **B**.", "B"),
        ("The answer to this problem is 3.5. Done.", "3.5"),
        ("The answer to this problem is 1/2", "1/2"),
        (r"The answer to this problem is \(\boxed{\frac{1}{2}}\).", r"\frac{1}{2}"),
        (r"So \boxed{3} and then \boxed{\frac{a}{b}}.", r"\frac{a}{b}"),
        (r"First \boxed{3}, then \boxed{4", "3"),
        (r"\boxed{}", None),
        ("Therefore the answer is 12.", "12"),
        ("Answer: C", "C"),
        ("I think\nB", "B"),
        ("(B)", "B"),
        ("70", "70"),
        ("-3/4", "-3/4"),
        ("The answer to this problem is", None),
        ("I do not know.", None),
        ("", None),
        ("  \n ", None),
        ("answer is ::\t:", None),
        ("答案是\uff1a\t。", None),
        (r"\boxed{ . }", None),
        ("The answer is :;", None),
        ("The answer to this problem is ...", None),
        ("answer: $ $", None),
        ("<answer> . </answer>", None),
        ("答案是>", ">"),
    ],
)
def test_finds_the_last_answer(text: str, answer: str | None) -> None:
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is St. Louis.", "St. Louis"),
        ("The answer is U.S. dollars.", "U.S. dollars"),
        ("The answer is Dr. Smith. He won.", "Dr. Smith"),
        ("The answer is Washington D.C. and Paris.", "Washington D.C. and Paris"),
        ("The answer is Jan. 5", "Jan. 5"),
        ("The answer is approx. 30.", "approx. 30"),
        ("The answer is the U.S. It is large.", "the U.S"),
        ("The answer is 5 p.m. It is late.", "5 p.m"),
        ("The answer is B. Because it is.", "B"),
        ("The answer is No. The line is longer.", "No"),
        ("The answer is 6 ft. The man is tall.", "6 ft"),
    ],
)
def test_the_full_stop_of_an_abbreviation_ends_no_answer(text: str, answer: str) -> None:
    assert extract(text) == answer


def test_the_marker_sentence_beats_a_box() -> None:
    assert extract(r"\boxed{3} The answer to this problem is 4.") == "4"


@given(prose=st.text(), value=st.integers())
def test_what_the_marker_sentence_says_is_found(prose: str, value: int) -> None:
    assert extract(f"{prose}\n{MARKER} {value}.") == str(value)


@given(st.text())
def test_never_an_empty_answer(text: str) -> None:
    answer = extract(text)
    assert answer is None or answer.strip(string.whitespace + ".,;:")
