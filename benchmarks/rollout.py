"""A rollout by our stage against its engine called bare: the same prompts, the same process, one loaded model.

    python benchmarks/rollout.py     # vLLM, models/final on the test problems: about three minutes on two cores
    python benchmarks/rollout.py --model models/base --problems 100 --samples 4 --turns 5
    python benchmarks/rollout.py --engine transformers --batch-size 64
    python benchmarks/rollout.py --device cuda --dtype bfloat16 --in-flight 256

Bare is vLLM's `LLM.generate` over one list of prompts, its images read and decoded, or transformers' `generate` over
batch after batch. Ours is what the stage does from the problem table on: requests written down, keyed and ordered,
images read and decoded, fed as a stream, completions journaled, path rows made. The two take turns, caches emptied
between them; the ratio is of the medians. `python -m benchmarks.gpu.rollouts` does the same on a large random model.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mathse import layout, params
from mathse.loop.ask.engines.kind import LocalModel
from mathse.loop.ask.protocol import Request, Sampling
from mathse.loop.solve import Ask, of_split, solve, solve_request
from mathse.params import Compute, Inference, Vllm
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import PathKind, Problem, Split


def main() -> None:
    """Print the seconds of both, turn by turn, and the ratio."""
    asked = _arguments()
    settings = params.load()
    images = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    problems = list(islice(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST), asked.problems))
    drawn = Sampling(asked.temperature, 1.0, settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, 1, settings.student.prompt, drawn, asked.samples, seed=1)
    compute = Compute(device=asked.device, threads=settings.compute.threads, dtype=asked.dtype)
    vllm = Vllm(eager=asked.device == "cpu", cpu_cache_gib=1, in_flight=asked.in_flight, max_model_len=1024)
    model = LocalModel(asked.model, compute, Inference(engine=asked.engine, vllm=vllm), asked.batch_size)
    compare(model, images, problems, ask, asked.turns)


def compare(model: LocalModel, images: ImageStore, problems: Sequence[Problem], ask: Ask, turns: int) -> None:
    """Open a model, run both in turn and print what they took.

    Args:
        model: With the engine that is compared.
        images: Of the problems.
        problems: What is asked.
        ask: How it is asked.
        turns: How often each runs, a first run of the bare engine not counted.
    """
    engine: Any = model.open(images)
    requests = [solve_request(problem, ask, sample) for problem in problems for sample in range(ask.samples)]
    tokens: dict[str, int] = {}

    def bare() -> None:
        tokens["bare"] = (_bare_vllm if _is_vllm(model) else _bare_transformers)(engine, images, requests)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            paths = list(solve(engine, problems, ask, Path(folder) / "rollout.sqlite"))
        failed = [path.error for path in paths if path.error]
        if failed:
            raise SystemExit(f"{len(failed)} rollouts failed, so there is nothing to compare; the first: {failed[0]}")
        tokens["ours"] = sum(path.tokens_out for path in paths)

    _timed(engine, bare)  # the first run of anything is slower
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for turn in range(turns):
        for name, run in (("bare", bare), ("ours", ours))[:: 1 if turn % 2 else -1]:
            seconds[name].append(_timed(engine, run))
    for name, taken in seconds.items():
        median = statistics.median(taken)
        speed = f"{len(requests) / median:7.1f} rollouts/s  {tokens[name] / median:8.0f} tokens/s written"
        print(f"{name:5} {median:7.2f} s  {speed}  {[round(one, 2) for one in taken]}")
    ratio = statistics.median(seconds["bare"]) / statistics.median(seconds["ours"])
    called = model.inference.engine
    print(f"ours runs at {100 * ratio:.1f} % of bare {called}'s throughput ({len(requests)} rollouts)")


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=layout.model("final"))
    arguments.add_argument("--engine", choices=["vllm", "transformers"], default="vllm")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    arguments.add_argument("--problems", type=int, default=300)
    arguments.add_argument("--samples", type=int, default=1)
    arguments.add_argument("--temperature", type=float, default=0.0)
    arguments.add_argument("--in-flight", type=int, default=64, help="requests that vLLM computes at once")
    arguments.add_argument("--batch-size", type=int, default=64, help="requests that transformers computes at once")
    arguments.add_argument("--turns", type=int, default=3)
    return arguments.parse_args()


def _is_vllm(model: LocalModel) -> bool:
    return model.inference.engine == "vllm"


def _bare_vllm(engine: Any, images: ImageStore, requests: Sequence[Request]) -> int:
    """Tokens written by vLLM, all prompts handed over at once."""
    prompts = [
        {"prompt": _text(engine, request), "multi_modal_data": {"image": _pictures(images, request)}}
        for request in requests
    ]
    sampling = [engine._sampling(request) for request in requests]
    made = [output.outputs[0].token_ids for output in engine._llm.generate(prompts, sampling, use_tqdm=False)]
    texts = [engine._processor.tokenizer.decode(tokens) for tokens in made]
    return sum(len(tokens) for tokens, _ in zip(made, texts, strict=True))


def _bare_transformers(engine: Any, images: ImageStore, requests: Sequence[Request]) -> int:
    """Tokens written by `generate`, batch after batch, short questions first as ours has them."""
    import torch

    near = sorted(requests, key=lambda request: sum(len(turn.content) for turn in request.messages))
    drawn = near[0].sampling
    stops, tokenizer, written = sorted(engine._stops), engine._processor.tokenizer, 0
    how: dict[str, Any] = {"do_sample": False}
    if drawn.temperature:
        how = {"do_sample": True, "temperature": drawn.temperature, "top_p": drawn.top_p, "top_k": 0}
    for start in range(0, len(near), engine.batch_size):
        batch = near[start : start + engine.batch_size]
        inputs = engine._processor(
            text=[_text(engine, request) for request in batch],
            images=[_pictures(images, request) for request in batch],
            padding=True, padding_side="left", return_tensors="pt", add_special_tokens=False,
        ).to(engine._model.device)  # fmt: skip
        with torch.inference_mode():
            made = engine._model.generate(
                **inputs, **how, max_new_tokens=drawn.max_new_tokens, eos_token_id=stops,
                pad_token_id=tokenizer.pad_token_id,
            )[:, inputs["input_ids"].shape[1] :]  # fmt: skip
        tokenizer.batch_decode(made, skip_special_tokens=True)
        written += int((made != tokenizer.pad_token_id).sum())
    return written


def _text(engine: Any, request: Request) -> str:
    from mathse.loop.ask.engines.runtimes.transformers import conversation

    turns = conversation(request.messages, len(request.image_ids))
    return str(engine._processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _pictures(images: ImageStore, request: Request) -> list[Any]:
    return [images.load(image_id) for image_id in request.image_ids]


def _timed(engine: Any, run: Callable[[], None]) -> float:
    if hasattr(engine, "_llm"):
        engine._llm.reset_prefix_cache()
        engine._engine.reset_mm_cache()
    start = time.monotonic()
    run()
    return time.monotonic() - start


if __name__ == "__main__":
    main()
