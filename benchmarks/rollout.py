"""Our rollout stage against vLLM called bare, with the same prompts, in the same process and the same loaded model.

    python benchmarks/rollout.py     # models/final on the test problems, about three minutes on two cores
    python benchmarks/rollout.py --model models/base --problems 100 --samples 4 --turns 5

Bare is `LLM.generate` over one list of prompts, its images read and decoded. Ours is what the stage does from the
problem table on: requests written down, keyed and ordered, images read and decoded, fed as a stream, completions
journaled, path rows made. The two take turns, caches emptied between them; the ratio is of the medians.
"""

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from mathse import layout, params, store
from mathse.engines.local import LocalModel
from mathse.engines.protocol import Sampling
from mathse.engines.transformers import conversation
from mathse.method.solve import Ask, of_split, solve, solve_request
from mathse.params import Inference, Vllm
from mathse.schemas import PathKind, Problem, Split
from mathse.sources.images import ImageStore


def main() -> None:
    """Print the seconds of both, turn by turn, and the ratio."""
    asked = _arguments()
    settings = params.load()
    images = ImageStore(layout.IMAGES, settings.problems.max_pixels)
    problems = list(islice(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST), asked.problems))
    vllm = Vllm(eager=True, cpu_cache_gib=1, in_flight=asked.in_flight, max_model_len=1024)
    model = LocalModel(asked.model, settings.compute, Inference(engine="vllm", vllm=vllm), batch_size=64)
    engine: Any = model.open(images)
    drawn = Sampling(asked.temperature, 1.0, settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, 1, settings.student.prompt, drawn, asked.samples, seed=1)
    requests = [solve_request(problem, ask, sample) for problem in problems for sample in range(ask.samples)]
    sampling = [engine._sampling(request) for request in requests]

    def bare() -> int:
        prompts = [_prompt(engine, images, request) for request in requests]
        made = engine._llm.generate(prompts, sampling, use_tqdm=False)
        texts = [engine._processor.tokenizer.decode(output.outputs[0].token_ids) for output in made]
        return len(texts)

    def ours() -> int:
        with tempfile.TemporaryDirectory() as folder:
            return len(list(solve(engine, problems, ask, Path(folder) / "rollout.sqlite")))

    _timed(engine, bare)  # the first run of anything is slower
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for turn in range(asked.turns):
        for name, run in (("bare", bare), ("ours", ours))[:: 1 if turn % 2 else -1]:
            seconds[name].append(_timed(engine, run))
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:5} {median:7.2f} s  {len(requests) / median:7.1f} rollouts/s  {[round(one, 2) for one in taken]}")
    ratio = statistics.median(seconds["bare"]) / statistics.median(seconds["ours"])
    print(f"ours runs at {100 * ratio:.1f} % of bare vLLM's throughput ({len(requests)} rollouts)")


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=layout.model("final"))
    arguments.add_argument("--problems", type=int, default=300)
    arguments.add_argument("--samples", type=int, default=1)
    arguments.add_argument("--temperature", type=float, default=0.0)
    arguments.add_argument("--in-flight", type=int, default=64)
    arguments.add_argument("--turns", type=int, default=3)
    return arguments.parse_args()


def _prompt(engine: Any, images: ImageStore, request: Any) -> dict[str, Any]:
    turns = conversation(request.messages, len(request.image_ids))
    text = engine._processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return {"prompt": text, "multi_modal_data": {"image": [images.load(one) for one in request.image_ids]}}


def _timed(engine: Any, run: Any) -> float:
    engine._llm.reset_prefix_cache()
    engine._engine.reset_mm_cache()
    start = time.monotonic()
    run()
    return time.monotonic() - start


if __name__ == "__main__":
    main()
