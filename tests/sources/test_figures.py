from collections import Counter

import pytest

from mathse.answers.grade import grade
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.synthetic.figures import figure
from mathse.tables.images import decode
from mathse.tables.schemas import Image, Problem, Split, Status

SOURCE = FigureSource(name="figures", seed=11, train=60, orm=30, test=45)


@pytest.fixture(scope="module")
def loaded() -> tuple[list[Problem], list[Image]]:
    return figures.load(SOURCE)


def test_each_split_has_the_asked_number(loaded: tuple[list[Problem], list[Image]]) -> None:
    assert Counter(problem.split for problem in loaded[0]) == {Split.TRAIN: 60, Split.ORM: 30, Split.TEST: 45}


def test_splits_share_neither_content_nor_problem(loaded: tuple[list[Problem], list[Image]]) -> None:
    problems, _ = loaded
    contents = [figure(problem.source_id).content for problem in problems]
    assert len(set(contents)) == len({problem.problem_id for problem in problems}) == len(problems)


def test_each_problem_has_its_image(loaded: tuple[list[Problem], list[Image]]) -> None:
    for problem, image in zip(*loaded, strict=True):
        assert problem.image_ids == (image.image_id,)
        assert decode(image.data, 112 * 112).tobytes() == figure(problem.source_id).image().tobytes()


def test_a_problem_says_what_its_figure_says(loaded: tuple[list[Problem], list[Image]]) -> None:
    for problem in loaded[0]:
        drawn = figure(problem.source_id)
        assert (problem.question, problem.choices, problem.answer) == (drawn.question, drawn.choices, drawn.answer)
        assert (problem.subject, problem.level, problem.solution) == (drawn.subject, drawn.level, drawn.solution)
        assert (problem.source, problem.licence) == ("figures", "Apache-2.0")
        assert problem.problem_id == Problem.id_for(drawn.question, drawn.choices, drawn.answer, problem.image_ids)
        assert grade(problem.answer, problem.solution or "", problem.choices).status is Status.CORRECT


def test_the_same_source_gives_the_same_rows(loaded: tuple[list[Problem], list[Image]]) -> None:
    assert figures.load(SOURCE) == loaded


def test_another_seed_gives_other_problems(loaded: tuple[list[Problem], list[Image]]) -> None:
    others, _ = figures.load(SOURCE.model_copy(update={"seed": 12}))
    assert not {problem.source_id for problem in others} & {problem.source_id for problem in loaded[0]}


def test_more_training_problems_leave_the_test_problems_alone(loaded: tuple[list[Problem], list[Image]]) -> None:
    more, _ = figures.load(SOURCE.model_copy(update={"train": 90}))
    tests = [[problem for problem in problems if problem.split is Split.TEST] for problems in (loaded[0], more)]
    assert tests[0] == tests[1]
