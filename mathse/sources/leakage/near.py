"""Near-duplicates among texts: pairs whose sets of word shingles have a Jaccard similarity of `Rule.jaccard` or more.

    texts   0 "1. Angle A is 40. Answer: 5"   1 "1. Angle B is 70. Answer: 9"   2 "1.  angle A is 40; answer: 5"
    found   first 0, second 2, jaccard 1.0

Sketches by MinHash, candidates by banding, each candidate checked by its exact similarity: what is found is right, and
what is missed is a matter of chance that `Rule` keeps small. All of it in arrays, no Python loop over texts.

Sources: Broder, "On the resemblance and containment of documents" (1997), for MinHash; Li, Owen and Zhang, "One
Permutation Hashing" (NIPS 2012), for sketches by a few hashes per shingle instead of one per bin; Shrivastava, "Optimal
Densification for Fast and Accurate Minwise Hashing" (ICML 2017), for the bins that stay empty;
Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3, for banding.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mathse.sources.leakage.grams import I64, U64, grams, mix, words
from mathse.sources.leakage.index import whole_text

BLOCK_TEXTS = 4_000
"""Texts sketched together."""
_ROW_BITS = 14
"""Enough to number them."""
_ROUNDS = 2
"""Bins that each shingle falls into."""
_SEED = 0x2545F4914F6CDD1D
_LARGEST_BUCKET = 200
"""In a larger bucket each text is compared with the first and with those this close behind it only."""
_BLOCK_PAIRS = 10_000
_PAIR_BITS = 14
"""Enough to number them."""

U32 = npt.NDArray[np.uint32]
_EMPTY = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True)
class Rule:
    """What counts as a near-duplicate. At a similarity of 0.8, these bands miss one pair in 175."""

    jaccard: float = 0.8
    size: int = 3
    """Words in a shingle; a text of fewer is one shingle."""
    bands: int = 13
    rows: int = 5
    """Bins of the sketch in a band."""


@dataclass(frozen=True)
class _Shingles:
    """Each text's distinct shingles: those of text i are `hashes[starts[i]:starts[i + 1]]`, sorted."""

    hashes: U64
    starts: I64


RULE = Rule()


def near(texts: pl.Series, rule: Rule = RULE) -> pl.DataFrame:
    """All near-duplicate pairs.

    Args:
        texts: Strings without nulls.

    Returns:
        Columns `first` and `second` (places in `texts`, first < second) and `jaccard`, sorted. Texts without a word are
        like nothing.
    """
    shingles = _shingles(texts, rule.size)
    if not len(shingles.hashes):
        return _frame(np.empty((0, 2), np.int64), np.empty(0))
    sketches = _sketches(shingles, rule.bands * rule.rows)
    pairs = _candidates(sketches, np.diff(shingles.starts) > 0, rule)
    # Far from the mark by their sketches: six standard deviations.
    alike = np.concatenate(
        [(sketches[block[:, 0]] == sketches[block[:, 1]]).mean(axis=1) for block in _blocks(pairs)] or [np.empty(0)]
    )
    slack = 6 * np.sqrt(rule.jaccard * (1 - rule.jaccard) / sketches.shape[1])
    pairs = pairs[alike >= rule.jaccard - slack]
    exact = np.concatenate([_jaccard(shingles, block) for block in _blocks(pairs)] or [np.empty(0)])
    return _frame(pairs[exact >= rule.jaccard], exact[exact >= rule.jaccard])


def duplicates(texts: pl.Series, rule: Rule = RULE, groups: pl.Series | None = None) -> pl.DataFrame:
    """Which texts to leave out so that no two near-duplicates stay, the first of each kept.

    Args:
        texts: Strings without nulls.
        groups: The group of each text; those of different ones are not compared.

    Returns:
        Columns `text` (left out), `kept` (the first text that stays and is near it) and `jaccard`, sorted.
    """
    excluded: dict[int, tuple[int, float]] = {}
    pairs = near(texts, rule)
    if groups is not None:
        pairs = pairs.filter(groups[pairs["first"].to_list()] == groups[pairs["second"].to_list()])
    for first, second, jaccard in pairs.sort("second", "first").iter_rows():
        if first not in excluded and second not in excluded:
            excluded[second] = (first, jaccard)
    rows = [(text, kept, jaccard) for text, (kept, jaccard) in sorted(excluded.items())]
    return pl.DataFrame(rows, {"text": pl.Int64, "kept": pl.Int64, "jaccard": pl.Float64}, orient="row")


def _frame(pairs: I64, jaccard: npt.NDArray[np.float64]) -> pl.DataFrame:
    columns = {"first": pairs[:, 0], "second": pairs[:, 1], "jaccard": jaccard}
    return pl.DataFrame(columns).sort("first", "second")


def _shingles(texts: pl.Series, size: int) -> _Shingles:
    hashes, counts = [np.empty(0, np.uint64)], [np.zeros(1, np.int64)]
    low = np.uint64(64 - _ROW_BITS)
    for start in range(0, len(texts), BLOCK_TEXTS):
        block = texts[start : start + BLOCK_TEXTS]
        block_words = words(block)
        ngrams = grams(block_words, size)
        rows, shingles = np.searchsorted(block_words.starts, ngrams.at, side="right") - 1, ngrams.hashes
        has = np.bincount(rows, minlength=len(block)) > 0
        short = np.flatnonzero(~has & (np.diff(block_words.starts) > 0))
        if len(short):
            rows = np.concatenate([rows, short])
            shingles = np.concatenate([shingles, whole_text(words(block[short]))])
        # The row in the upper bits: one sort puts texts and their shingles in order.
        keyed = np.sort((rows.astype(np.uint64) << low) | (shingles >> np.uint64(_ROW_BITS)))
        keyed = keyed[np.flatnonzero(np.diff(keyed, prepend=keyed[:1] ^ np.uint64(1)))]
        counts.append(np.bincount((keyed >> low).astype(np.int64), minlength=len(block)))
        hashes.append(keyed & ((np.uint64(1) << low) - np.uint64(1)))
    return _Shingles(np.concatenate(hashes), np.cumsum(np.concatenate(counts)))


def _sketches(shingles: _Shingles, bins: int) -> U32:
    """One row per text: in each bin the least value of any shingle that fell in."""
    count = len(shingles.starts) - 1
    result = np.full((count, bins), _EMPTY, np.uint32)
    for start in range(0, count, BLOCK_TEXTS):
        stop = min(start + BLOCK_TEXTS, count)
        sketch = result[start:stop]
        hashes = shingles.hashes[shingles.starts[start] : shingles.starts[stop]]
        rows = np.repeat(np.arange(stop - start), np.diff(shingles.starts[start : stop + 1])).astype(np.uint64)
        rows *= np.uint64(bins)
        for turn in range(_ROUNDS):
            values = mix(hashes + np.uint64(turn * _SEED & 0xFFFFFFFFFFFFFFFF))
            bin_of = (values >> np.uint64(40)) * np.uint64(bins) >> np.uint64(24)
            # The bin is of the upper bits, the value of the lower; all ones would look like an empty bin.
            least = values.astype(np.uint32) >> np.uint32(1)
            np.minimum.at(sketch.reshape(-1), (rows + bin_of).astype(np.int64), least)
        _borrow(sketch)
    return result


def _borrow(sketch: U32) -> None:
    """Fill each empty bin from a full one, looked for in an order that is the bin's own and the same for all texts."""
    bins = sketch.shape[1]
    drawn = sketch.copy()
    row, column = np.nonzero((sketch == _EMPTY) & (sketch != _EMPTY).any(axis=1)[:, None])
    for order in np.random.default_rng(bins).permuted(np.tile(np.arange(bins), (bins, 1)), axis=1).T:
        if not len(row):
            break
        values = drawn[row, order[column]]
        full = values != _EMPTY
        sketch[row[full], column[full]] = values[full]
        row, column = row[~full], column[~full]


def _candidates(sketches: U32, full: npt.NDArray[np.bool_], rule: Rule) -> I64:
    """Pairs that agree in all bins of a band, each once."""
    count = len(sketches)
    texts = np.flatnonzero(full)
    low = np.uint64((1 << len(texts).bit_length()) - 1)
    pairs = [np.empty(0, np.int64)]
    for band in range(rule.bands):
        key = np.zeros(len(texts), np.uint64)
        for column in range(band * rule.rows, (band + 1) * rule.rows):
            key = mix(key + sketches[texts, column])
        # The text's number in the lower bits: sorting values is several times faster than sorting places.
        both = np.sort((key & ~low) | np.arange(len(texts), dtype=np.uint64))
        ordered, who = both & ~low, texts[(both & low).astype(np.int64)]
        heads = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ np.uint64(1)))
        head = np.repeat(who[heads], np.diff(heads, append=len(who)))
        pairs.append((head * count + who)[head != who])
        for step in range(1, _LARGEST_BUCKET):
            same = np.flatnonzero(ordered[:-step] == ordered[step:])
            if not len(same):
                break
            pairs.append(who[same] * count + who[same + step])
    distinct = np.unique(np.concatenate(pairs))
    return np.stack([distinct // count, distinct % count], axis=1)


def _blocks(pairs: I64) -> Iterator[I64]:
    for start in range(0, len(pairs), _BLOCK_PAIRS):
        yield pairs[start : start + _BLOCK_PAIRS]


def _jaccard(shingles: _Shingles, pairs: I64) -> npt.NDArray[np.float64]:
    """The exact similarity of each pair."""
    lengths = np.diff(shingles.starts)[pairs]
    together = lengths.sum(axis=1)
    places = np.repeat(np.cumsum(lengths.reshape(-1)) - lengths.reshape(-1), lengths.reshape(-1))
    inside = np.arange(len(places)) - places
    hashes = shingles.hashes[np.repeat(shingles.starts[pairs].reshape(-1), lengths.reshape(-1)) + inside]
    number = np.repeat(np.arange(len(pairs), dtype=np.uint64), together)
    keyed = np.sort(number << np.uint64(64 - _PAIR_BITS) | (hashes & np.uint64((1 << 64 - _PAIR_BITS) - 1)))
    twice = keyed[1:][keyed[1:] == keyed[:-1]] >> np.uint64(64 - _PAIR_BITS)
    both = np.bincount(twice.astype(np.int64), minlength=len(pairs))
    return np.asarray(both / (together - both))
