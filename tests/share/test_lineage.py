import json
import shutil
import warnings
from pathlib import Path

import pydot
import pytest
import yaml
from huggingface_hub import ModelCard

from mathse import cli, layout
from mathse.backbones.fingerprint import LINEAGE
from mathse.evaluation import scores
from mathse.share.lineage import lineage
from mathse.share.recorded import LOCK, LockError, Step, unmade
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
    assert [step.stage for step in found.steps] == ["base", "problems", "distill", "orm", "judge", "mix_0", "train_0"]
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
    assert "data/distill/verdicts.parquet  2 Verdict rows" in said
    assert "by models/orm with judge-brief@1" in said
    assert "dvc.lock is not in git" in said


def test_a_folder_is_resolved_to_what_was_made_in_it(project: Path) -> None:
    steps = {step.stage: step for step in lineage(project, "0").steps}
    assert {"data/distill/paths.parquet", "data/distill/verdicts.parquet"} <= set(steps["mix_0"].made_from)


def test_a_changed_mix_is_told_by_all_who_recorded_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with toy.within(project):
        toy.write_mix([toy.mix_row("a1", "p1")])
    assert differences(project) == {
        ("data/mix/0.parquet", "changed", "dvc.lock (mix_0)"),
        ("data/mix/0.parquet", "changed", "dvc.lock (train_0)"),
        ("data/mix/0.parquet", "changed", f"models/0/{LINEAGE}"),
    }
    assert cli.main(["-C", str(project), "lineage", "0", "--check"]) == cli.USER_ERROR
    said = capsys.readouterr()
    assert "changed      data/mix/0.parquet  (by dvc.lock: mix_0, train_0; models/0/lineage.json)" in said.out
    assert "1 of what made it is not as recorded" in said.err


def test_a_table_far_back_that_changed_is_told_by_every_table_made_from_it(project: Path) -> None:
    store.write(project / layout.PROBLEMS, Problem, [rows.problem("p3")])
    recorders = {by for path, _, by in differences(project) if path == str(layout.PROBLEMS)}
    assert {str(toy.DISTILLED), str(toy.MIX), f"models/0/{LINEAGE}", "dvc.lock (problems)"} <= recorders


def test_missing_files_are_named(project: Path) -> None:
    (project / toy.JUDGED).unlink()
    shutil.rmtree(project / "models" / "orm")
    found = differences(project)
    told = {(path, what) for path, what, _ in found}
    assert told == {(str(toy.JUDGED), "missing"), ("models/orm", "missing"), ("data/distill", "changed")}


def test_a_damaged_table_is_named(project: Path) -> None:
    (project / toy.JUDGED).write_bytes(b"PAR1")
    assert (str(toy.JUDGED), "damaged", "its own metadata") in differences(project)


def test_an_edited_lineage_file_is_noticed(project: Path) -> None:
    file = project / "models" / "0" / LINEAGE
    said = json.loads(file.read_text())
    said["mix"]["hash"] = "0" * 32
    said["model"] = "1" * 32
    file.write_text(json.dumps(said))
    found = differences(project)
    assert ("data/mix/0.parquet", "changed", f"models/0/{LINEAGE}") in found
    assert ("models/0", "changed", f"models/0/{LINEAGE}") in found
    assert ("models/0", "changed", "dvc.lock (train_0)") in found


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"mix": 3, "ancestry": [], "packages": 1}', '{"ancestry": {"datasets": 1}}']
)
def test_no_lineage_file_brings_it_down(project: Path, text: str) -> None:
    (project / "models" / "0" / LINEAGE).write_text(text)
    assert {path for path, _, _ in differences(project)} & {"models/0", f"models/0/{LINEAGE}"}
    (project / "models" / "0" / LINEAGE).unlink()
    assert (f"models/0/{LINEAGE}", "missing", "every training") in differences(project)


def test_code_params_and_commands_that_changed_are_named(project: Path) -> None:
    (project / "train.py").write_text("other")
    (project / "params.yaml").write_text("seed: 2\ntrain: {epochs: 1}\n")
    (project / "dvc.yaml").write_text(toy.PIPELINE.replace("cmd: mix", "cmd: other"))
    assert differences(project) == {
        ("train.py", "changed", "dvc.lock (train_0)"),
        ("params.yaml: seed", "changed", "dvc.lock (train_0)"),
        ("params.yaml: seed", "changed", "dvc.lock (base)"),
        ("dvc.yaml: mix_0: cmd", "changed", "dvc.lock (mix_0)"),
    }


def test_an_input_that_no_step_recorded_is_named(project: Path) -> None:
    edit_lock(project, lambda stages: stages.pop("distill"))
    assert (str(toy.DISTILLED), "not recorded", "dvc.lock (judge)") in differences(project)


def test_the_tiny_model_that_git_keeps_needs_no_step() -> None:
    """Unlike another folder of a model, of which only a step can say how it came about."""
    base = Step("base", "base", {}, {}, (layout.TINY.as_posix(), "models/mine"), ("models/base",))
    assert [one.path for one in unmade([base], Path())] == ["models/mine"]


def test_a_stage_that_is_gone_is_named(project: Path) -> None:
    (project / "dvc.yaml").write_text(toy.PIPELINE.replace("  mix_0:", "  renamed:"))
    assert ("dvc.yaml: mix_0", "missing", "dvc.lock") in differences(project)


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
    with pytest.raises(LockError, match=r"no step in it makes models/7; `dvc repro`"):
        lineage(project, "7")
    (project / LOCK).unlink()
    with pytest.raises(LockError, match="not found"):
        lineage(project, "0")


def test_json_has_hashes_rows_params_and_code(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "lineage", "0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    steps = {step["stage"]: step for step in said["steps"]}
    assert steps["mix_0"]["makes"][0]["rows"] == 2
    assert steps["train_0"]["params"]["params.yaml"] == {"seed": 1, "train": {"epochs": 1}}
    assert list(steps["train_0"]["code"]) == ["train.py"]
    assert said["fingerprint"] == steps["train_0"]["makes"][0]["fingerprint"]
    assert set(said["prompts"]) == {"solve-brief@1", "judge-brief@1"}
    assert set(said["packages"]) == {"torch", "transformers", "trl"}


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


def test_the_card_for_publishing_has_the_runs_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with toy.within(run):
        shutil.rmtree("data")
        Path("mix.sql").touch()
        toy.write_tables()
        measured = scores.load(layout.metrics(0))
    assert cli.main(["-C", str(run), "lineage", "0", "--card"]) == cli.USER_ERROR
    assert "0.json: measures f, and the model is " in capsys.readouterr().err
    with toy.within(run):
        scores.save(measured.model_copy(update={"fingerprint": toy.fingerprint("0")}), layout.metrics(0))
    assert cli.main(["-C", str(run), "lineage", "0", "--card"]) == 0
    said = capsys.readouterr().out
    head = ModelCard(said).data.to_dict()  # type: ignore[no-untyped-call]
    assert head["model-index"][0]["results"][0]["metrics"][0]["type"] == "accuracy"
    assert "| + distilled | 100 |" in said
    assert "| distilled | 0 | figures | MIT | en | 1 |" in said


def test_without_measurements_the_card_is_that_of_the_folder(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "lineage", "0", "--card"]) == 0
    assert capsys.readouterr().out == (project / "models" / "0" / "README.md").read_text()


@pytest.mark.parametrize("text", ["", "{}", '{"model": "f", "mix": 3}'])
def test_a_card_needs_a_lineage_file(project: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "models" / "0" / LINEAGE).write_text(text)
    assert cli.main(["-C", str(project), "lineage", "0", "--card"]) == cli.USER_ERROR
    assert "does not say what a card needs" in capsys.readouterr().err


def edit_lock(project: Path, edit: object) -> None:
    content = yaml.safe_load((project / LOCK).read_text())
    assert callable(edit)
    edit(content["stages"])
    (project / LOCK).write_text(yaml.safe_dump(content))
