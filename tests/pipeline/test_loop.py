"""What the DVC pipeline promises, on a real run of it."""

import json
from pathlib import Path

import duckdb
import pytest

from mathse.backbones.fingerprint import model_fingerprint
from tests.pipeline.clones import Clone, clone

MODELS = ("base", "0", "1", "final")


def test_every_dataset_and_model_of_the_layout_is_made(loop: Clone) -> None:
    data = ["problems/problems", "problems/images", "problems/rejects", "orm/paths", "orm/feedback", "orm/mix"]
    data += [f"{step}/{table}" for step in ("distill", "rounds/1", "reflect") for table in ("paths", "verdicts")]
    data += [f"mix/{model}" for model in MODELS[1:]] + [f"eval/{model}/predictions" for model in MODELS]
    missing = [name for name in data if not (loop.folder / "data" / f"{name}.parquet").is_file()]
    models = [name for name in (*MODELS, "orm") if not (loop.folder / "models" / name / "model.safetensors").is_file()]
    assert (missing, models) == ([], [])


def test_metrics_hold_what_the_layout_promises(loop: Clone) -> None:
    promised = {"model", "n", "accuracy", "ci_low", "ci_high", "train_rows", "seconds"}
    for model in MODELS:
        assert promised <= json.loads((loop.folder / f"reports/metrics/{model}.json").read_text()).keys()
    orm = json.loads((loop.folder / "reports/metrics/orm.json").read_text())
    assert {"accuracy_correct", "accuracy_wrong", "accuracy", "step_accuracy", "undecided", "n"} <= orm.keys()


def test_the_base_is_the_tiny_model_that_lies_in_git(loop: Clone) -> None:
    tiny = Path(__file__).parents[2] / "models/tiny"
    assert model_fingerprint(loop.folder / "models/base") == model_fingerprint(tiny)


def test_a_second_repro_runs_nothing(loop: Clone) -> None:
    printed = loop.dvc("repro")
    assert "Running stage" not in printed
    assert "up to date" in printed


def test_a_mix_parameter_reruns_mixes_only(edited: Clone) -> None:
    edited.edit_params(mix={"parameters": {"max_per_problem": 3}})
    assert edited.changed_stages() == {"mix_0", "mix@1", "mix_final"}


def test_new_rounds_leave_the_earlier_ones_alone(edited: Clone) -> None:
    edited.edit_params(rounds={"2": {"prev": 1}, "3": {"prev": 2}}, reflect={"after": 3})
    changed = edited.changed_stages()
    new = {f"{stage}@{k}" for k in (2, 3) for stage in ("rollout", "judge_round", "mix", "train", "evaluate_round")}
    assert {*new, "reflect"} <= changed
    assert not {stage for stage in changed if stage.endswith(("@1", "_0"))}


def test_no_test_problem_or_image_is_in_any_mix(loop: Clone) -> None:
    data = loop.folder / "data"
    mixes = [*data.glob("mix/*.parquet"), data / "orm/mix.parquet", data / "orm/student_mix.parquet"]
    tested = (
        duckdb.read_parquet(str(data / "problems/problems.parquet"))
        .filter("split = 'test'")
        .select("problem_id, image_ids")
        .fetchall()
    )
    trained = duckdb.read_parquet([str(mix) for mix in mixes]).select("problem_id, image_ids").fetchall()
    assert tested and trained
    assert not {problem_id for problem_id, _ in tested} & {problem_id for problem_id, _ in trained}
    assert not {image for _, images in tested for image in images} & {
        image for _, images in trained for image in images
    }


def test_dvc_shows_metrics_plots_and_changed_params(edited: Clone, tmp_path: Path) -> None:
    shown = json.loads(edited.dvc("metrics", "show", "--json"))
    assert "reports/metrics/final.json" in shown[""]["data"]
    edited.dvc("plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    assert page.count("vega-embed") or page.count("vegaEmbed")
    edited.edit_params(rollout={"temperature": 0.9})
    assert "rollout.temperature" in edited.dvc("params", "diff")


def test_a_param_out_of_bounds_stops_the_stage_with_its_key(edited: Clone) -> None:
    edited.edit_params(rollout={"temperature": -1})
    printed = edited.dvc("repro", "rollout@1", fails=True)
    assert "params.yaml: rollout.temperature" in printed
    assert "Traceback" not in printed


def test_a_missing_upstream_file_is_named(loop: Clone) -> None:
    printed = loop.run("python", "-m", "stages.judge", "9", fails=True)
    assert "data/rounds/9/paths.parquet" in printed
    assert "Traceback" not in printed


@pytest.mark.slow
def test_two_fresh_clones_give_the_same_hashes(loop: Clone, tmp_path: Path) -> None:
    other = clone(tmp_path / "other")
    other.dvc("repro")
    assert other.hashes() == loop.hashes()
