"""What checking a mix before a training takes: rows with large images, two cores, time and memory.

    python -m benchmarks.mix_check                      # 100,000 rows of 1000 x 1000 pixels; some minutes
    python -m benchmarks.mix_check --rows 2000 --all    # every row through the collator, as if none could be counted

The rows are made first, in a folder that is removed: JPEGs that differ, a question and a solution of usual length. The
check is what a stage does before it trains, in a process of its own, the libraries' start included. At most 3 minutes
and 1 GiB are the aim.
"""

import argparse
import hashlib
import io
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import PIL.Image

from mathse import layout
from mathse.params import Compute, Pretrained, Train
from mathse.tables import store
from mathse.tables.schemas import Image, Message, MixRow, PathKind
from mathse.training.job import Job

CORES = 2
PICTURES = 16
WORDS = [
    "Find", "angle", "C", "of", "the", "triangle", "from", "the", "bar", "chart", ":", "therefore", "50", "+", "60",
    "equals", "110", "and", "Step", "2", "follows", ",", "so",
]  # fmt: skip
SETTINGS = Train(epochs=1, batch_size=8, learning_rate=1e-5, warmup=0.1, weight_decay=0.05, scheduler="cosine")


def main() -> None:
    """Print seconds, milliseconds per row and peak memory of the check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=1000, help="pixels a side of the images")
    parser.add_argument("--all", action="store_true", help="put every row through the collator")
    parser.add_argument("--check", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.check:
        check(asked.check, asked.rows, asked.all)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store.write(folder / "images.parquet", Image, (picture(row, asked.side) for row in range(asked.rows)))
        store.write(folder / "mix.parquet", MixRow, rows(asked.rows, asked.side))
        command = [sys.executable, "-m", "benchmarks.mix_check", "--rows", str(asked.rows), "--check", name]
        subprocess.run([*command, *(["--all"] if asked.all else [])], check=True)


def picture(row: int, side: int) -> Image:
    """One of a few JPEGs, with the row's number behind its end, where no decoder looks: every row has its own."""
    data = _jpeg(row % PICTURES, side) + row.to_bytes(8, "big")
    image_id = hashlib.sha256(data).hexdigest()
    return Image(image_id=image_id, data=data, format="JPEG", width=side, height=side, perceptual_hash=None)


def _jpeg(number: int, side: int, made: dict[tuple[int, int], bytes] = {}) -> bytes:  # noqa: B006  kept on purpose
    if (number, side) not in made:
        small = PIL.Image.frombytes("RGB", (20, 20), random.Random(number).randbytes(1200))
        buffer = io.BytesIO()
        small.resize((side, side), PIL.Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
        made[number, side] = buffer.getvalue()
    return made[number, side]


def rows(count: int, side: int) -> Iterator[MixRow]:
    """Each with an image, a question of about 300 characters and a solution of about 800."""
    for row in range(count):
        drawn = random.Random(row)
        question, solution = (" ".join(drawn.choices(WORDS, k=k)) for k in (60, 160))
        yield MixRow(
            path_id=f"path{row:08}", problem_id=f"p{row:08}", kind=PathKind.DISTILLED, round=0,
            image_ids=(picture(row, side).image_id,), prompt=(Message(role="user", content=question),),
            completion=(Message(role="assistant", content=solution),),
        )  # fmt: skip


def check(folder: Path, count: int, all_rows: bool) -> None:
    """Check the mix of a folder as a stage does, on two cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    began = time.perf_counter()
    from mathse.loop.ask.engines.local.fetch import fetch
    from mathse.training import lengths
    from mathse.training.examples import checked

    if all_rows:
        lengths.SAMPLE = count
    limits = {"min_pixels": 200_704, "max_pixels": 1_003_520}
    fetch(Pretrained.model_validate({"from": f"./{layout.TINY}", "image": limits}), folder / "model")
    started = time.perf_counter() - began
    job = Job(
        mix=folder / "mix.parquet", images=folder / "images.parquet", start=folder / "model", out=folder / "out",
        settings=SETTINGS, compute=Compute(threads=CORES), seed=1, max_pixels=4_000_000, lengths=folder / "0.json",
    )  # fmt: skip
    tokens = checked(job)[1].tokens
    first = time.perf_counter() - began
    checked(job)
    again = time.perf_counter() - began - first
    processor = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{count} rows of {sum(tokens) / count:.0f} tokens: {first:.1f} s, {started:.1f} of them the libraries' start; "
        f"{1000 * (first - started) / count:.2f} ms per row; again, with the lengths at hand, {again:.1f} s; in all "
        f"{processor:.1f} s of the cores' time; at most {memory:.2f} GiB"
    )


if __name__ == "__main__":
    main()
