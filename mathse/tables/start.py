"""What stands before the first step, so that it is a step like any other: no mix, and every training problem unsolved.

Written: `data/mix/base.parquet`, which is empty, and `data/remaining/base.parquet`, one row per training problem.
"""

from pathlib import Path

from mathse import layout
from mathse.params.loop import BASE
from mathse.tables import store
from mathse.tables.schemas import MixRow, Problem, Remaining, Split


def write_base(root: Path = Path()) -> None:
    """Write what stands before the first step: an empty mix, and every training problem as unsolved.

    Raises:
        StoreError: There is no problem table.
    """
    problems = store.scan(root / layout.PROBLEMS, Problem)
    store.write(root / layout.mix(BASE), MixRow, ())
    unsolved = (Remaining(problem_id=problem.problem_id) for problem in problems if problem.split is Split.TRAIN)
    store.write(root / layout.remaining(BASE), Remaining, unsolved)
