"""The loop's own steps over published outputs of MATH-Vision: what was recorded is what is judged."""

from pathlib import Path

from benchmarks import replay
from mathse.tables.schemas import Status
from tests.shared_data import shared


def test_recorded_verdicts_become_the_same_verdicts(tmp_path: Path) -> None:
    known = replay.problems(shared("mathvision/test.jsonl"))
    file = shared("mathvision/outputs/Qwen-VL-Max.jsonl")
    paths, verdicts = replay.rejudged(file, known, tmp_path)
    assert len(paths) == len(verdicts) == len(known) == 3040
    assert not [path for path in paths if path.error]
    assert sum(verdict.status is Status.CORRECT for verdict in verdicts) == 474  # the published result, "-all"
