"""What a step's tables come to: what the ORM accepts, and how often the teacher was called."""

from pathlib import Path

import pytest
import yaml

from mathse import layout, params
from mathse.ablate import measurement
from mathse.params import Params
from mathse.report.ablations import StepResult
from mathse.tables import schemas, store
from mathse.tables.schemas import Status
from tests import rows

ROOT = Path(__file__).parents[2]


def settings(feedback: str) -> Params:
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    return params.parse(content | {"reflect": content["reflect"] | {"feedback": feedback}}, Path("params.yaml"))


def test_accepted_paths_are_counted_by_what_the_rule_says(tmp_path: Path) -> None:
    said = [
        (Status.CORRECT, Status.CORRECT), (Status.CORRECT, Status.CORRECT), (Status.CORRECT, Status.WRONG),
        (Status.CORRECT, Status.UNDECIDED), (Status.WRONG, Status.CORRECT), (Status.UNDECIDED, Status.WRONG),
    ]  # fmt: skip
    table = [rows.verdict(f"a{place}", status=orm, rule_status=rule) for place, (orm, rule) in enumerate(said)]
    store.write(tmp_path / layout.verdicts("1"), schemas.Verdict, table)
    counted = measurement._judged(tmp_path, "1")
    assert counted == StepResult(paths=6, accepted=4, accepted_decided=3, accepted_right=2, right=3)
    store.write(tmp_path / layout.verdicts("1"), schemas.Verdict, [])
    empty = measurement._judged(tmp_path, "1")
    assert empty == StepResult(paths=0, accepted=0, accepted_decided=0, accepted_right=0, right=0)


@pytest.mark.parametrize(("feedback", "calls"), [("orm", 3), ("teacher", 5)])
def test_a_mark_before_reflections_is_one_call_and_a_recorded_solution_none(
    feedback: str, calls: int, tmp_path: Path
) -> None:
    parents = {"a1": "w1", "a2": "w1", "a3": "w2", "a4": None}
    table = [
        rows.path(name, author="recorded:k12" if parent is None else "solver", sample_idx=place, parent_path_id=parent)
        for place, (name, parent) in enumerate(parents.items())
    ]
    store.write(tmp_path / layout.paths("final"), schemas.Path, table)
    assert measurement._teacher_calls(tmp_path, settings(feedback), "final") == calls
    assert measurement._teacher_calls(tmp_path, settings(feedback), "1") == 0
