"""Questions that are benchmark items, or quote them.

A question is found if its plain form (`dress`) equals an item's, whatever the order of the choices; or if the two share
word n-grams whose weights come to `Rule.score`. An n-gram weighs 1 while it and both its halves are rare, and less the
more questions and items have one of them, so that boilerplate ("as shown in the figure, in triangle ...") counts next
to nothing, nor does its end with a rare word behind it; copies of one text count once. Two things are no leak:

    other numbers   what stands around a number is the same, and the number another: a template used twice
    too plain       a question of few words without a number, or one that has several answers among the items, says
                    nothing without its image (`What is the size of angle C?`)

Not found: rewording that leaves no `Rule.size` words in a row untouched; a question translated; a number spelled out.

Memory holds one batch, a hash per question and the items; what the questions share with the items is spilled to disk.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mathse.sources.leakage import Kind, Leak
from mathse.sources.leakage.dress import plain, segments
from mathse.sources.leakage.grams import I64, U64, words
from mathse.sources.leakage.index import Items, Pairs, Rule, shared_pairs, whole_text
from mathse.sources.leakage.verify import shared
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem

BATCH_ROWS = 25_000
RULE = Rule()
THREADS = 2
T = TypeVar("T")

_WEIGHT = 1000
"""A weight of 1, in whole numbers: their sum is the same in any order."""


def benchmark_items(file: Path) -> pl.DataFrame:
    """What the search by text reads of the benchmarks' items."""
    store.require(file, BenchmarkItem)
    return _frame(pq.read_table(file, columns=["benchmark", "item_id", "question", "choices", "answer"]))


class Questions:
    """Questions in batches, in the same order as often as they are gone through."""

    def __init__(self, read: Callable[[], Iterable[pa.RecordBatch]]) -> None:
        """Take batches with the columns `problem_id`, `question` and `choices`, which `read` opens anew each time."""
        self._read = read

    def __iter__(self) -> Iterator[pl.DataFrame]:
        waiting: list[pa.RecordBatch] = []
        for batch in self._read():
            waiting.append(batch)
            if sum(batch.num_rows for batch in waiting) >= BATCH_ROWS:
                yield _frame(pa.Table.from_batches(waiting))
                waiting.clear()
        if waiting:
            yield _frame(pa.Table.from_batches(waiting))


@dataclass(frozen=True)
class _Scanned:
    """What all questions have in common with the items.

    Attributes:
        keys: One per question: `whole_text`.
        spilled: Files of pairs of a question's row and an n-gram, each once.
        grams: How many distinct texts have each n-gram.
        halves: Likewise for the halves of n-grams.
        texts: How many distinct texts there are.
    """

    keys: U64
    spilled: list[Path]
    grams: I64
    halves: I64
    texts: int


def find(questions: Iterable[pl.DataFrame], items: pl.DataFrame, rule: Rule = RULE) -> list[Leak]:
    """Questions that are, or quote, benchmark items.

    Args:
        questions: Batches with columns `problem_id`, `question` and `choices`; gone through twice.
        items: With columns `benchmark`, `item_id`, `question`, `choices` and `answer`.
        rule: When it is a leak.

    Returns:
        Leaks sorted by problem, benchmark and item, each pair once.
    """
    index = Items(items, rule)
    with TemporaryDirectory(prefix="mathse-leakage-") as folder:
        pairs = _pairs(_scan(questions, index, Path(folder)), index)
    return sorted(_leaks(questions, pairs, index), key=lambda leak: (leak.problem_id, leak.benchmark, leak.item_id))


def _scan(questions: Iterable[pl.DataFrame], index: Items, folder: Path) -> _Scanned:
    """Go through all questions once."""

    def shared_with_items(batch: pl.DataFrame) -> tuple[U64, Pairs, Pairs]:
        texts, size = words(plain(batch)), index.rule.size
        grams = shared_pairs(texts, size, index.grams)
        return whole_text(texts), grams, shared_pairs(texts, size // 2, index.halves)

    all_keys: list[U64] = [np.empty(0, np.uint64)]
    spilled: list[Path] = []
    gram_texts, half_texts = np.zeros(len(index.grams.hashes), np.int64), np.zeros(len(index.halves.hashes), np.int64)
    seen: set[int] = set()
    row = 0
    for keys, grams, halves in _in_order(shared_with_items, questions):
        # Copies of one text count once.
        distinct, first = np.unique(keys, return_index=True)
        unseen = [key not in seen for key in distinct.tolist()]
        new = np.zeros(len(keys), np.bool_)
        new[first[unseen]] = True
        seen.update(distinct.tolist())
        gram_texts += np.bincount(grams[1][new[grams[0]]], minlength=len(gram_texts))
        half_texts += np.bincount(halves[1][new[halves[0]]], minlength=len(half_texts))
        mine = grams[:, new[grams[0]]]
        mine[0] += np.uint32(row)
        spilled.append(folder / f"{len(spilled)}.npy")
        np.save(spilled[-1], mine)
        all_keys.append(keys)
        row += len(keys)
    return _Scanned(np.concatenate(all_keys), spilled, gram_texts, half_texts, len(seen))


def _in_order(function: Callable[[pl.DataFrame], T], batches: Iterable[pl.DataFrame]) -> Iterator[T]:
    """What a function makes of each batch, with as many batches in memory as there are threads, and one."""
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in batches:
            waiting.append(pool.submit(function, batch))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pairs(scanned: _Scanned, index: Items) -> pl.DataFrame:
    """Candidates: question row, item, score and whether the whole texts are equal."""
    keys = scanned.keys
    _, number = np.unique(keys, return_inverse=True)
    postings = index.postings.join(_weights(scanned, index), on="gram")
    quoting = [pl.DataFrame(schema={"row": pl.UInt32, "item": pl.UInt32, "score": pl.Int64})]
    for file in scanned.spilled:
        mine = pl.DataFrame(dict(zip(("row", "gram"), np.load(file), strict=True)))
        scored = mine.join(postings, on="gram").group_by("row", "item").agg(pl.col("weight").sum().alias("score"))
        quoting.append(scored.filter(pl.col("score") >= index.rule.score * _WEIGHT))
    items = pl.DataFrame({"item": np.arange(len(index.keys), dtype=np.uint32), "key": index.keys})
    rows = pl.DataFrame({"row": np.arange(len(keys), dtype=np.uint32), "text": number.astype(np.uint32), "key": keys})
    equal = rows.filter(pl.col("key") != 0).join(items, on="key").select("row", "item")
    # A copy of a text shares with the items what the first such text shares.
    quotes = pl.concat(quoting).join(rows.select("row", "text"), on="row").drop("row").join(rows, on="text")
    others = quotes.join(equal, on=["row", "item"], how="anti").select("row", "item", "score", equal=pl.lit(False))
    same = equal.select("row", "item", score=pl.lit(_WEIGHT, pl.Int64), equal=pl.lit(True))
    telling = pl.DataFrame({"item": items["item"], "telling": index.telling})
    return pl.concat([same.join(telling.filter("telling").drop("telling"), on="item"), others]).sort("row", "item")


def _weights(scanned: _Scanned, index: Items) -> pl.DataFrame:
    """What each n-gram weighs: 1 while rare, then in inverse proportion to the texts that have it, or half of it."""
    _, first = np.unique(index.keys, return_index=True)
    of = index.postings.filter(pl.col("item").is_in(first.astype(np.uint32).tolist()))
    counts = scanned.grams + np.bincount(of["gram"], minlength=len(scanned.grams))
    halves = scanned.halves + index.half_counts
    rare = max(index.rule.rare, index.rule.rare_share * (scanned.texts + len(first)))
    half = np.maximum(halves[index.first_half], halves[index.last_half]) / index.rule.half
    weight = np.minimum(1.0, rare / np.maximum(1, np.maximum(counts, half)))
    enough = np.flatnonzero(weight >= index.rule.least)
    weights = np.rint(weight[enough] * _WEIGHT).astype(np.int64)
    return pl.DataFrame({"gram": enough.astype(np.uint32), "weight": weights})


def _leaks(questions: Iterable[pl.DataFrame], pairs: pl.DataFrame, index: Items) -> Iterator[Leak]:
    """The candidates that are equal, or that quote the item word by word."""
    start = 0
    for batch in questions:
        candidates = pairs.filter(pl.col("row").is_between(start, start + len(batch) - 1))
        rows = candidates["row"].unique().sort()
        chosen = batch[(rows - start).to_list()]
        by_row = dict(zip(rows.to_list(), chosen.with_columns(plain(chosen)).to_dicts(), strict=True))
        start += len(batch)
        for pair in candidates.iter_rows(named=True):
            question, item = by_row[pair["row"]], index.frame.row(pair["item"], named=True)
            common = shared(segments(question["plain"]), segments(item["plain"]), index.rule.size)
            if pair["equal"] or common.quotes:
                yield Leak(
                    problem_id=question["problem_id"],
                    benchmark=item["benchmark"],
                    item_id=item["item_id"],
                    kind=Kind.EQUAL_TEXT.value if pair["equal"] else Kind.SHARED_GRAMS.value,
                    score=pair["score"] / _WEIGHT,
                    shared=common.text,
                    question=_with_choices(question),
                    item_question=_with_choices(item),
                )


def _with_choices(row: dict[str, Any]) -> str:
    return "\n".join([row["question"], *row["choices"]])


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
