"""Tokens counted before a run, held to what the families' processors make of the same conversations."""

from pathlib import Path
from typing import Any

import pytest

from mathse.loop.ask.engines.local.families import FAMILIES, Family, ImageLimitError, family_of
from mathse.loop.ask.engines.local.fetch import fetch
from mathse.loop.ask.engines.local.loading import load_processor
from mathse.loop.ask.engines.runtimes.transformers import conversation
from mathse.loop.ask.prompts import turn
from mathse.params import Pretrained
from mathse.plan.tokens import by_processor, known_image_tokens, openai_tiles
from mathse.tables.images import decode
from mathse.tables.schemas import Image
from tests.loop.ask.engines.local import tiny_backbones
from tests.loop.ask.engines.noise import noise

# GLM-4.1V's processor (transformers 5.19) turns tensors into arrays in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZES = ((60, 80), (112, 56), (40, 40), (150, 90))
IMAGES = [noise(place, *size) for place, size in enumerate(SIZES)]
QUESTION = turn("Find angle C from the bar chart 3")
ANSWER = "Therefore the total equals 70"
LIMITS = {
    "min_pixels": {"min_pixels": 28 * 28 * 16, "max_pixels": 28 * 28 * 25}, "min_tiles": {"max_tiles": 1},
    "max_pixels": {"max_pixels": 60 * 60}, "max_tiles": {"max_tiles": 1},
}  # fmt: skip
"""Limits of `base.image`, other than those the tiny models come with, by the first that a family knows."""


@pytest.fixture(scope="module", params=list(tiny_backbones.BUILDERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_backbones.build(request.param, tmp_path_factory.mktemp(request.param))


def processed(folder: Path, images: list[Image]) -> int:
    """The length of what the processor makes of a question with images."""
    processor: Any = load_processor(folder)
    text = processor.apply_chat_template(
        conversation(QUESTION, len(images)), tokenize=False, add_generation_prompt=True
    )
    pictures = [decode(image.data, 10**6) for image in images]
    return len(processor(text=[text], images=[pictures], add_special_tokens=False)["input_ids"][0])


def test_a_conversation_takes_the_tokens_that_its_processor_gives_it(folder: Path) -> None:
    count = by_processor(folder)
    for images in (*([image] for image in IMAGES), IMAGES[:2]):
        assert count(QUESTION, images) == processed(folder, list(images))
    assert count(QUESTION, IMAGES[:1], ANSWER) > count(QUESTION, IMAGES[:1]) > count(QUESTION, [])


def test_limits_of_the_base_are_counted_with(folder: Path, tmp_path: Path) -> None:
    limits = LIMITS.get(next(iter(family_of(folder).limits), ""), {})
    fetch(Pretrained.model_validate({"from": str(folder), "image": limits}), tmp_path / "base")
    limited, as_they_are = by_processor(tmp_path / "base"), by_processor(folder)
    for image in IMAGES:
        assert limited(QUESTION, [image]) == processed(tmp_path / "base", [image])
    if limits:
        counts = [[count(QUESTION, [image]) for image in IMAGES] for count in (limited, as_they_are)]
        assert counts[0] != counts[1]


def test_a_processor_that_does_not_say_its_counts_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_backbones.build("qwen2_vl", tmp_path)
    expected = by_processor(folder)(QUESTION, IMAGES[:2])
    monkeypatch.delattr(type(load_processor(folder)), "_get_num_multimodal_tokens")
    assert by_processor(folder)(QUESTION, IMAGES[:2]) == expected


LARGE = ((448, 336), (1000, 1000), (2000, 700), (3000, 4000))
UNLIMITED = {
    "qwen2_vl": [192, 1296, 1775, 15_301],
    "qwen2_5_vl": [192, 1296, 1775, 15_301],
    "qwen3_vl": [140, 961, 1364, 11_750],
    "qwen3_vl_moe": [140, 961, 1364, 11_750],
    "qwen3_5": [140, 961, 1364, 11_750],
    "qwen3_5_moe": [140, 961, 1364, 11_750],
    "internvl": [3330, 2562, 3330, 3330],
    "glm4v": [192, 1296, 1775, 15_301],
    "glm4v_moe": [192, 1296, 1775, 15_301],
    "glm46v": [192, 1296, 1775, 15_301],
    "llava": [576, 576, 576, 576],
    "llava_onevision": [1737, 7371, 7257, 7309],
    "gemma3": [256, 256, 256, 256],
    "mistral3": [208, 1332, 1155, 2352],
    "smolvlm": [192, 1296, 1775, 15_301],
}
"""What public checkpoints spend on images of these sizes: see arXiv 2409.12191, 2412.05271, 2310.03744; a token of
Qwen3-VL stands for 32 x 32 pixels, SmolVLM's processor has no rule and is counted as Qwen2-VL's."""
SCALED = {
    **{key: [117, 121, 114, 117] for key in ("qwen2_vl", "qwen2_5_vl", "glm4v", "glm4v_moe", "glm46v")},
    **{key: [88, 81, 80, 88] for key in ("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe")},
}


def counted(kind: Family, limits: dict[str, int]) -> list[int]:
    tokens = known_image_tokens(kind, limits)
    return [tokens(noise(0, *size)) for size in LARGE]


@pytest.mark.parametrize("family", FAMILIES)
def test_images_under_a_known_checkpoint(family: str) -> None:
    assert counted(FAMILIES[family], {}) == UNLIMITED[family]
    if family in SCALED:
        assert counted(FAMILIES[family], {"min_pixels": 50_176, "max_pixels": 100_352}) == SCALED[family]
    elif family == "internvl":
        assert counted(FAMILIES[family], {"max_tiles": 4}) == [258, 1282, 1026, 1282]
    elif family == "mistral3":
        assert counted(FAMILIES[family], {"max_pixels": 100_352}) == [120, 156, 60, 117]
    elif family != "smolvlm":
        with pytest.raises(ImageLimitError, match="has no such limit"):
            known_image_tokens(FAMILIES[family], {"max_tiles": 4})


def test_a_family_that_is_not_listed_counts_as_qwen() -> None:
    assert counted(Family(""), {}) == UNLIMITED["qwen2_vl"]


def test_tiles_at_a_server() -> None:
    assert [openai_tiles(noise(0, *size)) for size in ((512, 512), (1024, 1024), (2000, 700))] == [255, 765, 1445]
