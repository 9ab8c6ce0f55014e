"""How much memory the judge stage takes, and how long, with recorded verdicts in place of a model.

    python benchmarks/judge_memory.py                     # 200,000 paths to 50,000 problems, some minutes
    python benchmarks/judge_memory.py --paths 2000000     # to 500,000 problems, within 1 GiB; about half an hour

A process makes the tables of problems and paths and a file of recorded replies in a scratch folder. Then another one
does all that the stage does: the replies are indexed, every path is asked about, journaled, parsed and graded by rule
beside it, and the verdicts are written as a table. It prints that process's peak, its seconds and the rows per second.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mathse import params
from mathse.loop.ask import replies
from mathse.loop.ask.engines.any_role.replay import ReplayEngine
from mathse.loop.judge import judge
from mathse.tables import schemas, store
from mathse.tables.lookup import ProblemLookup, SourceIds
from mathse.tables.schemas import PathKind, Problem, Split, Status, Verdict, content_id

JUDGE = params.Judge(engine="model", batch_size=1, max_new_tokens=64, prompt="judge-brief@1")
PATHS_PER_PROBLEM = 4
QUESTION = (
    "In the figure, the line through {0} meets the two parallels at A and B. The angle at A measures {1} degrees, and "
    "the angle that it makes with the second parallel is asked for, in degrees."
)
PATH = (
    "Step 1: The figure shows two parallels and a line that meets both of them. Step 2: The angle at A measures {0} "
    "degrees. Step 3: Angles on one side of the line add up to 180 degrees, so that what is asked for is 180 - {0} = "
    "{1}. Step 4: The sketch agrees with that, as seen for point {2}. The answer to this problem is {1}."
)


def by_id(kind: str, count: int) -> list[int]:
    """Numbers in the order of their ids: a table is written several times faster when its rows come in order."""
    return sorted(range(count), key=lambda number: content_id(kind, number))


def problems(count: int) -> Iterator[Problem]:
    """So many problems, no two alike."""
    for number in by_id("problem", count):
        yield Problem(
            problem_id=content_id("problem", number), source="drawn", source_id=f"drawn-{number}", licence="CC0-1.0",
            split=Split.TRAIN, question=QUESTION.format(number, number % 179 + 1), answer=str(180 - number % 179 - 1),
            image_ids=(content_id("image", number) * 2,), subject="angles", level=1,
        )  # fmt: skip


def paths(count: int) -> Iterator[schemas.Path]:
    """So many paths, one in three of them wrong."""
    for number in by_id("path", count):
        problem, sample = divmod(number, PATHS_PER_PROBLEM)
        angle = problem % 179 + 1
        said = 180 - angle + (number % 3 == 0)
        yield schemas.Path(
            path_id=content_id("path", number), problem_id=content_id("problem", problem), kind=PathKind.ROLLOUT,
            round=1, sample_idx=sample, author="m", prompt_id="solve-brief@1", seed=number,
            text=PATH.format(angle, said, number), answer=str(said), finish_reason="stop", tokens_in=60, tokens_out=90,
        )  # fmt: skip


def reply(number: int) -> str:
    """The recorded verdict on a path."""
    if number % 3:
        return replies.write(Status.CORRECT, None, None)
    return replies.write(Status.WRONG, "Step 3", f"calculation: the sum is not 180 for point {number}")


def make(folder: Path, count: int) -> None:
    """Write the tables and the replies."""
    store.write(folder / "problems.parquet", Problem, problems(-(-count // PATHS_PER_PROBLEM)))
    store.write(folder / "paths.parquet", schemas.Path, paths(count))
    with (folder / "replies.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(count):
            problem = content_id("problem", number // PATHS_PER_PROBLEM)
            row = {"problem_id": problem, "subject_id": content_id("path", number), "text": reply(number)}
            lines.write(json.dumps(row) + "\n")


def run(folder: Path) -> None:
    """Judge the paths; prints one line."""
    start = time.monotonic()
    engine = ReplayEngine(folder / "replies.jsonl", SourceIds(folder / "problems.parquet"))
    known = ProblemLookup(folder / "problems.parquet")
    opened = time.monotonic() - start
    verdicts = judge(
        engine, lambda: store.scan(folder / "paths.parquet", schemas.Path), known, JUDGE, folder / "judge.sqlite"
    )
    count = store.write(folder / "verdicts.parquet", Verdict, verdicts)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:9,} verdicts   peak {peak:6,.0f} MiB   {seconds:8.1f} s, {opened:.1f} of them to open   "
        f"{count / seconds:7,.0f} rows/s",
        flush=True,
    )


def main() -> None:
    """Make the tables, then judge, each in a process of its own: a child's peak is never below that of its parent."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--paths", type=int, default=200_000)
    arguments.add_argument("--scratch", type=Path, default=Path(), help="where the scratch folder is made")
    arguments.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.make:
        make(asked.make, asked.paths)
    elif asked.judge:
        run(asked.judge)
    else:
        with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
            for part in ("--make", "--judge"):
                subprocess.run([sys.executable, __file__, part, folder, "--paths", str(asked.paths)], check=True)


if __name__ == "__main__":
    main()
