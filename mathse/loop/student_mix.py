"""The mix of the ORM's student: teacher paths that the rule grader finds correct, as there is no ORM yet."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path as File

from mathse import layout
from mathse.answers.grade import grade
from mathse.loop.mix_checks import write
from mathse.loop.mix_rows import student_row
from mathse.loop.selection import Selected
from mathse.params import STUDENT
from mathse.tables.schemas import Path, Problem, Status


def build(paths: Iterable[Path], problems: Iterable[Problem], prompt: str, root: File = File()) -> Selected:
    """Make the student's mix; returns what became of the paths.

    Args:
        prompt: Name and version of the prompt that the student is asked with.

    Raises:
        MixError: The prompt does not exist or does not fit.
        CheckFailed: A check found rows.
    """
    by_id = {problem.problem_id: problem for problem in problems}
    graded = [(path, grade(by_id[path.problem_id].answer, path.text, by_id[path.problem_id].choices)) for path in paths]
    right = [path for path, by_rule in graded if by_rule.status is Status.CORRECT]
    left_out = Counter(f"graded {by_rule.status}" for _, by_rule in graded if by_rule.status is not Status.CORRECT)
    rows = (student_row(by_id[path.problem_id], path, prompt) for path in right)
    write(root / layout.mix(STUDENT), rows, root / layout.PROBLEMS)
    return Selected(len(graded), len(right), dict(left_out.most_common()))
