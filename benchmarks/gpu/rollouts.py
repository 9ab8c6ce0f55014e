"""Rollouts per second of our stage against its engine called bare, on a Qwen2-VL-2B-shaped model with random weights.

    python -m benchmarks.gpu.rollouts                            # from the repository's root; one CUDA GPU
    python -m benchmarks.gpu.rollouts --engine transformers --problems 128
    python -m benchmarks.gpu.rollouts --miniature                # what it does without a GPU: under a minute

Needs torch and transformers, and vLLM if it is installed, beside the project's own pydantic, pyarrow and rich; no
network. Four samples per problem at temperature 1, as rollouts are. Random weights hardly ever end a text, so every
rollout is as long as it may be: the comparison is of equal work. What is compared, and how, is
in `benchmarks/rollout.py`.
"""

import argparse
import importlib.util
import logging
import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before the GPU is first used, as our path sets it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

try:
    import torch

    from benchmarks.gpu import shapes
    from benchmarks.rollout import compare
    from mathse.errors import UserError
    from mathse.loop.ask.engines.kind import LocalModel
    from mathse.loop.ask.engines.local.loading import settle
    from mathse.loop.ask.protocol import Sampling
    from mathse.loop.solve import Ask
    from mathse.params import Compute, Inference, Vllm
    from mathse.tables.images import ImageStore
    from mathse.tables.schemas import PathKind
except ImportError as error:
    raise SystemExit(
        f"{error}; run `python -m benchmarks.gpu.rollouts` from the repository's root, with the packages its top names"
    ) from error


def main() -> None:
    """Print the seconds of both, turn by turn, and the ratio."""
    asked = _arguments()
    cuda = torch.cuda.is_available()
    shape = shapes.MINIATURE if asked.miniature else shapes.LARGE
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    device, dtype = ("cuda", "bfloat16") if cuda else ("cpu", "float32")
    compute = Compute.model_validate({"device": device, "dtype": dtype, "threads": min(8, os.cpu_count() or 1)})
    settle(compute)
    vllm = Vllm(eager=asked.miniature, cpu_cache_gib=1, in_flight=asked.batch_size, max_model_len=1024)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        problems = shapes.draw(folder, shape, asked.problems)
        shapes.write_model(folder / "model", shape, problems, device, dtype)
        if cuda:
            torch.cuda.empty_cache()  # vLLM wants a share of what is free
        print(f"{shape.name}, {torch.cuda.get_device_name() if cuda else 'CPU'}, torch {torch.__version__}", flush=True)
        model = LocalModel(folder / "model", compute, Inference(engine=asked.engine, vllm=vllm), asked.batch_size)
        drawn = Sampling(asked.temperature, 1.0, asked.max_new_tokens)
        ask = Ask(PathKind.ROLLOUT, 1, shapes.PROMPT, drawn, asked.samples, seed=1)
        try:
            compare(model, ImageStore(folder / "images.parquet", shapes.MAX_PIXELS), problems, ask, asked.turns)
        except UserError as error:
            raise SystemExit(str(error)) from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = "vllm" if importlib.util.find_spec("vllm") else "transformers"
    parser.add_argument("--miniature", action="store_true", help="a tiny model; so it is without a GPU")
    parser.add_argument("--engine", choices=["vllm", "transformers"], default=here, help="vllm if it is installed")
    parser.add_argument("--problems", type=int, help="256, in miniature 48")
    parser.add_argument("--samples", type=int, default=4, help="rollouts per problem")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--max-new-tokens", type=int, help="of a rollout; 256, in miniature 48")
    parser.add_argument("--batch-size", type=int, help="requests computed at once; 256, in miniature 32")
    parser.add_argument("--turns", type=int, default=3, help="runs of each")
    parser.add_argument("--folder", type=Path, help="where temporary files go, 5 GB; else the system's")
    asked = parser.parse_args()
    asked.miniature = asked.miniature or not torch.cuda.is_available()
    sizes = {"problems": (256, 48), "max_new_tokens": (256, 48), "batch_size": (256, 32)}
    for key, (large, small) in sizes.items():
        if getattr(asked, key) is None:
            setattr(asked, key, small if asked.miniature else large)
    return asked


if __name__ == "__main__":
    main()
