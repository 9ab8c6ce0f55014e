from collections.abc import Collection
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from datasets import Dataset

from mathse.tables import store
from mathse.tables.schemas import Image, MixRow
from mathse.training import lengths
from mathse.training.examples import checked
from mathse.training.image_tokens import ImageTokens, tokens_of_size
from mathse.training.lengths import Process, UnfitMix
from tests.training.mixes import IMAGES, PREFERENCES, ROWS, job, row, run

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


def processed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places of the rows that are put through the processor from here on."""
    seen: list[int] = []
    length = Process._length

    def noted(self: Process, place: int) -> lengths.Length:
        seen.append(place)
        return length(self, place)

    monkeypatch.setattr(Process, "_length", noted)
    return seen


@pytest.mark.parametrize("method, rows", [("sft", ROWS), ("dpo", PREFERENCES)])
def test_the_lengths_are_counted_as_the_collator_has_them(
    method: str, rows: list[MixRow], tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = job(tmp_path, tiny_model, rows, method=method)
    monkeypatch.setattr(lengths, "SAMPLE", 2)
    seen = processed(monkeypatch)
    counted = checked(training)[1]
    assert len(seen) == 6  # two without an image, two with one, two with two
    monkeypatch.setattr(lengths, "SAMPLE", len(rows))
    assert checked(training)[1] == counted
    assert len(seen) == 6 + len(rows)
    assert len(set(counted.tokens)) > 2


def test_rows_that_are_not_as_long_as_counted_are_all_processed(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = checked(job(tmp_path, tiny_model, ROWS))[1]
    monkeypatch.setattr(lengths, "SAMPLE", 2)
    wrong = count(1)
    monkeypatch.setattr(lengths, "tokens_of_size", lambda processor, height, width: next(wrong))
    seen = processed(monkeypatch)
    assert checked(job(tmp_path, tiny_model, ROWS))[1] == right
    assert "not as long as counted" in caplog.text
    assert len(seen) == 6 + 10  # those of the sample, and all with an image


def test_what_a_processor_adds_to_each_image_is_learnt_from_the_sample(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = checked(job(tmp_path, tiny_model, ROWS))[1]
    monkeypatch.setattr(lengths, "tokens_of_size", lambda *given: (tokens_of_size(*given) or 0) - 2)
    monkeypatch.setattr(lengths, "SAMPLE", 2)
    seen = processed(monkeypatch)
    assert checked(job(tmp_path, tiny_model, ROWS))[1] == right
    assert len(seen) == 6


@pytest.mark.parametrize("images, more", [([], 1), (["a", "b"], 1), (["a"], 2)])
def test_a_difference_is_learnt_only_if_each_image_brings_as_much(
    images: list[str], more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One token more on a row with two images, or on one without any, is nothing that an image brings."""
    rows = Dataset.from_dict({"image_ids": [images] * 5})
    asked: list[int] = []

    class Counts:
        def count(self, batch: dict[str, list[Any]]) -> list[lengths.Length]:
            return [(10, 5)] * len(batch["image_ids"])

    def process(places: Collection[int]) -> dict[int, lengths.Length]:
        asked.extend(places)
        return {place: (10 + more, 5 + more) for place in places}

    monkeypatch.setattr(lengths, "SAMPLE", 2)
    stands_in: Any = Counts()
    measured = lengths.measure(Path("mix"), rows, stands_in, cast(Any, process))
    assert measured == [(10 + more, 5 + more)] * 5
    assert len(asked) == (2 if images == ["a"] else 7)


def test_lengths_are_kept_for_the_same_mix_and_processor(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = job(tmp_path, tiny_model, ROWS, lengths=True)
    first = checked(training)[1]
    seen = processed(monkeypatch)
    assert checked(training)[1] == first
    assert not seen
    assert training.lengths is not None
    training.lengths.write_text('{"key": "')  # damaged
    assert checked(training)[1] == first
    whole = training.lengths.read_text()
    training.lengths.write_text(whole.replace(str(first.tokens[0]), str(first.tokens[0] + 1), 1))  # JSON all the same
    assert training.lengths.read_text() != whole
    assert checked(training)[1] == first
    store.write(training.mix, MixRow, ROWS[1:])
    assert len(checked(training)[1].tokens) == 15
    assert len(seen) == 16 + 16 + 15
    store.write(training.images, Image, IMAGES[:1])  # the lengths are still known, but an image is not there
    with pytest.raises(UnfitMix, match="missing image"):
        checked(training)


def test_images_too_large_by_now_are_refused_undecoded(tmp_path: Path, tiny_model: Path) -> None:
    small = job(tmp_path, tiny_model, ROWS[:2]).model_copy(update={"max_pixels": 112 * 112 - 1})
    with pytest.raises(UnfitMix, match=r"images of 1 rows cannot be used:\n  path1: too many pixels: 112 x 112"):
        checked(small)
