"""Training on preferences: the same checks as fine-tuning, and a loss that prefers."""

import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError

from mathse.params import Train
from mathse.training.job import TrainingReport
from mathse.training.lengths import UnfitMix
from mathse.training.methods import METHODS
from tests.training.mixes import IMAGES, PREFERENCES, ROWS, SETTINGS, preferred, run, weights

DPO: dict[str, Any] = {"method": "dpo"}
ONE = (IMAGES[0].image_id,)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, TrainingReport]:
    folder = tmp_path_factory.mktemp("dpo")
    return folder, run(folder, tiny_model, PREFERENCES, **DPO)


def test_preferences_with_images_change_the_weights_and_the_same_way_twice(
    trained: tuple[Path, TrainingReport], tmp_path: Path, tiny_model: Path
) -> None:
    folder, report = trained
    assert any(row.image_ids for row in PREFERENCES)
    assert (report.rows, report.steps, report.too_long) == (8, 2, ())
    assert report.loss_curve[0].loss == pytest.approx(math.log(2), abs=1e-5)  # the model is still its own reference
    assert all(math.isfinite(point.loss) for point in report.loss_curve)
    before, after = weights(tiny_model), weights(folder / "out")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert [name for name in changed if "visual" in name]
    again = run(tmp_path, tiny_model, PREFERENCES, **DPO)
    assert again == report
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (folder / "out" / "model.safetensors").read_bytes()
    assert {file.name for file in (folder / "out").iterdir()} == {
        *(file.name for file in tiny_model.iterdir()), "lineage.json",
    }  # fmt: skip


def test_training_lowers_the_loss(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, PREFERENCES[:4], max_steps=12, **DPO)
    assert report.final_loss < 0.5 * report.loss_curve[0].loss


def test_the_likelihood_of_what_is_preferred_can_be_added(
    trained: tuple[Path, TrainingReport], tmp_path: Path, tiny_model: Path
) -> None:
    weighted = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.5]}
    mixed = run(tmp_path, tiny_model, PREFERENCES, **DPO, dpo=weighted)
    likelihood = run(tmp_path, tiny_model, PREFERENCES, "sft")
    first = [report.loss_curve[0].loss for report in (mixed, trained[1], likelihood)]
    assert first[0] == pytest.approx(first[1] + 0.5 * first[2], abs=1e-3)


def test_adapters_learn_to_prefer_and_are_merged(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, PREFERENCES[:4], max_steps=12, learning_rate=5e-3, lora={"rank": 4}, **DPO)
    assert report.loss_curve[0].loss == pytest.approx(math.log(2), abs=1e-5)  # compared with the model without them
    assert report.final_loss < 0.8 * report.loss_curve[0].loss
    assert weights(tmp_path / "out").keys() == weights(tiny_model).keys()


@pytest.mark.parametrize("lora", [None, {"rank": 2}])
def test_a_stopped_training_ends_with_the_same_bytes(
    lora: Any, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mathse.training.checkpoints import Checkpoints

    how = {**DPO, "max_steps": 4, "epochs": 2, "save_steps": 2, "checkpoints": True, "live": True, "lora": lora}
    whole = run(tmp_path, tiny_model, PREFERENCES, "whole", **how)
    curve = (tmp_path / "live.tsv").read_text()
    complete = Checkpoints.complete

    def then_stop(self: Checkpoints, saved: int) -> None:
        complete(self, saved)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "complete", then_stop)
        run(tmp_path, tiny_model, PREFERENCES, **how)
    rest = run(tmp_path, tiny_model, PREFERENCES, **how)
    assert rest == whole
    assert (tmp_path / "live.tsv").read_text() == curve
    made, wanted = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("out", "whole"))
    assert made == wanted


def test_rows_without_a_rejected_path_are_left_out_and_counted(
    trained: tuple[Path, TrainingReport], tmp_path: Path, tiny_model: Path
) -> None:
    report = run(tmp_path, tiny_model, [*PREFERENCES, *ROWS[8:11]], **DPO)
    assert (report.unpaired, trained[1].unpaired) == (3, 0)
    assert report == trained[1].model_copy(update={"unpaired": 3})


def test_a_mix_without_a_pair_is_refused_with_the_remedy(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match=r"mix.parquet: none of 3 rows has a rejected path.*cumulative_pairs.sql"):
        run(tmp_path, tiny_model, ROWS[8:11], **DPO)
    assert not (tmp_path / "out").exists()


def test_a_pair_is_as_long_as_its_longer_path(tmp_path: Path, tiny_model: Path) -> None:
    long = preferred(50, words=300, image_ids=ONE)
    report = run(tmp_path, tiny_model, [*PREFERENCES[:4], long], max_length=200, group_by_length=True, **DPO)
    assert (report.rows, report.too_long) == (4, ("path50",))
    with pytest.raises(UnfitMix, match=r"30 tokens do not hold the images of 1 rows.*max_length.*\n  path60: \d+ tok"):
        run(tmp_path, tiny_model, [*PREFERENCES[:1], preferred(60, image_ids=ONE * 3)], max_length=30, **DPO)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (preferred(70, image_ids=("lost",)), r"images of 1 rows cannot be used:\n  path70: "),
        (preferred(80, image_ids=ONE, question="What is <|image_pad|>"), r"made into examples:\n  path80: .*image"),
    ],
)
def test_rows_that_cannot_be_used_are_named(wrong: Any, match: str, tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match=match):
        run(tmp_path, tiny_model, [*PREFERENCES[:2], wrong], **DPO)
    assert not (tmp_path / "out").exists()


def test_params_know_every_method() -> None:
    assert set(get_args(Train.model_fields["method"].annotation)) == set(METHODS)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"dpo": {"beta": 0.2}}, "method sft has no such settings"),
        ({**DPO, "lora": {"dropout": 0.1}}, "lora.dropout: DPO"),
        ({**DPO, "launch": {"processes": 2, "config": "fsdp.yaml"}}, "launch.config: DPO trains whole copies"),
        ({**DPO, "dpo": {"loss_type": ["sigmoid"], "loss_weights": [1, 2]}}, "2 weights for 1"),
        ({**DPO, "dpo": {"loss_type": ["sft"]}}, "sft alone prefers nothing"),
        ({**DPO, "dpo": {"loss_type": ["sigmoid", "sigmoid"]}}, "names a loss twice"),
        ({**DPO, "dpo": {"beta": 0}}, "greater than 0"),
        ({"method": "ppo"}, "'sft' or 'dpo'"),
    ],
)
def test_settings_of_another_method_are_refused(keys: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        Train.model_validate({**SETTINGS.model_dump(), **keys})
