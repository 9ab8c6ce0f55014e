"""What the DVC pipeline promises, on a real run of it."""

import json
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.pipeline import contents
from tests.pipeline.clones import Clone
from tests.pipeline.forks import STARTED, Forks

STEPS = ("0", "1", "2", "final")
MODELS = ("base", *STEPS)


def test_every_dataset_and_model_of_the_layout_is_made(loop: Clone) -> None:
    data = ["problems/problems", "problems/images", "problems/origins", "ingest/rejects", "ingest/leaks"]
    data += [f"orm/orm/{table}" for table in ("paths", "feedback", "held_out", "verdicts")]
    data += [f"{table}/{step}" for table in ("paths", "verdicts", "mix", "remaining") for step in STEPS]
    data += ["mix/base", "remaining/base", "mix/orm", "mix/student", "paths/student"]
    data += [f"predictions/{model}" for model in MODELS]
    missing = [name for name in data if not (loop.folder / "data" / f"{name}.parquet").is_file()]
    models = [
        name for name in (*MODELS, "orm", "student") if not (loop.folder / "models" / name / "config.json").is_file()
    ]
    assert (missing, models) == ([], [])


def test_each_kind_of_stage_was_started_by_itself(loop: Clone) -> None:
    lock = yaml.safe_load((loop.folder / "dvc.lock").read_text(encoding="utf-8"))
    assert set(STARTED) <= {stage["cmd"].removeprefix("python -m ") for stage in lock["stages"].values()}
    modules = {f"stages.{file.stem}" for file in (loop.folder / "stages").glob("[!_]*.py")}
    assert {command.split()[0] for command in STARTED} == modules


def test_the_tables_say_what_they_said(loop: Clone) -> None:
    recorded = json.loads(contents.RECORDED.read_text(encoding="utf-8"))["smoke"]
    assert contents.contents(loop.folder) == recorded


def test_metrics_hold_what_the_layout_promises_and_no_times(loop: Clone) -> None:
    for model in MODELS:
        metrics = json.loads((loop.folder / f"reports/metrics/{model}.json").read_text())
        assert {"model", "n", "accuracy", "ci_low", "ci_high"} <= metrics.keys()
    orm = json.loads((loop.folder / "reports/metrics/orm.json").read_text())
    assert {"accuracy_correct", "accuracy_wrong", "accuracy", "step_accuracy", "undecided", "n"} <= orm.keys()
    tracked = [loop.folder / f"reports/{kind}/{model}.json" for kind in ("metrics", "training") for model in STEPS]
    assert not [file for file in tracked if {"seconds", "peak_memory"} & json.loads(file.read_text()).keys()]
    assert json.loads((loop.folder / "reports/timings/train-final.json").read_text())["seconds"] > 0


def test_the_base_is_the_committed_model(loop: Clone) -> None:
    root = Path(__file__).parents[2]
    taken = (loop.folder / "models/base/model.safetensors").read_bytes()
    assert taken == (root / "models/tiny/model.safetensors").read_bytes()


def test_a_model_may_start_from_the_one_before(loop: Clone) -> None:
    starts = {
        step: json.loads((loop.folder / f"models/{step}/lineage.json").read_text())["start"]["folder"] for step in STEPS
    }
    assert starts == {"0": "models/base", "1": "models/0", "2": "models/1", "final": "models/2"}


def test_a_second_repro_runs_nothing(loop: Clone) -> None:
    printed = loop.dvc("repro")
    assert "Running stage" not in printed
    assert "up to date" in printed


def test_a_mix_parameter_reruns_mixes_and_the_report_that_tells_params(edited: Clone) -> None:
    edited.edit_params(mix={"parameters": {"max_per_problem": 3}})
    assert edited.changed_stages() == {"report", *(f"mix@{step}" for step in STEPS)}


def test_a_comment_in_the_mix_or_in_a_stage_changes_nothing_behind_it(edited: Clone) -> None:
    files = [edited.folder / "mathse/sql/mixes/cumulative.sql", edited.folder / "stages/mix.py"]
    before = [file.read_bytes() for file in files]
    lock = (edited.folder / "dvc.lock").read_bytes()
    try:
        files[0].write_bytes(b"-- Another word on it.\n" + before[0])
        files[1].write_bytes(before[1] + b"\n# And one here.\n")
        assert edited.changed_stages() == {f"mix@{step}" for step in STEPS}
        printed = edited.dvc("repro")
        assert edited.ran(printed) == {f"mix@{step}" for step in STEPS}
    finally:
        for file, content in zip(files, before, strict=True):
            file.write_bytes(content)
        (edited.folder / "dvc.lock").write_bytes(lock)


def test_what_a_person_tags_leaves_the_mix_and_asks_nobody(loop: Clone) -> None:
    lock, before = (loop.folder / "dvc.lock").read_bytes(), loop.hashes()
    path_id = min(paths(loop, "mix/0"))
    mathse = (sys.executable, "-m", "mathse.cli")
    try:
        loop.run(*mathse, "tag", "bad", path_id[:16], "--who", "Ada")
        printed = loop.dvc("repro", "mix@0")
        assert loop.ran(printed) == {"curation@orm", "mix@0"}
        assert path_id not in paths(loop, "mix/0")
        assert json.loads((loop.folder / "reports/mixes/0.json").read_text())["left_out"]["tagged bad"] == 1
        loop.run(*mathse, "tag", "undo", path_id[:16], "--who", "Ada")
        loop.dvc("repro", "mix@0")
        assert loop.hashes() == before
    finally:
        (loop.folder / "data/curation.jsonl").write_bytes(b"")
        (loop.folder / "dvc.lock").write_bytes(lock)
        loop.dvc("checkout", "--force")


def paths(loop: Clone, table: str) -> set[str]:
    found = duckdb.read_parquet(str(loop.folder / "data" / f"{table}.parquet")).select("path_id").fetchall()
    return {row[0] for row in found}


def test_new_rounds_leave_the_earlier_ones_alone(edited: Clone) -> None:
    rows = {
        "3": {"prev": "2", "ask": "rollout", "model": "2", "judge": "orm"},
        "final": {"prev": "3", "ask": "reflect", "model": "3", "judge": "orm"},
    }
    models = {name: {"start": start, "mix": name, "by": "train"} for name, start in (("3", "2"), ("final", "3"))}
    edited.edit_params(steps=rows, models=models)
    edited.set_param("measured", [*MODELS, "3"])
    changed = edited.changed_stages()
    new = {f"{stage}@3" for stage in ("paths", "judge", "mix", "train", "evaluate")}
    assert {*new, "paths@final", "mix@final", "train@final"} <= changed
    earlier = ("base", "student_mix", "orm", "@0", "@1", "@2", "@base", "@student")
    assert not {stage for stage in changed if stage.endswith(earlier) or stage.startswith("problems")}


def test_no_test_problem_or_image_is_in_any_mix(loop: Clone) -> None:
    data = loop.folder / "data"
    tested = (
        duckdb.read_parquet(str(data / "problems/problems.parquet"))
        .filter("split = 'test'")
        .select("problem_id, image_ids")
        .fetchall()
    )
    mixes = [str(mix) for mix in data.glob("mix/*.parquet")]
    trained = duckdb.read_parquet(mixes).select("problem_id, image_ids").fetchall()
    assert tested and trained
    assert not {problem_id for problem_id, _ in tested} & {problem_id for problem_id, _ in trained}
    assert not {image for _, images in tested for image in images} & {
        image for _, images in trained for image in images
    }


def test_what_remains_is_what_no_mix_row_solves(loop: Clone) -> None:
    data = loop.folder / "data"
    train = duckdb.read_parquet(str(data / "problems/problems.parquet")).filter("split = 'train'")
    every = {row[0] for row in train.select("problem_id").fetchall()}
    for step in ("base", *STEPS):
        assert problems(loop, f"remaining/{step}") == every - problems(loop, f"mix/{step}")
    assert problems(loop, "paths/2") == problems(loop, "remaining/1")


def problems(loop: Clone, table: str) -> set[str]:
    found = duckdb.read_parquet(str(loop.folder / "data" / f"{table}.parquet")).select("problem_id").fetchall()
    return {row[0] for row in found}


def test_dvc_shows_metrics_plots_and_changed_params(edited: Clone, tmp_path: Path) -> None:
    shown = json.loads(edited.dvc("metrics", "show", "--json"))
    assert list(shown[""]["data"]) == ["reports/accuracy.json"], "accuracy and nothing else"
    edited.dvc("plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    assert "vegaEmbed('#" in page
    assert "reports_training_final" in page, "the losses of each training"
    assert "<script src" not in page, "it needs no network"
    edited.edit_params(rollout={"temperature": 0.9})
    assert "rollout.temperature" in edited.dvc("params", "diff")


def test_a_param_out_of_bounds_stops_the_stage_with_its_key(edited: Clone) -> None:
    edited.edit_params(rollout={"temperature": -1})
    printed = edited.dvc("repro", "paths@1", fails=True)
    edited.dvc("checkout", "--force")  # DVC removes a stage's outputs before it runs it
    assert "params.yaml: rollout.temperature" in printed
    assert "Traceback" not in printed


def test_a_step_that_is_not_there_is_named(loop: Clone) -> None:
    printed = loop.run("python", "-m", "stages.judge", "9", fails=True)
    assert "params.yaml: steps: there is no step '9'; known: 0, 1, 2, final" in printed
    assert "Traceback" not in printed


def test_a_missing_upstream_file_is_named(loop: Clone) -> None:
    verdicts = loop.folder / "data/verdicts/1.parquet"
    aside = verdicts.rename(verdicts.with_suffix(".aside"))
    try:
        printed = loop.run("python", "-m", "stages.mix", "1", fails=True)
    finally:
        aside.rename(verdicts)
    assert "data/verdicts/1.parquet" in printed
    assert "Traceback" not in printed


def test_dvc_yaml_says_each_stage_once_and_the_lock_stays_small(loop: Clone) -> None:
    text = (loop.folder / "dvc.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    templates = [stage.get("do", stage) for stage in yaml.safe_load(text)["stages"].values()]
    commands = [template["cmd"] for template in templates]
    assert sum("stages.train" in command for command in commands) == 3, "one body, aliased for ORMs and their student"
    assert (loop.folder / "dvc.lock").stat().st_size <= 54_500


@pytest.mark.slow
def test_a_second_clone_makes_the_same_bytes_and_leaves_git_clean(loop: Clone, forks: Forks, tmp_path: Path) -> None:
    other = loop.committed(tmp_path / "other", forks.all)
    ran = other.ran(other.dvc("repro"))
    assert {"train_student@student", "train_orm@orm", *(f"train@{step}" for step in STEPS)} <= ran
    assert other.run("git", "status", "--porcelain") == ""
    assert other.hashes() == loop.hashes()
