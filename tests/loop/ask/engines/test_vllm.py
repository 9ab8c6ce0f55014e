"""vLLM for real, on the CPU: the tiny base from git, against the transformers engine on the same requests."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mathse.errors import UserError
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Engine, Failure, Outcome, Request, Sampling, Task
from mathse.loop.ask.replies import DECIDING, json_schema
from mathse.params import Compute, Inference, Vllm
from mathse.tables.images import ImageStore
from tests.installed import needs
from tests.loop.ask.engines import generation
from tests.loop.ask.engines.noise import IMAGES

needs("vllm")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # vLLM itself uses what others deprecate

BASE = Path(__file__).parents[4] / "models" / "tiny"
COMPUTE = Compute(threads=2)
SETTINGS = Vllm(eager=True, cpu_cache_gib=1, in_flight=4, max_model_len=512, images=2, guided_json=True)


@pytest.fixture(scope="module")
def engine(images: ImageStore) -> Iterator[Engine]:
    made = LocalModel(BASE, COMPUTE, Inference(engine="vllm", vllm=SETTINGS), batch_size=8).open(images)
    yield made
    made._engine.engine_core.shutdown()  # type: ignore[attr-defined]


def small_engine(folder: Path) -> Engine:
    vllm = Vllm(eager=True, cpu_cache_gib=1, in_flight=8, max_model_len=256)
    return generation.local_model("vllm", vllm=vllm).open(generation.stored_pictures(folder))


def request(place: int, pictures: int = 1, temperature: float = 0.0, seed: int = 0, schema: str = "") -> Request:
    question = f"What is the sum of {place} and {place + 3}? " + "A bar is 12 high. " * (place % 5)
    ids = tuple(IMAGES[(place + n) % len(IMAGES)].image_id for n in range(pictures))
    sampling = Sampling(temperature, max_new_tokens=24)
    return Request(f"p{place}", seed, "solve-brief@1", turn(question), ids, sampling, seed, json_schema=schema)


def answers(engine: Engine, requests: Sequence[Request]) -> list[Outcome]:
    tasks = [Task(str(place), request) for place, request in enumerate(requests)]
    batches = (tasks[start : start + engine.batch_size] for start in range(0, len(tasks), engine.batch_size))
    made = {key: outcome for outcomes in engine.answer(batches, 0.0) for key, outcome in outcomes.items()}
    assert made.keys() == {task.key for task in tasks}
    return [made[task.key] for task in tasks]


def texts(outcomes: Sequence[Outcome]) -> list[str]:
    assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
    return [outcome.text for outcome in outcomes if isinstance(outcome, Completion)]


def test_greedy_completions_are_those_of_the_transformers_engine(engine: Engine, images: ImageStore) -> None:
    requests = [request(place, pictures=place % 3) for place in range(60)]
    other = answers(LocalModel(BASE, COMPUTE, Inference(), batch_size=16).open(images), requests)
    same = sum(one == two for one, two in zip(answers(engine, requests), other, strict=True))
    assert len(set(texts(other))) > 20
    assert same >= 59


def test_a_sample_is_its_seeds(engine: Engine) -> None:
    requests = [request(1, temperature=1.0, seed=seed) for seed in range(6)]
    first = texts(answers(engine, requests))
    assert len(set(first)) > 1
    assert texts(answers(engine, requests[::-1]))[::-1] == first


def test_one_bad_request_fails_alone_and_typed(engine: Engine) -> None:
    lost = Request("lost", 0, "p@1", turn("?"), ("0" * 64,), Sampling(), 0)
    long = Request("long", 0, "p@1", turn("one and " * 900), (), Sampling(), 0)
    crowd = request(3, pictures=3)
    made = answers(engine, [request(0), lost, long, crowd, request(1)])
    reasons = [outcome.reason if isinstance(outcome, Failure) else None for outcome in made]
    assert reasons == [None, "missing image", "prompt too long", "too many images", None]


def test_whoever_stops_early_leaves_the_engine_usable(engine: Engine) -> None:
    stream = engine.answer(([Task(str(place), request(place))] for place in range(40)), 0.0)
    assert next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert texts(answers(engine, [request(0)]))


def test_no_more_requests_are_taken_than_there_is_room_for(engine: Engine) -> None:
    taken = 0

    def counted() -> Iterator[list[Task]]:
        nonlocal taken
        for place in range(80):
            taken += 1
            yield [Task(str(place), request(place))]

    from mathse.loop.ask.engines.runtimes.vllm import INSIDE

    done, most = 0, 0
    for outcomes in engine.answer(counted(), 0.0):
        most = max(most, taken - done)
        done += len(outcomes)
    assert done == 80
    assert most <= INSIDE * SETTINGS.in_flight


def test_the_samples_of_a_problem_share_one_decoded_image(
    engine: Engine, images: ImageStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decoded, load = [], images.load

    def noted(image_id: str) -> object:
        decoded.append(image_id)
        return load(image_id)

    monkeypatch.setattr(engine._images, "load", noted)  # type: ignore[attr-defined]
    asked = [request(place, temperature=1.0, seed=seed) for seed in range(4) for place in (7, 8, 9)]
    made = list(generate(engine, asked, tmp_path / "journal.sqlite", "samples"))
    assert [label for label, _ in made] == [one.label for one in asked]
    assert set(Counter(decoded).values()) == {1}, "an image was decoded once a sample"


def test_the_samples_of_a_problem_share_one_prefill(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    prefills: list[tuple[int, int]] = []
    outcome = engine._outcome  # type: ignore[attr-defined]

    def noted(output: Any, key: str) -> Outcome:
        prefills.append((output.num_cached_tokens, len(output.prompt_token_ids)))
        made: Outcome = outcome(output, key)
        return made

    monkeypatch.setattr(engine, "_outcome", noted)
    long = turn("A bar is 12 high. " * 45)  # a block of the CPU's cache holds 128 tokens: only whole ones are shared
    sampling = Sampling(1.0, max_new_tokens=8)
    answers(engine, [Request("long", seed, "p@1", long, (), sampling, seed) for seed in range(4)])
    computed = sum(prompt - cached for cached, prompt in prefills)
    assert computed < 2 * prefills[0][1], "four samples were prefilled as often as two problems"


def test_tokens_are_weighed_as_the_transformers_engine_weighs_them(
    engine: Engine, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def total(pieces: Sequence[str], logprobs: Sequence[float], deciding: str) -> float:
        heard.append("".join(pieces))
        return sum(logprobs)

    for runtime in ("transformers", "vllm"):
        monkeypatch.setattr(f"mathse.loop.ask.engines.runtimes.{runtime}.confidence", total)
    asked = [replace(request(place), deciding=DECIDING["full"]) for place in range(8)]
    made = answers(engine, asked)
    assert sorted(heard) == sorted(texts(made))
    other = answers(LocalModel(BASE, COMPUTE, Inference(), batch_size=8).open(images), asked)
    alike = [(one, two) for one, two in zip(made, other, strict=True) if one.text == two.text]
    assert len(alike) >= 7
    for one, two in alike:
        assert one.confidence is not None and one.confidence < 0
        assert one.confidence == pytest.approx(two.confidence, abs=0.01)

    heard.clear()
    unasked = answers(engine, [request(0)])
    assert (unasked[0].text, unasked[0].confidence, heard) == (made[0].text, None, [])


def test_a_guided_reply_follows_its_schema(engine: Engine) -> None:
    (outcome,) = answers(engine, [request(2, schema=json_schema(annotation=False))])
    assert isinstance(outcome, Completion)
    if outcome.finish_reason == "stop":
        assert json.loads(outcome.text).keys() == {"status", "error_step", "error_analysis"}
    else:
        assert outcome.text.startswith('{"status"') or outcome.text.startswith("{")


def test_an_engine_that_has_died_says_what_to_do(engine: Engine) -> None:  # the last: it kills the engine
    stream = engine.answer(([Task(str(place), request(place))] for place in range(40)), 0.0)
    next(iter(stream))
    for process in psutil.Process().children(recursive=True):
        if process.name().startswith("VLLM"):
            process.kill()
    with pytest.raises(UserError, match=r"vLLM has died .*journaled: run again"):
        list(stream)
