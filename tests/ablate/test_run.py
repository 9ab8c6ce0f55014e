"""What is left out of an experiment's results when code or params have changed, without a run being made."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse.ablate import pipeline
from mathse.ablate import run as running
from mathse.ablate.experiment import Variant, find
from mathse.ablate.run import Ablation
from mathse.ablate.workspace import StageFailed, Workspace
from mathse.errors import UserError
from mathse.report import ablations
from mathse.report.ablations import ModelResult, ProblemSet, Run

ROOT = Path(__file__).parents[2]
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
TESTS = ProblemSet(n=4, sha256="ab")


def a_run(variant: Variant, seed: int, inputs: str) -> Run:
    models = {
        row.model: ModelResult(fingerprint="f", accuracy=0.5, correct=2, rows=100, teacher_calls=50, solved="c")
        for row in variant.measured
    }
    return Run(variant=variant.name, seed=seed, inputs=inputs, train_problems=200, models=models, steps={}, orms={})


@pytest.fixture
def ablation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ablation:
    """Table 4, whose variants take numbers from the baseline's run; a run is what `a_run` says."""

    def made(
        self: Ablation, variant: Variant, changed: Mapping[str, Any], inputs: str, *others: object
    ) -> tuple[Run, ProblemSet]:
        return a_run(variant, changed["seed"], inputs), TESTS

    monkeypatch.setattr(Ablation, "_made", made)
    for name, value in (("head", "c0"), ("require_clean", None), ("dvc_cache", tmp_path), ("end_leftovers", 0)):
        monkeypatch.setattr(running, name, lambda *_, value=value: value)
    monkeypatch.setattr(Workspace, "remove", lambda _: None)
    keys, code = pipeline.keys, pipeline.code
    monkeypatch.setattr(pipeline, "keys", lambda _, content: keys(ROOT, content))
    monkeypatch.setattr(pipeline, "code", lambda _, content: code(ROOT, content))
    name, experiment = find("table4")
    return Ablation(tmp_path, name, experiment, copy.deepcopy(CONTENT), lambda _: None)


def test_runs_of_other_seeds_are_left_out_with_their_baseline_when_params_have_changed(ablation: Ablation) -> None:
    assert len(ablation.run([1, 2]).runs) == 8
    assert len(ablation.run([1]).runs) == 8, "what is recorded with the same inputs stays"
    ablation.content["train"]["epochs"] = 1
    said: list[str] = []
    ablation.say = said.append
    assert {run.seed for run in ablation.run([1]).runs} == {1}
    assert [line for line in said if "left out" in line] == [
        "self, seed 2: was run with other code or params; left out",
        *(f"{variant}, seed 2: lacks its baseline; left out" for variant in ("rows-2", "rows-final", "calls-final")),
    ]


@pytest.mark.parametrize(("failing", "made"), [("rows-2", 7), ("self", 4)])
def test_what_fails_keeps_no_other_run_from_being_made(
    failing: str, made: int, ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two seeds a variant fails in the second; without the baseline's numbers the others cannot be made there."""
    makes = Ablation._made

    def fails(self: Ablation, variant: Variant, changed: dict[str, Any], *others: Any) -> tuple[Run, ProblemSet]:
        if variant.name == failing and changed["seed"] == 2:
            raise StageFailed("train@0 failed; what was said last, of the.log:\n  no rows to train on")
        return makes(self, variant, changed, *others)

    said: list[str] = []
    ablation.say = said.append
    with monkeypatch.context() as broken:
        broken.setattr(Ablation, "_made", fails)
        with pytest.raises(UserError, match=f"table4: failed: {failing}, seed 2; other runs are recorded"):
            ablation.run([1, 2])
    assert any("no rows to train on" in line for line in said)
    kept = ablations.load(ablation.file)
    assert kept is not None and len(kept.runs) == made
    left_out = [line for line in said if line.endswith("left out")]
    assert left_out == [
        f"{variant}, seed 2: lacks its baseline; left out"
        for variant in (("rows-2", "rows-final", "calls-final") if failing == "self" else ())
    ]
    ablation.failed.clear()  # as in another process
    assert len(ablation.run([1, 2]).runs) == 8, "mended, it goes on"


def test_what_is_recorded_stays_beside_what_fails(ablation: Ablation, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ablation.run([1])
    changed = [run.model_copy(update={"inputs": "x"} if run.variant != "calls-final" else {}) for run in first.runs]
    ablations.save(ablation.file, first.model_copy(update={"runs": tuple(changed)}))
    makes = Ablation._made

    def fails(self: Ablation, variant: Variant, *others: Any) -> tuple[Run, ProblemSet]:
        if variant.name != "self":
            raise StageFailed("train@0 failed")
        return makes(self, variant, *others)

    monkeypatch.setattr(Ablation, "_made", fails)
    with pytest.raises(UserError, match="table4: failed: rows-2, seed 1; rows-final, seed 1; other runs are recorded"):
        ablation.run([1])
    kept = ablations.load(ablation.file)
    assert kept is not None and [run.variant for run in kept.runs] == ["self", "calls-final"]


def test_a_recorded_baseline_that_lacks_a_model_asked_for_is_made_again(ablation: Ablation) -> None:
    first = ablation.run([1])
    cut = [run.model_copy(update={"models": {"0": run.models["0"]}, "inputs": "x"}) for run in first.runs]
    rows = [row for row in first.comparison if row.model == "0"]
    ablations.save(ablation.file, first.model_copy(update={"runs": tuple(cut), "comparison": tuple(rows)}))
    assert ablation.run([1]) == first
