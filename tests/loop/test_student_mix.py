from pathlib import Path

from mathse import layout
from mathse.loop.selection import Selected
from mathse.loop.student_mix import build
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem, Split
from tests import rows


def test_only_right_answers_train_the_student(tmp_path: Path) -> None:
    problem = rows.problem(answer="42", split=Split.ORM)
    right = rows.path("right", text="The answer to this problem is 42.")
    wrong = rows.path("wrong", text="The answer to this problem is 41.", sample_idx=1)
    silent = rows.path("silent", text="I cannot say.", sample_idx=2)
    store.write(tmp_path / layout.PROBLEMS, Problem, [problem])
    counts = build([right, wrong, silent], [problem], "solve-brief@1", tmp_path)

    assert counts == Selected(3, 1, {"graded WRONG": 1, "graded UNDECIDED": 1})
    (row,) = store.read(tmp_path / layout.mix("student"), MixRow)
    assert (row.path_id, row.completion[0].content) == ("right", right.text)
