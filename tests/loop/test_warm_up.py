from mathse.loop.warm_up import warm_up
from tests import rows


def test_only_right_answers_train_the_student() -> None:
    problem = rows.problem(answer="42")
    right = rows.path("right", problem_id=problem.problem_id, text="The answer to this problem is 42.")
    wrong = rows.path("wrong", problem_id=problem.problem_id, text="The answer to this problem is 41.", sample_idx=1)
    silent = rows.path("silent", problem_id=problem.problem_id, text="I cannot say.", sample_idx=2)
    kept, left_out = warm_up([right, wrong, silent], [problem], "solve-brief@1")
    assert [row.path_id for row in kept] == [right.path_id]
    assert kept[0].completion[0].content == right.text
    assert dict(left_out) == {"graded WRONG": 1, "graded UNDECIDED": 1}
