"""Questions that are benchmark items, or quote them.

A question is found if its plain form (`dress`) equals an item's, whatever the order of the choices; or if the two share
word n-grams whose weights come to `Rule.score`. An n-gram weighs 1 while it is rare and less the more questions and
items have it, so that boilerplate ("as shown in the figure, in triangle ...") counts next to nothing; texts that are
copies of one another count once. Two things are no leak:

    other numbers   what stands around a number is the same, and the number another: a template used twice
    too plain       a question of few words without a number, or one that has several answers among the items, says
                    nothing without its image (`What is the size of angle C?`)

Not found: rewording that leaves no `Rule.size` words in a row untouched; a question translated; a number spelled out.

Memory holds one batch, a hash a question and the items; what the questions share with the items is spilled to disk.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq

from mathse.sources.leakage import Kind, Leak
from mathse.sources.leakage.dress import plain, segments
from mathse.sources.leakage.grams import I64, U64, Words, grams, mix, words
from mathse.sources.leakage.verify import Shared, shared

BATCH_ROWS = 25_000
THREADS = 2
_WEIGHT = 1000
"""A weight of 1, in whole numbers: their sum is the same in any order."""
_BITMAP_BITS = 24
_SALT = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True)
class Rule:
    """When texts share enough to be a leak."""

    size: int = 8
    """Words in an n-gram."""
    rare: int = 5
    """Texts that may have an n-gram which weighs 1 ..."""
    rare_share: float = 1e-5
    """... or this share of all texts, if that is more."""
    least: float = 0.1
    """N-grams that weigh less are left out."""
    score: float = 1.0
    """Weights that make a leak together."""
    telling: int = 8
    """Words that say something without their image, if there is no number among them."""


class Questions:
    """The questions of a `problems` table, a batch at a time, as often as they are asked for."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __iter__(self) -> Iterator[pl.DataFrame]:
        with pq.ParquetFile(self.file) as parquet:
            columns = ["problem_id", "question", "choices"]
            for batch in parquet.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame


class _Items:
    """The benchmark items, indexed by their whole text and by their n-grams."""

    def __init__(self, items: pl.DataFrame, rule: Rule) -> None:
        self.rule = rule
        self.frame = items.with_columns(plain(items))
        found = words(self.frame["plain"])
        made = grams(found, rule.size)
        self.grams = np.unique(made.hashes)
        self.bitmap = np.zeros(1 << _BITMAP_BITS, np.bool_)
        self.bitmap[_high(self.grams)] = True
        self.keys = whole_text(found)
        of = np.searchsorted(found.starts, made.at, side="right") - 1
        gram = np.searchsorted(self.grams, made.hashes)
        self.postings = pl.DataFrame({"gram": gram.astype(np.uint32), "item": of.astype(np.uint32)}).unique()
        self.telling = self._telling(found)

    def _telling(self, found: Words) -> npt.NDArray[np.bool_]:
        """Whether an item's text alone makes it that item."""
        has_number = np.bincount(found.rows, found.numbers, minlength=len(self.keys)) > 0
        enough = (np.diff(found.starts) >= self.rule.telling) | has_number
        answers = pl.DataFrame({"key": self.keys, "answer": self.frame["answer"]})
        one = answers.select(pl.col("answer").n_unique().over("key") == 1).to_series().to_numpy()
        return np.asarray(enough & one)


def find(questions: Iterable[pl.DataFrame], items: pl.DataFrame, rule: Rule = Rule()) -> list[Leak]:
    """Questions that are, or quote, benchmark items.

    Args:
        questions: Batches with columns `problem_id`, `question` and `choices`; gone through twice.
        items: With columns `benchmark`, `item_id`, `question`, `choices` and `answer`.
        rule: When it is a leak.

    Returns:
        Leaks sorted by problem, benchmark and item, each pair once.
    """
    index = _Items(items, rule)
    with TemporaryDirectory(prefix="mathse-leakage-") as folder:
        keys, spilled = _scan(questions, index, Path(folder))
        pairs = _pairs(keys, spilled, index)
    return sorted(_leaks(questions, pairs, index), key=lambda leak: (leak.problem_id, leak.benchmark, leak.item_id))


def whole_text(found: Words) -> U64:
    """One hash a text, the same for any order of its choices; 0 for a text without words."""
    keys = np.zeros(len(found.starts) - 1, np.uint64)
    if not len(found.hashes):
        return keys
    firsts = np.flatnonzero(np.diff(found.segments, prepend=found.segments[0] - 1))
    lengths = np.diff(firsts, append=len(found.hashes))
    places = np.arange(len(found.hashes)) - np.repeat(firsts, lengths)
    parts = mix(np.add.reduceat(mix(found.hashes + places.astype(np.uint64) * _SALT), firsts))
    full = np.flatnonzero(np.diff(found.starts))
    heads = np.searchsorted(firsts, found.starts[full])
    parts[heads] = mix(parts[heads] + _SALT)
    keys[full] = np.add.reduceat(parts, heads)
    return keys


def _high(hashes: U64) -> I64:
    return (hashes >> np.uint64(64 - _BITMAP_BITS)).astype(np.int64)


def _scan(questions: Iterable[pl.DataFrame], index: _Items, folder: Path) -> tuple[U64, list[Path]]:
    """Every question's hash, and files of (question, n-gram) pairs that items have too."""
    keys: list[U64] = [np.empty(0, np.uint64)]
    spilled: list[Path] = []

    def take(batch: pl.DataFrame) -> tuple[U64, npt.NDArray[np.uint32]]:
        return _hits(batch, index)

    row = 0
    for key, hits in _in_order(take, questions):
        spilled.append(folder / f"{len(spilled)}.npy")
        hits[0] += np.uint32(row)
        np.save(spilled[-1], hits)
        keys.append(key)
        row += len(key)
    return np.concatenate(keys), spilled


def _in_order(
    take: Callable[[pl.DataFrame], tuple[U64, npt.NDArray[np.uint32]]], batches: Iterable[pl.DataFrame]
) -> Iterator[tuple[U64, npt.NDArray[np.uint32]]]:
    """What `take` makes of each batch, with as many batches in memory as there are threads."""
    waiting: deque[Future[tuple[U64, npt.NDArray[np.uint32]]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in batches:
            waiting.append(pool.submit(take, batch))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _hits(batch: pl.DataFrame, index: _Items) -> tuple[U64, npt.NDArray[np.uint32]]:
    found = words(plain(batch))
    made = grams(found, index.rule.size)
    maybe = np.flatnonzero(index.bitmap[_high(made.hashes)])
    hashes = made.hashes[maybe]
    gram = np.searchsorted(index.grams, hashes)
    sure = np.flatnonzero(index.grams[np.minimum(gram, len(index.grams) - 1)] == hashes) if len(hashes) else maybe
    row = np.searchsorted(found.starts, made.at[maybe[sure]], side="right") - 1
    pairs = np.unique(np.stack([row, gram[sure]]), axis=1) if len(sure) else np.zeros((2, 0))
    return whole_text(found), pairs.astype(np.uint32)


def _pairs(keys: U64, spilled: list[Path], index: _Items) -> pl.DataFrame:
    """Candidates: question row, item, score and whether the whole texts are equal."""
    texts, first, number = np.unique(keys, return_index=True, return_inverse=True)
    is_first = np.zeros(len(keys), np.bool_)
    is_first[first] = True
    weights = _weights(spilled, is_first, index, len(texts))
    postings = index.postings.join(weights, on="gram")
    quoting = [pl.DataFrame(schema={"row": pl.UInt32, "item": pl.UInt32, "score": pl.Int64})]
    for file in spilled:
        row, gram = np.load(file)
        mine = pl.DataFrame({"row": row[is_first[row]], "gram": gram[is_first[row]]})
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


def _weights(spilled: list[Path], is_first: npt.NDArray[np.bool_], index: _Items, texts: int) -> pl.DataFrame:
    """What each n-gram weighs: 1 while rare, then in inverse proportion to the texts that have it."""
    _, first = np.unique(index.keys, return_index=True)
    own = index.postings.filter(pl.col("item").is_in(first.astype(np.uint32).tolist()))["gram"].to_numpy()
    counts = np.bincount(own, minlength=len(index.grams))
    for file in spilled:
        row, gram = np.load(file)
        counts += np.bincount(gram[is_first[row]], minlength=len(index.grams))
    rare = max(index.rule.rare, index.rule.rare_share * (texts + len(first)))
    weight = np.minimum(1.0, rare / np.maximum(counts, 1))
    kept = np.flatnonzero(weight >= index.rule.least)
    return pl.DataFrame({"gram": kept.astype(np.uint32), "weight": np.rint(weight[kept] * _WEIGHT).astype(np.int64)})


def _leaks(questions: Iterable[pl.DataFrame], pairs: pl.DataFrame, index: _Items) -> Iterator[Leak]:
    start = 0
    for batch in questions:
        mine = pairs.filter(pl.col("row").is_between(start, start + len(batch) - 1))
        start += len(batch)
        if not len(mine):
            continue
        chosen = mine["row"].unique().sort()
        asked = batch[(chosen - (start - len(batch))).to_list()]
        told = dict(zip(chosen.to_list(), asked.with_columns(plain(asked)).to_dicts(), strict=True))
        for pair in mine.iter_rows(named=True):
            question, item = told[pair["row"]], index.frame.row(pair["item"], named=True)
            common = shared(segments(question["plain"]), segments(item["plain"]), index.rule.size)
            if pair["equal"] or common.quotes:
                yield _leak(question, item, pair, common)


def _leak(question: dict[str, object], item: dict[str, object], pair: dict[str, object], common: Shared) -> Leak:
    score = pair["score"]
    assert isinstance(score, int)
    return Leak(
        problem_id=str(question["problem_id"]),
        benchmark=str(item["benchmark"]),
        item_id=str(item["item_id"]),
        kind=Kind.EQUAL_TEXT if pair["equal"] else Kind.SHARED_GRAMS,
        score=score / _WEIGHT,
        shared=common.text,
        question=_shown(question),
        item_question=_shown(item),
    )


def _shown(row: dict[str, object]) -> str:
    choices = row["choices"]
    assert isinstance(choices, list)
    return "\n".join([str(row["question"]), *map(str, choices)])
