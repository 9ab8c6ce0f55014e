from collections.abc import Sequence
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest
import torch

from mathse.loop.ask.engines.decode import Sampler, Written, decode
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.engines.local.fingerprint import ModelMissing
from mathse.loop.ask.engines.runtimes.transformers import TransformersEngine, conversation
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Failure, Request, Sampling
from mathse.loop.ask.replies import DECIDING
from mathse.params import Compute, Inference
from mathse.tables.images import ImageStore
from mathse.tables.schemas import Message
from tests.loop.ask.engines import generation
from tests.loop.ask.engines.noise import IMAGES

COMPUTE = Compute(threads=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def engine(tiny_model: Path, images: ImageStore) -> TransformersEngine:
    return TransformersEngine(LocalModel(tiny_model, COMPUTE, Inference(), batch_size=8), images)


def small_engine(folder: Path) -> Engine:
    return generation.local_model().open(generation.stored_pictures(folder))


def request(place: int, pictures: int = 1, temperature: float = 0.0, tokens: int = 12, text: str = "") -> Request:
    text = text or "Find angle C " + " ".join(str(n) for n in range(place, 2 * place + 1))
    ids = tuple(IMAGES[(place + n) % len(IMAGES)].image_id for n in range(pictures))
    sampling = Sampling(temperature=temperature, max_new_tokens=tokens)
    return Request(f"p{place}", 0, "solve-brief@1", turn(text), ids, sampling, seed=100 + place)


def texts(outcomes: Sequence[Any]) -> list[str]:
    assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
    return [outcome.text for outcome in outcomes]


def alone(engine: TransformersEngine, requests: Sequence[Request]) -> list[str]:
    return [texts(engine.complete([one]))[0] for one in requests]


def test_greedy_is_what_generate_writes(engine: TransformersEngine) -> None:
    from transformers import GenerationConfig

    requests = [request(place, pictures=place % 3) for place in range(8)]
    inputs = engine._encode([(one, [engine._images.load(image) for image in one.image_ids]) for one in requests])
    config = GenerationConfig(
        do_sample=False,
        max_new_tokens=12,
        eos_token_id=sorted(engine._stops),
        pad_token_id=engine._processor.tokenizer.pad_token_id,
    )
    new = engine._model.generate(**inputs, generation_config=config)[:, inputs["input_ids"].shape[1] :]
    written = engine._processor.tokenizer.batch_decode(new, skip_special_tokens=True)
    assert texts(engine.complete(requests)) == written
    assert len(set(written)) > 4, "the model says the same to everything, so this test proves nothing"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_padding_and_batch_mates_change_no_text(engine: TransformersEngine, temperature: float) -> None:
    requests = [request(place, place % 3, temperature, tokens=4 + 2 * place) for place in range(8)]
    assert texts(engine.complete(requests)) == alone(engine, requests)


def test_sampled_texts_are_their_seeds(engine: TransformersEngine) -> None:
    first, again = (texts(engine.complete([request(3, temperature=1.0)])) for _ in range(2))
    other = Request(**{**request(3, temperature=1.0).__dict__, "seed": 7})
    assert first == again != texts(engine.complete([other]))


def test_greedy_and_sampled_mix_in_a_batch(engine: TransformersEngine) -> None:
    requests = [request(place, temperature=float(place % 2)) for place in range(4)]
    assert texts(engine.complete(requests)) == alone(engine, requests)


def test_no_image_anywhere_after_a_batch_with_images(engine: TransformersEngine) -> None:
    requests = [request(place, pictures=0) for place in range(3)]
    before = alone(engine, requests)
    engine.complete([request(0), request(1)])
    assert texts(engine.complete(requests)) == before


def test_the_image_is_looked_at(engine: TransformersEngine) -> None:
    same = "Find angle C"
    written = texts(engine.complete([request(place, text=same) for place in range(4)]))
    assert len(set(written)) > 1


def test_tokens_are_counted_without_padding_and_a_cut_text_says_so(engine: TransformersEngine) -> None:
    short, long = engine.complete([request(0, tokens=3), request(7, tokens=5)])
    assert isinstance(short, Completion)
    assert isinstance(long, Completion)
    assert (short.tokens_out, short.finish_reason) == (3, "length")
    assert (long.tokens_out, long.finish_reason) == (5, "length")
    assert short.tokens_in == engine.complete([request(0)])[0].tokens_in
    assert short.tokens_in < long.tokens_in


def test_a_stop_token_ends_a_text_and_is_not_in_it(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    one = request(2)
    ids = engine._processor.tokenizer(texts(engine.complete([one]))[0])["input_ids"]
    monkeypatch.setattr(engine, "_stops", frozenset({ids[0]}))
    outcome = engine.complete([one])[0]
    assert isinstance(outcome, Completion)
    assert (outcome.finish_reason, outcome.tokens_out) == ("stop", 1)


def test_special_tokens_are_not_in_the_text(engine: TransformersEngine) -> None:
    stop = engine._processor.tokenizer.eos_token_id
    assert engine._completion(3, Written([stop])) == Completion("", "stop", 3, 1)


@torch.inference_mode()
def test_tokens_are_weighed_as_the_model_weighs_them(engine: TransformersEngine) -> None:
    inputs = engine._encode([(request(2, pictures=0), [])])
    limits, seeds = [12], [0]
    row, plain = (
        decode(engine._model, inputs, Sampler([Sampling()], seeds, CPU), limits, engine._stops, weigh=weigh)[0]
        for weigh in (True, False)
    )
    assert (plain.tokens, plain.logprobs) == (row.tokens, [])

    whole = torch.cat([inputs["input_ids"], torch.tensor([row.tokens])], dim=1)
    logprobs = engine._model(input_ids=whole).logits[0, -len(row.tokens) - 1 : -1].log_softmax(-1)
    expected = logprobs.gather(1, torch.tensor(row.tokens)[:, None])[:, 0]
    assert torch.allclose(torch.tensor(row.logprobs), expected, atol=1e-4)


def test_a_reply_comes_with_the_probability_of_its_status(engine: TransformersEngine) -> None:
    tokens = engine._processor.tokenizer('{"status": "WRONG"}', add_special_tokens=False)["input_ids"]
    said = engine._completion(3, Written(tokens, [-0.01] * len(tokens)), DECIDING["full"])
    unasked = engine._completion(3, Written(tokens, [-0.01] * len(tokens)))

    assert said.confidence is not None and exp(-0.01 * len(tokens)) < said.confidence < 1
    assert unasked == replace(said, confidence=None)


def test_a_missing_image_fails_its_request_alone(engine: TransformersEngine) -> None:
    lost = Request(**{**request(1).__dict__, "image_ids": ("nowhere",)})
    outcomes = engine.complete([request(0), lost, request(2)])
    assert isinstance(outcomes[1], Failure)
    assert outcomes[1].reason == "missing image"
    assert "nowhere" in outcomes[1].detail
    assert texts([outcomes[0], outcomes[2]]) == texts(engine.complete([request(0), request(2)]))


def test_a_prompt_longer_than_the_context_fails_alone(engine: TransformersEngine) -> None:
    endless = request(1, text="angle " * 5000)
    outcomes = engine.complete([request(0), endless])
    assert isinstance(outcomes[0], Completion)
    assert isinstance(outcomes[1], Failure)
    assert outcomes[1].reason == "prompt too long"


def test_a_batch_that_does_not_fit_is_tried_one_by_one(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine._write

    def cramped(batch: Sequence[Any]) -> Any:
        if len(batch) > 1 or batch[0][0].problem_id == "p2":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return whole(batch)

    monkeypatch.setattr(engine, "_write", cramped)
    outcomes = engine.complete([request(place) for place in range(4)])
    assert [isinstance(outcome, Completion) for outcome in outcomes] == [True, True, False, True]
    assert isinstance(outcomes[2], Failure)
    assert (outcomes[2].reason, outcomes[2].retryable) == ("out of memory", True)


def test_the_prompt_is_the_one_trl_trains_on(engine: TransformersEngine) -> None:
    from trl.data_utils import prepare_multimodal_messages

    messages = (Message(role="system", content="Be brief."), Message(role="user", content="Find angle C"))
    plain = [message.model_dump() for message in messages]
    trained = prepare_multimodal_messages(plain, images=["first", "second"])
    bare = [
        {**message, "content": [{k: v for k, v in part.items() if k != "image"} for part in message["content"]]}
        for message in trained
    ]
    assert conversation(messages, 2) == bare


def test_a_missing_model_is_named(tmp_path: Path, images: ImageStore) -> None:
    with pytest.raises(ModelMissing, match="models/0: there is no such model folder"):
        TransformersEngine(LocalModel(tmp_path / "models" / "0", COMPUTE, Inference(), batch_size=8), images)


def test_precision_is_part_of_what_decides_a_text(engine: TransformersEngine, tiny_model: Path) -> None:
    model = LocalModel(tiny_model, Compute(threads=1, dtype="bfloat16"), Inference(), batch_size=8)
    half = TransformersEngine(model, engine._images)
    assert half.name == engine.name
    assert half.fingerprint != engine.fingerprint
