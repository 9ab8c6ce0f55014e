from pathlib import Path

import duckdb
import pytest

from mathse.loop.mix_checks import CHECKS, CheckFailed, check
from mathse.loop.mix_rows import student_row
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem, Split
from tests import rows

PROMPT = "solve-brief@1"


def checked(folder: Path, mix_rows: list[MixRow], problems: list[Problem]) -> None:
    store.write(folder / "problems.parquet", Problem, problems)
    store.write(folder / "mix.parquet", MixRow, mix_rows)
    check(folder / "mix.parquet", folder / "problems.parquet")


def mix_row(problem: Problem, path_id: str = "a1") -> MixRow:
    return student_row(problem, rows.path(path_id, problem.problem_id), PROMPT)


def test_a_sound_mix_passes_every_check(tmp_path: Path) -> None:
    train, test = rows.problem("p1"), rows.problem("p2", split=Split.TEST)

    checked(tmp_path, [mix_row(train, "a1"), mix_row(train, "a2")], [train, test])
    checked(tmp_path, [], [])


def test_a_test_problem_is_found(tmp_path: Path) -> None:
    test = rows.problem("p2", split=Split.TEST, image_ids=())

    with pytest.raises(CheckFailed, match=r"mix\.parquet: check no_test_problem failed.*p2.*the problem itself"):
        checked(tmp_path, [mix_row(test)], [test])


def test_an_image_of_a_test_problem_is_found(tmp_path: Path) -> None:
    train = rows.problem("p1", image_ids=("own", "shared"))
    test = rows.problem("p2", split=Split.TEST, image_ids=("shared",))

    with pytest.raises(CheckFailed, match=r"no_test_problem failed.*a1.*p2.*image shared"):
        checked(tmp_path, [mix_row(train)], [train, test])


def test_an_unknown_problem_is_found(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"known_problems failed.*a1.*p9"):
        checked(tmp_path, [mix_row(rows.problem("p9"))], [rows.problem("p1")])


def test_another_image_is_found(tmp_path: Path) -> None:
    problem = rows.problem(image_ids=("one", "two"))

    with pytest.raises(CheckFailed, match=r"known_images failed.*a1"):
        checked(tmp_path, [mix_row(problem).model_copy(update={"image_ids": ("two", "one")})], [problem])


def test_a_path_that_is_there_twice_is_found() -> None:
    sql = (CHECKS / "one_row_per_path.sql").read_text()
    connection = duckdb.connect()
    connection.execute("create table mix as select unnest(['a', 'b', 'a']) as path_id")

    assert connection.execute(sql).fetchall() == [("a", 2)]


def test_an_empty_completion_is_found(tmp_path: Path) -> None:
    empty = student_row(rows.problem(), rows.path(text=" \n\t"), PROMPT)

    with pytest.raises(CheckFailed, match=r"no_empty_completion failed.*a1"):
        checked(tmp_path, [empty], [rows.problem()])


@pytest.mark.parametrize("text", ["path A1.  the answer to this problem is 4.", " "])
def test_a_wrong_path_that_says_nothing_else_is_found(tmp_path: Path, text: str) -> None:
    pair = student_row(rows.problem(), rows.path("a1"), PROMPT, ("w", text))

    with pytest.raises(CheckFailed, match=r"rejected_is_another failed.*a1"):
        checked(tmp_path, [pair], [rows.problem()])
    checked(tmp_path, [student_row(rows.problem(), rows.path("a1"), PROMPT, ("w", "Else."))], [rows.problem()])


def test_a_wrong_path_without_its_id_is_found(tmp_path: Path) -> None:
    pair = student_row(rows.problem(), rows.path("a1"), PROMPT, ("w", "Else."))

    with pytest.raises(CheckFailed, match=r"rejected_is_another failed.*a1"):
        checked(tmp_path, [pair.model_copy(update={"rejected_path_id": None})], [rows.problem()])


def test_a_text_that_is_there_twice_is_found(tmp_path: Path) -> None:
    problems = [rows.problem("p1"), rows.problem("p2")]
    told = [("a1", "p1", "Same text."), ("a2", "p1", "same\n text. "), ("a3", "p2", "Same text.")]
    made = [student_row(problems[int(p[1]) - 1], rows.path(a, p, text=text), PROMPT) for a, p, text in told]

    checked(tmp_path, [made[0], made[2]], problems)
    with pytest.raises(CheckFailed, match=r'no_duplicate_text failed.*"a2".*"same_as": "a1"'):
        checked(tmp_path, made, problems)
