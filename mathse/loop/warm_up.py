"""The mix of the ORM's student: teacher paths that the rule grader finds correct, as there is no ORM yet (step 0)."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path as File

from mathse import layout
from mathse.answers.grade import grade
from mathse.loop.mix_rows import write
from mathse.loop.rendering import student_row
from mathse.loop.selection import Selected
from mathse.params.loop import STUDENT
from mathse.tables.schemas import Path, Problem, Status


def build_student(paths: Iterable[Path], problems: Iterable[Problem], prompt: str, root: File = File()) -> Selected:
    """Write the student's mix.

    Args:
        paths: The teacher's.
        problems: Theirs.
        prompt: Name and version of the prompt that the student is asked with.
        root: The project's root.

    Returns:
        What became of the paths.

    Raises:
        MixError: The prompt does not exist or does not fit.
        CheckFailed: A check found rows.
    """
    by_id = {problem.problem_id: problem for problem in problems}
    graded = [(path, grade(by_id[path.problem_id].answer, path.text, by_id[path.problem_id].choices)) for path in paths]
    left_out = Counter(f"graded {verdict.status}" for _, verdict in graded if verdict.status is not Status.CORRECT)
    kept = [path for path, verdict in graded if verdict.status is Status.CORRECT]
    rows = (student_row(by_id[path.problem_id], path, prompt) for path in kept)
    write(root / layout.mix(STUDENT), rows, root / layout.PROBLEMS)
    return Selected(len(graded), len(kept), dict(left_out.most_common()))
