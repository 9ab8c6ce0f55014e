"""Keys of stages from dvc.yaml and params: equal just where DVC's run cache would have the stage."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mathse.ablate.pipeline import TARGET, code, keys, stages
from mathse.errors import UserError

ROOT = Path(__file__).parents[2]
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
LOOP = {"0", "1", "2", "final"}


def changed(section: str, **values: object) -> set[str]:
    """The stages whose keys are others when these params are."""
    content = copy.deepcopy(CONTENT)
    content[section] |= values
    before, after = keys(ROOT, CONTENT), keys(ROOT, content)
    return {stage for stage in after if after[stage] != before.get(stage)}


def test_a_param_changes_its_stages_and_what_follows_them() -> None:
    final = {f"{kind}@final" for kind in ("paths", "judge", "mix", "train", "evaluate")}
    assert changed("reflect", feedback="none") == {*final, TARGET}
    assert changed("evaluate", batch_size=8) == {*(f"evaluate@{model}" for model in ("base", *LOOP)), TARGET}


def test_a_seed_leaves_problems_and_base_as_they_are() -> None:
    before, after = keys(ROOT, CONTENT), keys(ROOT, CONTENT | {"seed": 2})
    assert {stage for stage in before if before[stage] == after[stage]} == {"benchmarks", "problems", "base"}


def test_only_what_is_measured_is_needed() -> None:
    needed = keys(ROOT, CONTENT | {"measured": ["1"]})
    assert {stage for stage in needed if stage.startswith("train@")} == {"train@0", "train@1"}
    assert not any(stage.endswith(("@2", "@final")) or stage == "report" for stage in needed)


def test_templates_are_those_that_dvc_fills_in() -> None:
    from dvc.repo import Repo

    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    ours = stages(ROOT, content)
    with Repo(str(ROOT)) as repo:
        theirs = {stage.addressing: stage for stage in repo.index.stages}
    assert set(ours) == set(theirs)
    for name, stage in theirs.items():
        assert ours[name].command == stage.cmd
        assert set(ours[name].outs) == {out.def_path for out in stage.outs}
        files = {dep.def_path for dep in stage.deps if not hasattr(dep, "params")}
        assert set(ours[name].deps) == files


def test_the_run_cache_takes_every_stage_that_a_measurement_needs() -> None:
    """DVC passes over a stage with an output that git keeps, unless that is a metric or a plot."""
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    needed = {stage.partition("@")[0] for stage in keys(ROOT, CONTENT)}
    for name in needed:
        outs = pipeline[name].get("do", pipeline[name]).get("outs", [])
        assert all(isinstance(out, str) for out in outs), f"dvc.yaml: {name}: outs: make it a metric or a plot"


def test_code_is_what_git_has() -> None:
    paths = code(ROOT, CONTENT)
    assert {"dvc.yaml", "mathse/loop", "stages/train.py", CONTENT["mix"]["query"]} <= set(paths)
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_a_pipeline_without_the_stage_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dvc\.yaml: not a pipeline of DVC"):
        keys(tmp_path, CONTENT)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "dvc.yaml").write_text("stages: {one: {cmd: echo}}")
    with pytest.raises(UserError, match="there is no stage 'accuracy'"):
        keys(tmp_path / "sub", CONTENT)
