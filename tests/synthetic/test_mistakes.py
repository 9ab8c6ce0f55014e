import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.answers.extract import extract
from mathse.answers.grade import grade
from mathse.synthetic.figures import Figure, figure
from mathse.synthetic.mistakes import Mistake, wrong_solution
from mathse.synthetic.review import review
from mathse.synthetic.steps import parse, read_solution
from mathse.tables.schemas import Status
from tests.synthetic.scenes import FIGURES, KINDS


@given(FIGURES, st.integers())
def test_a_wrong_solution_is_wrong_and_is_found_out(made: Figure, seed: int) -> None:
    text = wrong_solution(made, random.Random(seed))
    if text is None:
        return
    assert extract(text) != made.answer
    assert grade(made.answer, text, made.choices).status is Status.WRONG
    found = review(made, text)
    assert found is not None
    assert found.step in {label for label, _ in read_solution(text)}


@given(FIGURES, st.integers())
def test_every_step_of_a_wrong_solution_can_be_read(made: Figure, seed: int) -> None:
    said = read_solution(wrong_solution(made, random.Random(seed)) or "")
    assert all(parse(body) is not None for _, body in said)
    assert all(int(number) < 200 for _, body in said for number in re.findall(r"\d+", body))


@given(FIGURES, st.integers())
def test_the_same_seed_makes_the_same_mistake(made: Figure, seed: int) -> None:
    first, second = (wrong_solution(made, random.Random(seed)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("family", "level"), KINDS)
def test_a_mistake_can_be_made_in_every_kind_of_problem(family: str, level: int) -> None:
    texts = [wrong_solution(figure(f"{family}-{level}-{seed}"), random.Random(seed)) for seed in range(20)]
    assert sum(text is not None for text in texts) >= 17


def test_every_kind_of_mistake_occurs() -> None:
    found = set()
    for family, level in KINDS:
        for seed in range(10):
            made = figure(f"{family}-{level}-{seed}")
            finding = review(made, wrong_solution(made, random.Random(seed)) or "")
            found.add(finding.kind if finding else None)
    assert found == set(Mistake)
