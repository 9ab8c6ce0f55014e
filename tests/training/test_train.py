import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mathse.loop.ask.engines.local.fingerprint import LINEAGE, ModelMissing, model_fingerprint
from mathse.tables.files import sha256
from mathse.training.job import Loss, Timings, TrainingReport
from mathse.training.lengths import UnfitMix
from mathse.training.train import NotDeterministic, train
from mathse.training.watch import TrainingDiverged
from tests.training.mixes import ROWS as MIXED
from tests.training.mixes import SETTINGS, job, row, run

ROWS = MIXED[:8]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, TrainingReport, Timings]:
    folder = tmp_path_factory.mktemp("trained")
    return folder, *train(job(folder, tiny_model, ROWS))


@pytest.fixture
def trained(made: tuple[Path, TrainingReport, Timings]) -> tuple[Path, TrainingReport]:
    return made[:2]


def test_the_report_says_what_was_done(trained: tuple[Path, TrainingReport]) -> None:
    _, report = trained
    assert (report.rows, report.steps, report.epochs, report.too_long) == (8, 2, 1.0, ())
    assert [point.step for point in report.loss_curve] == [1, 2]
    assert report.final_loss == report.loss_curve[-1].loss > 0
    assert report.tokens > 8 * 10


def test_what_it_took_is_said_apart(made: tuple[Path, TrainingReport, Timings]) -> None:
    _, report, timings = made
    assert 10**8 < timings.peak_memory < 10**11
    assert 0 < report.tokens / timings.seconds < timings.tokens_per_second
    assert timings.processes == 1
    assert not set(Timings.model_fields) & set(TrainingReport.model_fields)


def test_training_lowers_the_loss(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, ROWS[:4], max_steps=12)
    assert report.final_loss < 0.8 * report.loss_curve[0].loss


def test_muon_trains_the_matrices_if_its_rate_is_given(tmp_path: Path, tiny_model: Path) -> None:
    from safetensors.torch import load_file

    report = run(tmp_path, tiny_model, ROWS[:4], max_steps=3, learning_rate=1e-9, matrix_learning_rate=0.01)
    weights = [load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "out")]
    changed = {name: float((weights[0][name] - weights[1][name]).norm()) for name in weights[0]}
    matrices = {name for name in changed if name.endswith("mlp.gate_proj.weight")}
    assert matrices
    assert report.steps == 3
    others = [size for name, size in changed.items() if "embed_tokens" in name]
    assert min(changed[name] for name in matrices) > 1e-3 > max(others)


def test_the_model_differs_in_its_weights_alone(trained: tuple[Path, TrainingReport], tiny_model: Path) -> None:
    folder, _ = trained
    files = {file.name for file in tiny_model.iterdir()}
    assert {file.name for file in (folder / "out").iterdir()} == files | {LINEAGE}
    assert (folder / "out" / "model.safetensors").read_bytes() != (tiny_model / "model.safetensors").read_bytes()
    for name in ("config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"):
        made, given = ((place / name).read_text() for place in (folder / "out", tiny_model))
        if name.endswith(".json"):
            made, given = (json.dumps(_without_dtype(json.loads(text)), sort_keys=True) for text in (made, given))
        assert made == given, name


def _without_dtype(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    return {key: _without_dtype(value) for key, value in config.items() if key not in {"dtype", "_from_model_config"}}


def test_the_lineage_names_start_mix_settings_and_packages(
    trained: tuple[Path, TrainingReport], tiny_model: Path
) -> None:
    folder, report = trained
    lineage = json.loads((folder / "out" / LINEAGE).read_text())
    assert lineage["model"] == report.model == model_fingerprint(folder / "out")
    assert lineage["start"]["fingerprint"] == model_fingerprint(tiny_model)
    mix = folder / "mix.parquet"
    assert lineage["mix"] == {"file": mix.as_posix(), "hash": sha256(mix), "rows": 8}
    assert lineage["settings"]["learning_rate"] == SETTINGS.learning_rate
    assert (lineage["name"], lineage["method"], lineage["prompt_id"]) == ("out", "sft", "solve@1")
    assert set(lineage["packages"]) == {"torch", "transformers", "trl"}
    assert lineage["arithmetic"]["capability"]
    assert set(lineage) == {
        "arithmetic", "compute", "method", "mix", "model", "name", "packages", "prompt_id", "seed", "settings", "start",
    }  # fmt: skip
    assert list(lineage) == sorted(lineage)


def test_rows_too_long_for_the_model_are_left_out_and_named(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, [*ROWS, row(90, words=3000)])
    assert (report.rows, report.too_long) == (8, ("path90",))


def test_a_mix_of_nothing_but_long_rows_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match="every row is longer"):
        run(tmp_path, tiny_model, [row(90, words=3000)])


def test_an_empty_mix_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match="no rows to train on"):
        run(tmp_path, tiny_model, [])


def test_images_that_cannot_be_used_are_listed_and_nothing_is_made(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match=r"images of 2 rows cannot be used:\n  path50: .*\n  path51: ") as error:
        run(tmp_path, tiny_model, [*ROWS, row(50, image_ids=("lost",)), row(51, image_ids=("lost",))])
    assert "lost" in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_missing_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models/base: there is no such model folder"):
        run(tmp_path, tmp_path / "models" / "base", ROWS)


def test_a_training_that_dies_leaves_the_old_model(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()

    def dies(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("mathse.training.train.write_lineage", dies)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, tiny_model, ROWS)
    assert {file.name for file in tmp_path.iterdir()} == {"images.parquet", "mix.parquet", "out"}
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["old"]


def test_a_new_model_takes_the_old_ones_place(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    (tmp_path / ".out.partial").mkdir()  # what a killed training left
    report = run(tmp_path, tiny_model, ROWS)
    assert model_fingerprint(tmp_path / "out") == report.model
    assert {file.name for file in tmp_path.iterdir()} == {"images.parquet", "mix.parquet", "out"}
    assert not (tmp_path / "out" / "old").exists()


def test_a_kernel_without_a_deterministic_form_is_named(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def needing_one(*_: Any) -> None:
        torch.zeros(2).put_(torch.tensor([0, 0]), torch.ones(2))

    monkeypatch.setattr("mathse.training.train.train_to_end", needing_one)
    with pytest.raises(NotDeterministic, match=r"training needs put_.*, which has.*`deterministic: false`"):
        run(tmp_path, tiny_model, ROWS)


def test_a_loss_that_is_no_number_ends_the_training(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer

    step = Trainer.training_step
    monkeypatch.setattr(Trainer, "training_step", lambda *given, **named: step(*given, **named) * float("nan"))
    with pytest.raises(TrainingDiverged, match="learning_rate"):
        run(tmp_path, tiny_model, ROWS)
    assert not (tmp_path / "out").exists()


def test_a_report_without_long_rows_holds_no_empty_list_and_is_read_back() -> None:
    report = TrainingReport(
        model="a", rows=1, too_long=(), unpaired=0, steps=1, epochs=1, tokens=1, final_loss=1,
        loss_curve=(Loss(step=1, loss=1),),
    )  # fmt: skip
    assert "[]" not in report.model_dump_json()
    assert TrainingReport.model_validate_json(report.model_dump_json()) == report
