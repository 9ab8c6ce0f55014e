"""How fast problems are validated and written, and in how much memory, beside `datasets`, which validates nothing.

    python benchmarks/ingest.py
    python benchmarks/ingest.py --problems 100000 --peer 5000 50000

Problems are copies of drawn ones, made distinct by their questions; 300 images serve them all, in many more copies
than the questions to one chart or the versions of one problem. They go through admission (text, choices, gold
against its own grader, image decoded and hashed once), merging and splitting, into the four tables of `mathse ingest`.

The peer is `datasets.Dataset.from_list(rows, features).to_parquet(file)` with the same fields and the same encoded
images, in two forms: as pictures, which it encodes a row at a time, and encoded already. The ratio is of both at the
peer's count, each in a process of its own, in turn, also by the time that processors were busy, for machines with
other work; peak memory is of the whole process, its rows included.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import PIL.Image

from mathse import layout
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.sources.admit import NO_FOLDER, Limits
from mathse.sources.choice import SourceSplits
from mathse.sources.gathering import TABLES, Gathering
from mathse.sources.ingest import Opened, gather
from mathse.sources.rows.raw import ImageRef, Pixels, Raw
from mathse.tables import store
from mathse.tables.schemas import Image, Origin, Problem, Reject, Split

Seconds = tuple[float, float]
FORMS = ("pixels", "encoded")
DRAWN = FigureSource(name="figures", seed=1, train=200, orm=50, test=50)


def clock() -> Seconds:
    """Now, by the wall and by this process's processors."""
    return time.monotonic(), time.process_time()


def since(start: Seconds) -> Seconds:
    """What has passed."""
    return time.monotonic() - start[0], time.process_time() - start[1]


def raws(count: int, form: str) -> Iterator[Raw]:
    """As many problems; their images as pixels, or encoded as a hub's rows have them."""
    drawn = list(figures.read(DRAWN))
    if form == "encoded":
        images = figures.load(DRAWN)[1]
        drawn = [replace(raw, images=(image.data,)) for raw, image in zip(drawn, images, strict=True)]
    return (
        replace(raw, source_id=str(place), question=f"Copy {place}: {raw.question}")
        for place, raw in enumerate(islice(cycle(drawn), count))
    )


def ours(count: int, form: str, folder: Path) -> Seconds:
    """Time to validate and write them."""
    made = raws(count, form)
    start = clock()
    with Gathering(folder / "waiting") as gathering:
        gather(Opened(made, NO_FOLDER, "Apache-2.0", SourceSplits()), "figures", Limits(), gathering)
        gathering.write(folder)
    seconds = since(start)
    rows = {model.__name__: store.metadata(folder / file).rows for model, file in TABLES.items()}
    assert rows[Problem.__name__] + rows[Reject.__name__] == count
    assert rows[Origin.__name__] == rows[Problem.__name__] == gathering.counts.problems.total()
    assert rows[Image.__name__] <= DRAWN.train + DRAWN.orm + DRAWN.test
    assert gathering.counts.problems[Split.TEST]
    return seconds


def theirs(count: int, form: str, folder: Path) -> Seconds:
    """Time to write them with `datasets`."""
    import datasets

    datasets.disable_progress_bars()
    text = datasets.Value("string")
    features = datasets.Features(
        {"source_id": text, "question": text, "choices": datasets.List(text), "answer": text, "solution": text}
        | {"subject": text, "level": datasets.Value("int64"), "images": datasets.List(datasets.Image())}
    )
    made = [
        {
            "source_id": raw.source_id,
            "question": raw.question,
            "choices": list(raw.choices),
            "answer": raw.answer,
            "solution": raw.solution,
            "subject": raw.subject,
            "level": raw.level,
            "images": [_as_taken(image) for image in raw.images],
        }
        for raw in raws(count, form)
    ]
    start = clock()
    datasets.Dataset.from_list(made, features=features).to_parquet(folder / "peer.parquet")
    return since(start)


def _as_taken(image: ImageRef) -> object:
    """An image in a form that `datasets` takes."""
    if isinstance(image, Pixels):
        return PIL.Image.frombytes(image.mode, (image.width, image.height), image.data)
    return {"bytes": image, "path": None}


def alone(which: str, form: str, count: int) -> Seconds:
    """Time of one side in a process of its own; prints a line."""
    command = [sys.executable, __file__, "--only", which, "--problems", str(count), "--form", form]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, busy, peak = map(float, done.stdout.split()[-3:])
    told = (
        f"{count:9,} rows {seconds:7.1f} s ({busy:.1f} s busy) {count / seconds:9,.0f} rows/s   peak {peak:6,.0f} MiB"
    )
    print(f"{which:8} {form:8} {told}", flush=True)
    return seconds, busy


def main() -> None:
    """Print rows per second, peak memory and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--problems", type=int, default=1_000_000)
    arguments.add_argument("--peer", type=int, nargs=2, default=[20_000, 200_000], help="pixels, encoded")
    arguments.add_argument("--form", choices=FORMS, default="encoded", help=argparse.SUPPRESS)
    arguments.add_argument("--only", choices=["mathse", "datasets"], help=argparse.SUPPRESS)
    wanted = arguments.parse_args()
    if wanted.only:
        layout.STATE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=layout.STATE) as folder:
            seconds = (ours if wanted.only == "mathse" else theirs)(wanted.problems, wanted.form, Path(folder))
        print(*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    alone("mathse", "encoded", wanted.problems)
    for form, count in zip(FORMS, wanted.peer, strict=True):
        here, there = alone("mathse", form, count), alone("datasets", form, count)
        print(f"{there[0] / here[0]:.2f} times the rows/s of datasets, {there[1] / here[1]:.2f} by busy time, {form}")


if __name__ == "__main__":
    main()
