import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pydot
import pytest
import yaml

from mathse import cli, layout
from mathse.look.dvc_lock import LOCK, LockError
from mathse.look.lineage import last_model, lineage
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from mathse.tables import store
from mathse.tables.schemas import Problem
from tests import rows
from tests.share import toy


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.build(tmp_path_factory.mktemp("recorded") / "project")


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(recorded, tmp_path / "project", symlinks=True)


def differences(project: Path) -> set[tuple[str, str, str]]:
    return {(one.path, one.what, one.by) for one in lineage(project, "0").differences}


def test_every_ancestor_comes_once_and_before_what_was_made_from_it(project: Path) -> None:
    found = lineage(project, "0")
    assert [step.stage for step in found.steps] == [
        "base", "problems", "orm_mix@orm", "paths@0", "train_orm@orm", "judge@0", "mix@0", "train@0"
    ]  # fmt: skip
    made = [path for step in found.steps for path in step.makes]
    assert len(made) == len(set(made)) == len(found.made)
    for step in found.steps:
        assert all(made.index(path) < made.index(made_now) for path in step.made_from for made_now in step.makes)
    assert "data/beside.parquet" not in made


def test_an_untouched_project_matches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert differences(project) == set()
    assert cli.main(["-C", str(project), "lineage", "0", "--check"]) == 0
    said = capsys.readouterr().out
    assert "matches   every file is as it was recorded" in said
    assert "data/verdicts/0.parquet  2 Verdict rows" in said
    assert "by models/orm with judge-brief@1" in said
    assert "dvc.lock is not in git" in said


def test_a_folder_is_resolved_to_its_tables(project: Path) -> None:
    steps = {step.stage: step for step in lineage(project, "0").steps}
    assert steps["problems"].makes == ("data/mix/base.parquet", "data/problems/problems.parquet")
    assert "data/problems/problems.parquet" in steps["mix@0"].made_from


@pytest.mark.parametrize(
    ("name", "target", "last"),
    [
        ("0", "models/0", "train@0"), ("orm", "models/orm", "train_orm@orm"), ("models/0", "models/0", "train@0"),
        ("mix@0", "data/mix/0.parquet", "mix@0"), ("mix_0", "data/mix/0.parquet", "mix@0"),
        ("paths@distill", "data/paths/0.parquet", "paths@0"), ("orm_mix", "data/mix/orm.parquet", "orm_mix@orm"),
        ("distill_verdicts", "data/verdicts/0.parquet", "judge@0"),
        ("data/mix/0.parquet", "data/mix/0.parquet", "mix@0"),
        ("problems", "data/problems/problems.parquet", "problems"),
    ],
)  # fmt: skip
def test_anything_made_has_a_lineage_by_any_name(project: Path, name: str, target: str, last: str) -> None:
    found = lineage(project, name)
    assert (found.target, found.steps[-1].stage) == (target, last)
    assert found.made[target].there
    assert not found.differences


def test_a_table_has_no_more_behind_it_than_its_own_steps(project: Path) -> None:
    found = lineage(project, "paths@0")
    assert set(found.made) == {"data/problems/problems.parquet", "data/mix/base.parquet", "data/paths/0.parquet"}


def test_without_a_target_it_is_the_last_model_of_params(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "lineage"]) == cli.USER_ERROR
    assert "dvc.lock: not found" in capsys.readouterr().err
    assert last_model(run) == "final"


def test_a_changed_mix_is_told_by_all_who_recorded_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with toy.within(project):
        toy.write_mix([toy.mix_row("a1", "p1")])
    assert differences(project) == {
        ("data/mix/0.parquet", "changed", "dvc.lock (mix@0)"),
        ("data/mix/0.parquet", "changed", "dvc.lock (train@0)"),
    }
    assert cli.main(["-C", str(project), "lineage", "0", "--check"]) == cli.USER_ERROR
    said = capsys.readouterr()
    assert "changed      data/mix/0.parquet  (by dvc.lock: mix@0, train@0)" in said.out
    assert "1 of what made it is not as recorded" in said.err


def test_a_table_far_back_that_changed_is_told_by_every_stage_that_read_it(project: Path) -> None:
    store.write(project / layout.PROBLEMS, Problem, [rows.problem("p3")])
    recorders = {by for path, _, by in differences(project) if path == "data/problems"}
    assert recorders == {f"dvc.lock ({stage})" for stage in ("problems", "orm_mix@orm", "paths@0", "mix@0")}


def test_a_stage_that_read_what_was_made_anew_since_is_named(project: Path) -> None:
    """The record contradicts itself, whatever lies here."""

    def made_anew(stages: dict[str, Any]) -> None:
        stages["paths@0"]["outs"][0]["md5"] = "0" * 32

    edit_lock(project, made_anew)
    told = differences(project)
    for stage in ("judge@0", "mix@0", "paths@0"):
        assert (str(toy.DISTILLED), "changed", f"dvc.lock ({stage})") in told


def test_missing_files_are_named(project: Path) -> None:
    (project / toy.JUDGED).unlink()
    shutil.rmtree(project / "models" / "orm")
    found = differences(project)
    told = {(path, what) for path, what, _ in found}
    assert told == {(str(toy.JUDGED), "missing"), ("models/orm", "missing")}


def test_a_damaged_table_is_named(project: Path) -> None:
    (project / toy.JUDGED).write_bytes(b"PAR1")
    assert (str(toy.JUDGED), "damaged", "its own metadata") in differences(project)


def test_an_edited_lineage_file_is_noticed(project: Path) -> None:
    file = project / "models" / "0" / LINEAGE
    said = json.loads(file.read_text())
    said["start"]["fingerprint"] = "0" * 32
    said["model"] = "1" * 32
    file.write_text(json.dumps(said))
    assert differences(project) == {("models/0", "changed", "dvc.lock (train@0)")}


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"mix": 3, "start": [], "packages": 1}', '{"start": {"folder": 1, "fingerprint": 2}}']
)
def test_no_lineage_file_brings_it_down(project: Path, text: str) -> None:
    (project / "models" / "0" / LINEAGE).write_text(text)
    assert differences(project) == {("models/0", "changed", "dvc.lock (train@0)")}
    (project / "models" / "0" / LINEAGE).unlink()
    assert differences(project) == {("models/0", "changed", "dvc.lock (train@0)")}


def test_code_params_and_commands_that_changed_are_named(project: Path) -> None:
    (project / "train.py").write_text("other")
    (project / "params.yaml").write_text("seed: 2\ntrain: {epochs: 1}\n")
    (project / "dvc.yaml").write_text(toy.PIPELINE.replace("cmd: mix", "cmd: other"))
    assert differences(project) == {
        ("train.py", "changed", "dvc.lock (train@0)"),
        ("params.yaml: seed", "changed", "dvc.lock (train@0)"),
        ("params.yaml: seed", "changed", "dvc.lock (base)"),
        ("dvc.yaml: mix@0: cmd", "changed", "dvc.lock (mix@0)"),
    }


def test_an_input_that_no_step_recorded_is_named(project: Path) -> None:
    edit_lock(project, lambda stages: stages.pop("paths@0"))
    assert (str(toy.DISTILLED), "not run yet", "dvc.lock (judge@0)") in differences(project)
    elsewhere = toy.PIPELINE.replace("  paths:", "  others:").replace("data/paths/", "data/x/", 1)
    (project / "dvc.yaml").write_text(elsewhere)
    assert (str(toy.DISTILLED), "not recorded", "dvc.lock (judge@0)") in differences(project)


def test_the_tiny_model_that_git_keeps_needs_no_stage(project: Path) -> None:
    """Unlike another folder of a model, of which only a stage can say how it came about."""
    given = [{"path": f"models/{name}", "md5": "0" * 32} for name in ("tiny", "mine")]
    edit_lock(project, lambda stages: stages["base"].update(deps=given))
    unmade = {path for path, what, _ in differences(project) if what == "not recorded"}
    assert unmade == {"models/mine"}


def test_a_stage_that_is_gone_is_named(project: Path) -> None:
    (project / "dvc.yaml").write_text(toy.PIPELINE.replace("  mix:", "  renamed:"))
    assert ("dvc.yaml: mix@0", "missing", "dvc.lock") in differences(project)


def test_a_lock_that_leads_in_a_circle_is_refused(project: Path) -> None:
    circle = {"path": "models/0", "hash": "md5", "md5": "0" * 32}
    edit_lock(project, lambda stages: stages["problems"]["deps"].append(circle))
    with pytest.raises(LockError, match="lead in a circle"):
        lineage(project, "0")


@pytest.mark.parametrize("text", ["", "[]", "stages: 3", "stages: {a: {outs: [{}]}}", "{", "\x00"])
def test_a_damaged_lock_is_refused(project: Path, text: str) -> None:
    (project / LOCK).write_text(text)
    with pytest.raises(LockError, match="not a lock file of DVC"):
        lineage(project, "0")


def test_a_model_that_nothing_made_is_refused(project: Path) -> None:
    with pytest.raises(LockError, match=r"no stage in it makes models/7; `dvc repro`"):
        lineage(project, "7")
    (project / LOCK).unlink()
    with pytest.raises(LockError, match="not found"):
        lineage(project, "0")


def test_json_has_hashes_rows_params_and_code(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "lineage", "0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    steps = {step["stage"]: step for step in said["steps"]}
    assert steps["mix@0"]["makes"][0]["rows"] == 2
    assert steps["train@0"]["params"]["params.yaml"] == {"seed": 1, "train": {"epochs": 1}}
    assert list(steps["train@0"]["code"]) == ["train.py"]
    assert said["fingerprint"] == steps["train@0"]["makes"][0]["fingerprint"]
    assert set(said["prompts"]) == {"solve-brief@1", "judge-brief@1"}
    assert set(said["packages"]) == {"torch", "trl"}


def test_the_graph_is_graphvizs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / toy.JUDGED).unlink()
    assert cli.main(["-C", str(project), "lineage", "0", "--dot"]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydot's use of pyparsing is of yesterday
        graphs = pydot.graph_from_dot_data(capsys.readouterr().out)
    assert graphs is not None
    names = {str(node.get_name()).strip('"') for node in graphs[0].get_nodes()} - {"node"}
    assert names == set(lineage(project, "0").made)
    edges = {
        (str(edge.get_source()).strip('"'), str(edge.get_destination()).strip('"')) for edge in graphs[0].get_edges()
    }
    assert ("data/mix/0.parquet", "models/0") in edges
    assert graphs[0].get_node(f'"{toy.JUDGED}"')[0].get("style") == "dashed"


def test_the_commit_of_the_lock_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import subprocess

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
        said = subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True, text=True)
        return said.stdout.strip()

    git("init", "-q")
    git("add", "dvc.lock")
    git("commit", "-qm", "Recorded")
    found = lineage(project, "0").commit
    assert (found.lock, found.head, found.clean) == (git("rev-parse", "HEAD"), git("rev-parse", "HEAD"), True)
    (project / LOCK).write_text((project / LOCK).read_text() + "# edited\n")
    assert not lineage(project, "0").commit.clean


def edit_lock(project: Path, edit: object) -> None:
    content = yaml.safe_load((project / LOCK).read_text())
    assert callable(edit)
    edit(content["stages"])
    (project / LOCK).write_text(yaml.safe_dump(content))
