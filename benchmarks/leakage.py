"""How long a million questions take against ten thousand benchmark items, and whether the planted leaks are found.

    python benchmarks/leakage.py                       # 1,000,000 questions, 10,000 items
    python benchmarks/leakage.py --questions 100000

Questions are drawn from templates with much boilerplate. One in a thousand has eight words in a row of an item in it.
The peer is a plain loop: a set of n-grams per item, looked up for every n-gram of a sample of the questions, which the
same words are read from. Peak memory is the whole process's, the drawn tables on disk not included.
"""

import argparse
import random
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mathse.sources.leakage.dress import plain, segments
from mathse.sources.leakage.index import Rule
from mathse.sources.leakage.text import BATCH_ROWS, Questions, find

SAMPLE = 2_000
EVERY = 1000
OPENINGS = (
    "As shown in the figure, in triangle ABC, it is known that",
    "As shown in the figure, AB is the diameter of circle O, and",
    "Look at the table, then answer the question. A shop sells",
    "In the coordinate plane below, the graph of the function meets",
)
SIZE = Rule().size


def main() -> None:
    """Print seconds, memory and what was found, here and by the peer."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--questions", type=int, default=1_000_000)
    arguments.add_argument("--items", type=int, default=10_000)
    wanted = arguments.parse_args()
    items = _items(wanted.items)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problems.parquet"
        planted = _write(file, wanted.questions, items)
        before = _peak()
        start = time.monotonic()
        found = find(Questions(lambda: pq.ParquetFile(file).iter_batches(BATCH_ROWS)), items)
        seconds = time.monotonic() - start
        ours = {(leak.problem_id, leak.item_id) for leak in found}
        peak = _peak()
        first = next(iter(pq.ParquetFile(file).iter_batches(min(SAMPLE, wanted.questions))))
    sample = pl.DataFrame(pl.from_arrow(first))
    start = time.monotonic()
    theirs = peer(sample, items)
    rate = len(sample) / (time.monotonic() - start)
    print(
        f"{wanted.questions:,} questions, {wanted.items:,} items: {seconds:.1f} s, {wanted.questions / seconds:,.0f} /s"
    )
    print(f"peak memory {peak:,.0f} MB ({before:,.0f} MB before)")
    print(f"planted {len(planted):,}: found {len(planted & ours):,}; pairs besides {len(ours - planted):,}")
    sampled = set(sample["problem_id"])
    wanted_there = {pair for pair in planted if pair[0] in sampled}
    print(f"peer, {len(sample):,} questions: {rate:,.0f} /s, found {len(wanted_there & theirs)} of {len(wanted_there)}")
    print(f"{wanted.questions / seconds / rate:.1f} times the peer's rate")


def peer(questions: pl.DataFrame, items: pl.DataFrame) -> set[tuple[str, str]]:
    """The same pairs by dictionary and loop: every n-gram that few items have makes a pair."""
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for item_id, text in zip(items["item_id"], plain(items), strict=True):
        for gram in _grams(text):
            holders[gram].append(item_id)
    holders = {gram: held for gram, held in holders.items() if len(held) <= Rule().rare}
    return {
        (problem_id, item_id)
        for problem_id, text in zip(questions["problem_id"], plain(questions), strict=True)
        for gram in _grams(text)
        for item_id in holders.get(gram, ())
    }


def _grams(text: str) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + SIZE]) for words in segments(text) for at in range(len(words) - SIZE + 1)}


def _items(count: int) -> pl.DataFrame:
    rng = random.Random("items")
    rows = [
        {
            "benchmark": "drawn",
            "item_id": str(number),
            "question": _text(rng, 30),
            "choices": _choices(rng),
            "answer": "A",
        }
        for number in range(count)
    ]
    return pl.DataFrame(rows)


def _write(file: Path, count: int, items: pl.DataFrame) -> set[tuple[str, str]]:
    """Write the questions; returns the planted (problem, item) pairs."""
    rng = random.Random("questions")
    planted: set[tuple[str, str]] = set()
    texts = items["question"].to_list()
    schema = pa.schema([("problem_id", pa.string()), ("question", pa.string()), ("choices", pa.list_(pa.string()))])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, count, BATCH_ROWS):
            rows = list(_rows(rng, range(start, min(start + BATCH_ROWS, count)), texts, planted))
            writer.write_table(pa.Table.from_pylist(rows, schema))
    return planted


def _rows(
    rng: random.Random, numbers: range, texts: list[str], planted: set[tuple[str, str]]
) -> Iterator[dict[str, object]]:
    for number in numbers:
        text = _text(rng, 30)
        if number % EVERY == 0:
            item = rng.randrange(len(texts))
            words = texts[item].split()
            at = rng.randrange(14, len(words) - SIZE)
            text += " " + " ".join(words[at : at + SIZE])
            planted.add((f"{number:08d}", str(item)))
        yield {"problem_id": f"{number:08d}", "question": text, "choices": _choices(rng)}


def _text(rng: random.Random, length: int) -> str:
    """An opening that many share and words that few do: `w17` and the like, the common ones more often."""
    words = (f"w{_letters(int(5000 * rng.random() ** 2))}" for _ in range(length))
    return f"{rng.choice(OPENINGS)} {' '.join(words)} {rng.randint(1, 999)}"


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _choices(rng: random.Random) -> list[str]:
    return [str(rng.randint(1, 180)) for _ in range(4)] if rng.random() < 0.5 else []


def _peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
