"""Every family of backbones through the same checks: loaded, trained, saved, loaded again, asked, judged with.

The models are tiny and random, but of the family's real classes, with its special tokens and its form of chat.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.engines.local import families
from mathse.loop.ask.engines.local.chat import closing_token
from mathse.loop.ask.engines.local.families import family_of, vision_tower
from mathse.loop.ask.engines.local.fetch import fetch
from mathse.loop.ask.engines.local.loading import ProcessorUnusable, load_model, load_processor
from mathse.loop.ask.engines.runtimes.transformers import TransformersEngine
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Request, Sampling
from mathse.loop.judge import judge
from mathse.params import Compute, Inference, Judge, Pretrained, Train
from mathse.params.training import Lora
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Image, Message, MixRow, PathKind, Problem, Split, Status
from mathse.tables.schemas import Path as PathRow
from mathse.training import adapters
from mathse.training.job import Job, TrainingReport
from mathse.training.train import train
from tests.loop.ask.engines.local import tiny_backbones
from tests.loop.ask.engines.noise import noise

# GLM-4.1V's processor (transformers 5.19) turns tensors into arrays in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

COMPUTE = Compute(threads=1)
TRAIN = Train(
    epochs=1, max_steps=40, batch_size=6, learning_rate=1e-2, warmup=0.1, weight_decay=0.0, scheduler="cosine"
)
ANSWER = "Therefore the total equals 70"
SIZES = ((60, 80), (112, 56), (40, 40), (150, 90))
"""Height and width of the images, in pixels."""


IMAGES = [noise(place, *SIZES[place % len(SIZES)]) for place in range(4)]


def question(place: int) -> str:
    return f"Find angle C from the bar chart {place}"


def image_ids(place: int) -> tuple[str, ...]:
    """No image, one, or two of different shape."""
    return tuple(IMAGES[(place + n) % len(IMAGES)].image_id for n in range(place % 3))


def row(place: int) -> MixRow:
    return MixRow(
        path_id=f"path{place}", problem_id=f"p{place}", kind=PathKind.DISTILLED, round=0, image_ids=image_ids(place),
        prompt=turn(question(place)), completion=(Message(role="assistant", content=ANSWER),),
    )  # fmt: skip


def request(place: int) -> Request:
    sampling = Sampling(max_new_tokens=24)
    return Request(f"p{place}", 0, "solve-brief@1", turn(question(place)), image_ids(place), sampling, seed=place)


@dataclass(frozen=True)
class Tried:
    """A family's model before and after a training."""

    name: str
    base: Path
    trained: Path
    report: TrainingReport
    images: ImageStore

    def engine(self, folder: Path) -> TransformersEngine:
        return TransformersEngine(LocalModel(folder, COMPUTE, Inference(), batch_size=8), self.images)


@pytest.fixture(scope="module", params=list(tiny_backbones.BUILDERS))
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny_backbones.build(request.param, folder / "base")
    store.write(folder / "images.parquet", Image, IMAGES)
    store.write(folder / "mix.parquet", MixRow, [row(place) for place in range(6)])
    report, _ = train(Job(
        mix=folder / "mix.parquet", images=folder / "images.parquet", start=base, out=folder / "0", settings=TRAIN,
        compute=COMPUTE, seed=1, max_pixels=10**6,
    ))  # fmt: skip
    return Tried(request.param, base, folder / "0", report, ImageStore(folder / "images.parquet", 10**6))


def written(outcomes: Sequence[Any]) -> list[Completion]:
    assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
    return list(outcomes)


def test_training_lowers_the_loss(tried: Tried) -> None:
    first, last = tried.report.loss_curve[0].loss, tried.report.final_loss
    assert last < 0.2 * first, tried.report.loss_curve
    assert tried.report.too_long == ()


def test_the_trained_model_says_what_it_was_taught_and_stops(tried: Tried) -> None:
    outcomes = written(tried.engine(tried.trained).complete([request(place) for place in range(6)]))
    assert [outcome.text.strip() for outcome in outcomes] == [ANSWER] * 6
    assert {outcome.finish_reason for outcome in outcomes} == {"stop"}


def test_batches_with_no_one_and_two_images_are_as_each_alone(tried: Tried) -> None:
    engine = tried.engine(tried.base)
    requests = [request(place) for place in range(6)]
    together = written(engine.complete(requests))
    alone = [written(engine.complete([one]))[0] for one in requests]
    assert together == alone
    assert len({outcome.tokens_in for outcome in together}) > 2


def test_greedy_is_what_generate_writes(tried: Tried) -> None:
    from transformers import GenerationConfig

    engine = tried.engine(tried.base)
    requests = [request(place) for place in range(3)]
    inputs = engine._encode([(one, [engine._images.load(image) for image in one.image_ids]) for one in requests])
    config = GenerationConfig(
        do_sample=False, max_new_tokens=24, eos_token_id=sorted(engine._stops),
        pad_token_id=engine._processor.tokenizer.pad_token_id,
    )  # fmt: skip
    new = engine._model.generate(**inputs, generation_config=config)[:, inputs["input_ids"].shape[1] :]
    texts = engine._processor.tokenizer.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert [outcome.text for outcome in written(engine.complete(requests))] == texts


def counted(tried: Tried, folder: Path) -> list[int]:
    """Tokens that stand for each image in what the processor makes of it."""
    processor: Any = load_processor(folder)
    marker = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    text = processor.apply_chat_template([{"role": "user", "content": [{"type": "image"}]}], tokenize=False)
    given = [processor(text=[text], images=[[tried.images.load(image.image_id)]])["input_ids"][0] for image in IMAGES]
    return [list(ids).count(marker) for ids in given]


LIMITS = {
    "min_pixels": {"min_pixels": 28 * 28 * 16, "max_pixels": 28 * 28 * 25}, "min_tiles": {"max_tiles": 1},
    "max_pixels": {"max_pixels": 60 * 60}, "max_tiles": {"max_tiles": 1},
}  # fmt: skip
"""Limits of `base.image`, other than those the tiny models come with, by the first that a family knows."""


def test_a_fetched_base_loads_and_keeps_to_its_image_limits(tried: Tried, tmp_path: Path) -> None:
    family = family_of(tried.base)
    limits = LIMITS.get(next(iter(family.limits), ""), {})
    fetch(Pretrained.model_validate({"from": str(tried.base), "image": limits}), tmp_path / "base")
    before = tried.engine(tried.base).complete([request(0)])
    assert tried.engine(tmp_path / "base").complete([request(0)]) == before, "one without an image"
    tokens = counted(tried, tmp_path / "base")
    if limits:
        assert tokens != counted(tried, tried.base)
    if "min_pixels" in limits:
        assert all(12 <= one <= 25 for one in tokens)


def test_the_vision_tower_is_found_and_kept_out_of_lora(tried: Tried) -> None:
    family, model = family_of(tried.base), load_model(tried.base, "float32", "cpu")
    tower = vision_tower(model)
    assert tower is not None
    assert tower is model.get_submodule(family.vision)
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    between = ("model.multi_modal_projector.", "model.connector.")
    seen = {name for name in linear if name.startswith((f"{family.vision}.", *between))}
    adapted_model = adapters.prepare(model, TRAIN.model_copy(update={"lora": Lora()}), seed=0).get_base_model()
    adapted = {name for name, module in adapted_model.named_modules() if hasattr(module, "lora_A")}
    assert not adapted & seen
    assert adapted | seen | {"lm_head"} >= linear
    assert all(name.startswith(("model.language_model.layers.", "model.text_model.layers.")) for name in adapted)


def test_the_turn_is_closed_and_opened_as_the_family_does(tried: Tried) -> None:
    template = json.dumps(load_processor(tried.trained).chat_template)
    assert template == json.dumps(load_processor(tried.base).chat_template), "training saved another template"
    closing = {
        "glm4v": "<|endoftext|>", "llava": "</s>", "mistral3": "</s>", "gemma3": "<end_of_turn>",
        "smolvlm": "<end_of_utterance>",
    }  # fmt: skip
    assert closing_token(load_processor(tried.base)) == closing.get(tried.name, "<|im_end|>")


def test_a_judge_of_the_family_is_parsed(tried: Tried, tmp_path: Path) -> None:
    problems = {
        f"p{place}": Problem(
            problem_id=f"p{place}", source="figures", source_id=str(place), licence="Apache-2.0", split=Split.TRAIN,
            question=question(place), answer="70", image_ids=image_ids(place), subject="angles", level=1,
        )
        for place in range(3)
    }  # fmt: skip
    paths = [
        PathRow(
            path_id=f"path{place}", problem_id=f"p{place}", kind=PathKind.ROLLOUT, round=1, sample_idx=0, author="m",
            prompt_id="solve@1", seed=1, text="The answer to this problem is 70.", answer="70", finish_reason="stop",
            tokens_in=1, tokens_out=1,
        )
        for place in range(3)
    ]  # fmt: skip
    settings = Judge(batch_size=4, max_new_tokens=16, prompt="judge-brief@1")
    verdicts = list(judge(tried.engine(tried.trained), lambda: paths, problems, settings, tmp_path / "judge.sqlite"))
    assert [verdict.status for verdict in verdicts] == [Status.UNDECIDED] * 3
    assert all(verdict.raw and verdict.undecided_reason for verdict in verdicts)
    assert {verdict.rule_status for verdict in verdicts} == {Status.CORRECT}


def test_a_family_that_is_not_listed_works_on_defaults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_backbones.build("qwen2_vl", tmp_path / "base")
    monkeypatch.setattr(families, "FAMILIES", {})
    store.write(tmp_path / "images.parquet", Image, IMAGES)
    model = LocalModel(folder, COMPUTE, Inference(), batch_size=4)
    engine = TransformersEngine(model, ImageStore(tmp_path / "images.parquet", 10**6))
    assert "'qwen2_vl' is not among those" in caplog.text
    assert len(written(engine.complete([request(place) for place in range(3)]))) == 3
    assert vision_tower(engine._model) is engine._model.get_submodule("model.visual")


def test_a_package_that_a_processor_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_backbones.build("smolvlm", tmp_path / "base")
    monkeypatch.setattr("transformers.models.smolvlm.processing_smolvlm.num2words", None)
    with pytest.raises(ProcessorUnusable, match=r"base: its processor cannot be loaded: .*`pip install num2words`"):
        load_processor(folder)


@pytest.mark.parametrize(
    "settings, changed",
    [
        ({"size": {"shortest_edge": 3136, "longest_edge": 1_003_520}}, {"shortest_edge": 3136, "longest_edge": 90_000}),
        ({"min_pixels": 3136, "max_pixels": 1_003_520}, {"shortest_edge": 3136, "longest_edge": 90_000}),
    ],
)
def test_a_family_that_is_not_listed_is_limited_where_its_processor_names_pixels(
    settings: dict[str, Any], changed: dict[str, int]
) -> None:
    assert families.DEFAULT.limited(settings, {"max_pixels": 90_000}) == {"size": changed}
    with pytest.raises(families.ImageLimitError, match="the least, 3136, is above the most, 1000"):
        families.DEFAULT.limited(settings, {"max_pixels": 1000})


def test_a_longest_side_and_tiles_are_limits_too() -> None:
    assert families.DEFAULT.limited({"size": {"longest_edge": 1540}}, {"max_pixels": 90_000}) == {
        "size": {"longest_edge": 300}
    }
    tiles = {"size": {"height": 448, "width": 448}, "min_patches": 1, "max_patches": 12}
    assert families.DEFAULT.limited(tiles, {"max_tiles": 4}) == {"max_patches": 4}


def test_a_size_of_one_number_names_no_pixels() -> None:
    with pytest.raises(families.ImageLimitError, match="the model has no such limit; it has: none"):
        families.DEFAULT.limited({"size": 224}, {"max_pixels": 90_000})
    assert families.DEFAULT.limited({"size": 224, "min_pixels": 16, "max_pixels": 99}, {"max_pixels": 50}) == {
        "size": {"shortest_edge": 16, "longest_edge": 50}
    }


def test_sides_are_no_pixels() -> None:
    with pytest.raises(families.ImageLimitError, match="the model has no such limit; it has: none"):
        families.DEFAULT.limited({"size": {"shortest_edge": 800, "longest_edge": 1333}}, {"max_pixels": 90_000})
    with pytest.raises(families.ImageLimitError, match="smolvlm has no such limit; it has: max_tiles"):
        families.FAMILIES["smolvlm"].limited({}, {"max_pixels": 90_000})
