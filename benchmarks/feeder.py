"""How fast requests are prepared, and how much memory that takes, against an engine that answers at once.

    python benchmarks/feeder.py                     # 10,000 and 100,000 requests
    python benchmarks/feeder.py 10000 1000000       # about ten minutes

Everything of the rollout step is there but the model: requests made from problems, written down, keyed and ordered;
images read and decoded; the chat template; the journal; path rows. The engine is the vLLM one, with a core in place of
vLLM's that finishes every request in the step after it came. Each count runs in a process of its own, so that its peak
memory is its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mathse import layout, params
from mathse.loop.ask.protocol import Sampling
from mathse.loop.solve import Ask, solve
from mathse.tables import store
from mathse.tables.images import ImageStore
from mathse.tables.schemas import PathKind, Problem


class Core:
    """In place of vLLM: takes a rendered prompt and has finished it when it is next asked."""

    def __init__(self) -> None:
        self.renderer = SimpleNamespace(render_cmpl=lambda prompts, _tokenizing: prompts)
        self._waiting: deque[str] = deque()

    def add_request(self, name: str, _prompt: Any, _sampling: Any) -> None:
        """Take a request."""
        self._waiting.append(name)

    def step(self) -> list[Any]:
        """Finish what came since."""
        written = SimpleNamespace(token_ids=[5, 6, 7], finish_reason="stop")
        done = [
            SimpleNamespace(request_id=name, finished=True, outputs=[written], prompt_token_ids=[1, 2])
            for name in self._waiting
        ]
        self._waiting.clear()
        return done


def engine(images: ImageStore) -> Any:
    """The vLLM engine around that core."""
    from mathse.loop.ask.engines.local.families import family_of
    from mathse.loop.ask.engines.local.loading import load_processor
    from mathse.loop.ask.engines.runtimes.vllm import VllmEngine
    from mathse.params import Vllm

    made = VllmEngine.__new__(VllmEngine)
    made.name = made.fingerprint = "no model"
    vars(made).update(
        _images=images, _settings=Vllm(), _processor=load_processor(layout.model("base")), _engine=Core(),
        _tokenizing=None, _numbers=iter(range(10**9)), _decoded=((), []), _stops=frozenset(),
        _family=family_of(layout.model("base")),
        _vllm=SimpleNamespace(
            SamplingParams=lambda **options: options,
            sampling_params=SimpleNamespace(RequestOutputKind=SimpleNamespace(FINAL_ONLY=2)),
        ),
    )  # fmt: skip
    return made


def problems(count: int) -> Iterator[Problem]:
    """The project's problems over and over, each time as others."""
    made = 0
    while True:
        for problem in store.scan(layout.PROBLEMS, Problem):
            if made == count:
                return
            yield problem.model_copy(update={"problem_id": f"{problem.problem_id}-{made}"})
            made += 1


def run(count: int) -> None:
    """Prepare so many requests; prints one line."""
    settings = params.load()
    made = engine(ImageStore(layout.IMAGES, settings.problems.max_pixels))
    ask = Ask(PathKind.ROLLOUT, 1, settings.student.prompt, Sampling(1.0), samples=1, seed=1)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        start = time.monotonic()
        paths = sum(1 for _ in solve(made, problems(count), ask, Path(folder) / "rollout.sqlite"))
        seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{paths:9,} requests {seconds:8.1f} s {paths / seconds:9,.0f} requests/s   peak {peak:7,.0f} MiB", flush=True
    )


def main() -> None:
    """Run each count in a process of its own."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("counts", type=int, nargs="*", default=[10_000, 100_000])
    arguments.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.alone:
        run(asked.counts[0])
        return
    for count in asked.counts:
        subprocess.run([sys.executable, __file__, str(count), "--alone"], check=True)


if __name__ == "__main__":
    main()
