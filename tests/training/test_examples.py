from pathlib import Path
from typing import Any

import pytest
import torch

from mathse.training.examples import UnfitMix
from mathse.training.image_tokens import ImageTokens
from tests.training.mixes import IMAGES, ROWS, row, run

ONE = (IMAGES[0].image_id,)


def test_rows_longer_than_the_limit_only_in_text_are_left_out(tmp_path: Path, tiny_model: Path) -> None:
    report = run(tmp_path, tiny_model, [*ROWS[:4], row(50, ONE, words=300)], max_length=200)
    assert (report.rows, report.too_long) == (4, ("path50",))


def test_a_limit_that_would_cut_an_image_stops_before_training(tmp_path: Path, tiny_model: Path) -> None:
    three = [row(place, ONE * 3) for place in (60, 61)]
    with pytest.raises(UnfitMix, match=r"30 tokens do not hold the images of 2 rows.*max_length.*\n  path60: \d+ tok"):
        run(tmp_path, tiny_model, [*ROWS[:1], *three], max_length=30)
    assert not (tmp_path / "out").exists()


def test_tokens_that_a_tokenizer_cuts_by_itself_are_noticed(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BatchFeature, Qwen2VLProcessor

    call = Qwen2VLProcessor.__call__

    def cutting(self: Any, **given: Any) -> Any:
        made = call(self, **given)
        per_token = [name for name in made if made[name].ndim == 2 and name.endswith(("ids", "mask"))]
        return BatchFeature({**made, **{name: made[name][:, :40] for name in per_token}})

    monkeypatch.setattr(Qwen2VLProcessor, "__call__", cutting)
    with pytest.raises(
        UnfitMix,
        match=r"1 rows cannot be made into examples:\n  path70: its images need 48 tokens, and \d+ stand",
    ) as error:
        run(tmp_path, tiny_model, [*ROWS[:2], row(70, ONE * 3)])
    assert "path0" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_question_that_holds_the_image_token_is_named(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(UnfitMix, match=r"1 rows cannot be made into examples:\n  path80: .*image"):
        run(tmp_path, tiny_model, [*ROWS[:2], row(80, ONE, question="What is <|image_pad|>")])


class Processor:
    """What counting needs of a processor."""

    def __init__(self, **named: Any) -> None:
        self.__dict__.update(named)


IDS = torch.tensor([[7, 9, 9, 7, 9, 0], [7, 7, 7, 7, 0, 0]])


@pytest.mark.parametrize(
    "processor, batch, needed",
    [
        (
            Processor(image_processor=Processor(merge_size=2)),
            {"pixel_values": torch.zeros(12, 3), "image_grid_thw": torch.tensor([[1, 2, 4], [1, 2, 2]])}, 3,
        ),
        (Processor(image_seq_length=256), {"pixel_values": torch.zeros(3, 3, 4, 4)}, 768),
        (
            Processor(patch_size=14, num_additional_image_tokens=1, vision_feature_select_strategy="default"),
            {"pixel_values": torch.zeros(2, 3, 28, 42)}, 12,
        ),
        (Processor(), {}, 0),
    ],
)  # fmt: skip
def test_tokens_are_counted_against_features(processor: Any, batch: dict[str, Any], needed: int) -> None:
    counted = ImageTokens(processor, 9).count({**batch, "input_ids": IDS})
    assert counted == (3, needed)


def test_a_family_that_cannot_be_counted_is_left_alone() -> None:
    assert ImageTokens(Processor(), 9).count({"pixel_values": torch.zeros(1), "input_ids": IDS}) is None
    assert ImageTokens(Processor(), None).count({"input_ids": IDS}) is None
    assert ImageTokens(Processor(), None).needed_length({"input_ids": IDS}) == [0, 0]


def test_a_row_needs_its_tokens_up_to_the_last_of_its_images() -> None:
    assert ImageTokens(Processor(), 9).needed_length({"input_ids": IDS}) == [5, 0]
