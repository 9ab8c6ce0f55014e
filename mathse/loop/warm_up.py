"""The rows that make the ORM's student: teacher paths that the rule grader finds correct; there is no ORM yet."""

from collections import Counter
from collections.abc import Iterable

from mathse.answers.grade import grade
from mathse.loop.rendering import student_row
from mathse.tables.schemas import MixRow, Path, Problem, Status


def warm_up(paths: Iterable[Path], problems: Iterable[Problem], prompt: str) -> tuple[list[MixRow], Counter[str]]:
    """Keep the paths whose answer is right.

    Args:
        paths: The teacher's.
        problems: Theirs.
        prompt: Name and version of the prompt that the student is asked with.

    Returns:
        Training rows, and how many paths were left out by reason.
    """
    by_id = {problem.problem_id: problem for problem in problems}
    rows, left_out = [], Counter[str]()
    for path in paths:
        problem = by_id[path.problem_id]
        status = grade(problem.answer, path.text, problem.choices).status
        if status is Status.CORRECT:
            rows.append(student_row(problem, path, prompt))
        else:
            left_out[f"graded {status}"] += 1
    return rows, left_out
