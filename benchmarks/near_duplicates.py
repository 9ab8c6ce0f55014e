"""How many documents per second the near-duplicate search takes on one core, and what it finds.

    python benchmarks/near_duplicates.py               # 200,000 documents of 25 to 60 words

Recall and precision are against exact Jaccard similarities of all planted pairs, near the mark and around it. The peer
is MinHash as it is mostly written: shingles by a Python loop, hashed one by one, a numpy minimum over as many
permutations as our sketches have bins, and buckets by dictionary; on a sample, in the same run.
"""

import argparse
import os
import random
import resource
import time
import zlib
from collections import defaultdict

import numpy as np
import polars as pl

from mathse.sources.leakage.near import RULE, near

SAMPLE = 10_000
PRIME = (1 << 61) - 1


def main() -> None:
    """Print rates, recall and precision."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, default=200_000)
    count = arguments.parse_args().documents
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    documents = _documents(count)
    texts = pl.Series(documents)
    start = time.process_time()
    found = near(texts)
    rate = count / (time.process_time() - start)
    ours = set(found.select("first", "second").iter_rows())
    exact = {(first, first + 1): _jaccard(*documents[first : first + 2]) for first in range(0, count - 1, 10)}
    wanted = {pair for pair, value in exact.items() if value >= RULE.jaccard}
    right = sum(_jaccard(documents[first], documents[second]) >= RULE.jaccard for first, second in ours)
    print(f"{count:,} documents: {rate:,.0f} /s on one core; peak memory {_peak():,.0f} MB")
    print(
        f"recall {len(wanted & ours) / len(wanted):.4f} of {len(wanted):,}; precision {right / max(1, len(ours)):.4f}"
    )
    edge = {pair for pair in wanted if exact[pair] < RULE.jaccard + 0.03}
    print(
        f"recall from {RULE.jaccard} to {RULE.jaccard + 0.03:.2f}: {len(edge & ours) / len(edge):.4f} of {len(edge):,}"
    )
    start = time.process_time()
    theirs = peer(documents[:SAMPLE])
    their_rate = len(documents[:SAMPLE]) / (time.process_time() - start)
    sampled = {pair for pair in wanted if pair[1] < SAMPLE}
    print(f"peer: {their_rate:,.0f} /s, recall {len(sampled & theirs) / len(sampled):.4f}")
    print(f"{rate / their_rate:.1f} times the peer's rate")


def peer(documents: list[str]) -> set[tuple[int, int]]:
    """Candidate pairs of the plain way."""
    bins = RULE.bands * RULE.rows
    rng = np.random.default_rng(0)
    factors, terms = rng.integers(1, PRIME, (2, bins), dtype=np.uint64)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for number, document in enumerate(documents):
        hashes = np.array([zlib.crc32(" ".join(shingle).encode()) for shingle in _shingles(document)], np.uint64)
        sketch = ((hashes[:, None] * factors + terms) % np.uint64(PRIME)).min(axis=0)
        for band in range(RULE.bands):
            buckets[band, sketch[band * RULE.rows : (band + 1) * RULE.rows].tobytes()].append(number)
    return {(one, other) for held in buckets.values() for at, one in enumerate(held) for other in held[at + 1 :]}


def _shingles(document: str) -> set[tuple[str, ...]]:
    words = document.lower().split()
    return {tuple(words[at : at + RULE.size]) for at in range(len(words) - RULE.size + 1)}


def _jaccard(one: str, other: str) -> float:
    mine, theirs = _shingles(one), _shingles(other)
    return len(mine & theirs) / len(mine | theirs)


def _documents(count: int) -> list[str]:
    """Solutions of 25 to 60 words; every tenth is followed by a copy with some words in a row changed."""
    rng = random.Random("documents")
    made: list[str] = []
    while len(made) < count:
        if len(made) % 10 != 1:
            words = [f"w{int(5000 * rng.random() ** 2)}" for _ in range(rng.randint(25, 60))]
        else:
            words = made[-1].split()
            changed = rng.randint(0, len(words) // 7)
            at = rng.randrange(len(words) - changed)
            words[at : at + changed] = [f"x{rng.randrange(9)}" for _ in range(changed)]
        made.append(" ".join(words))
    return made


def _peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
