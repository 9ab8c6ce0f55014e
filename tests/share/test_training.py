"""TRL trains on an export as it is: no column renamed, none dropped."""

from pathlib import Path

import pytest

from mathse.share.export import export


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the trainer's own libraries
def test_trl_trains_a_step_on_it(mixed: Path, tmp_path: Path, tiny_model: Path) -> None:
    from mathse.loop.ask.engines.local.loading import load_model, load_processor  # isort: skip  (makes torchvision importable)
    import datasets
    from trl import SFTConfig, SFTTrainer

    export(mixed, "0", tmp_path / "out")
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    arguments = SFTConfig(
        str(tmp_path / "trained"), max_steps=1, per_device_train_batch_size=4, max_length=None, use_cpu=True,
        bf16=False, report_to=[], save_strategy="no", disable_tqdm=True, logging_steps=1, gradient_checkpointing=False,
    )  # fmt: skip
    trainer = SFTTrainer(
        load_model(tiny_model, "float32", "cpu"), arguments, train_dataset=rows,
        processing_class=load_processor(tiny_model),
    )  # fmt: skip
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["image_grid_thw"].shape[0] == 5  # three images, one, one and none
    assert trainer.completion_only_loss
    assert trainer.train().training_loss > 0
