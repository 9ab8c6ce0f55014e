"""The benchmark items, indexed by their whole texts and by their word n-grams."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mathse.sources.leakage.dress import plain
from mathse.sources.leakage.grams import I64, U64, Words, grams, mix, words

_BITMAP_BITS = 24
_SALT = np.uint64(0x5851F42D4C957F2D)

Pairs = npt.NDArray[np.uint32]
"""Two rows: of each pair the question's row, and what it has."""


@dataclass(frozen=True)
class Rule:
    """When texts share enough to be a leak."""

    size: int = 8
    """Words in an n-gram."""
    rare: int = 5
    """Texts that may have an n-gram which weighs 1 ..."""
    rare_share: float = 1e-5
    """... or this share of all texts, if that is more."""
    half: int = 4
    """How many times as many texts may have half of it."""
    least: float = 0.1
    """N-grams that weigh less are left out."""
    score: float = 1.0
    """Weights that make a leak together."""
    telling: int = 8
    """Words that say something without their image, if there is no number among them."""


class Known:
    """Hashes that others are looked up in; a bitmap tells most of them apart at the price of one access."""

    def __init__(self, hashes: U64) -> None:
        self.hashes = np.unique(hashes)
        self._bitmap = np.zeros(1 << _BITMAP_BITS, np.bool_)
        self._bitmap[_high(self.hashes)] = True

    def look_up(self, hashes: U64) -> tuple[I64, I64]:
        """Places in `hashes` of those known, and their places here."""
        maybe = np.flatnonzero(self._bitmap[_high(hashes)])
        if not len(maybe):
            return maybe, maybe
        mine = np.minimum(np.searchsorted(self.hashes, hashes[maybe]), len(self.hashes) - 1)
        sure = np.flatnonzero(self.hashes[mine] == hashes[maybe])
        return maybe[sure], mine[sure]


class Items:
    """The benchmark items, indexed by their whole text and by their n-grams."""

    def __init__(self, items: pl.DataFrame, rule: Rule) -> None:
        self.rule = rule
        self.frame = items.with_columns(plain(items))
        texts = words(self.frame["plain"])
        whole = grams(texts, rule.size)
        self.grams = Known(whole.hashes)
        halves = grams(texts, rule.size // 2)
        self.halves = Known(halves.hashes)
        half = np.zeros(len(texts.hashes), np.int64)
        half[halves.at] = np.searchsorted(self.halves.hashes, halves.hashes)
        self.keys = whole_text(texts)
        _, first = np.unique(self.keys, return_index=True)
        row, what = shared_pairs(texts, rule.size // 2, self.halves)
        self.half_counts = np.bincount(what[np.isin(row, first)], minlength=len(self.halves.hashes))
        of = np.searchsorted(texts.starts, whole.at, side="right") - 1
        gram = np.searchsorted(self.grams.hashes, whole.hashes)
        self.first_half, self.last_half = np.zeros((2, len(self.grams.hashes)), np.int64)
        self.first_half[gram] = half[whole.at]
        self.last_half[gram] = half[whole.at + (rule.size - rule.size // 2)]
        self.postings = pl.DataFrame({"gram": gram.astype(np.uint32), "item": of.astype(np.uint32)}).unique()
        # An item's text alone makes it that item where it says enough, and no other item has it with another answer.
        has_number = np.bincount(texts.rows, texts.numbers, minlength=len(self.keys)) > 0
        answers = pl.DataFrame({"key": self.keys, "answer": self.frame["answer"]})
        one_answer = answers.select(pl.col("answer").n_unique().over("key") == 1).to_series().to_numpy()
        self.telling = ((np.diff(texts.starts) >= rule.telling) | has_number) & one_answer


def whole_text(texts: Words) -> U64:
    """One hash per text, the same for any order of its choices; 0 for a text without words."""
    keys = np.zeros(len(texts.starts) - 1, np.uint64)
    if not len(texts.hashes):
        return keys
    firsts = np.flatnonzero(np.diff(texts.segments, prepend=texts.segments[0] - 1))
    lengths = np.diff(firsts, append=len(texts.hashes))
    places = np.arange(len(texts.hashes)) - np.repeat(firsts, lengths)
    parts = mix(np.add.reduceat(mix(texts.hashes + places.astype(np.uint64) * _SALT), firsts))
    full = np.flatnonzero(np.diff(texts.starts))
    heads = np.searchsorted(firsts, texts.starts[full])
    parts[heads] = mix(parts[heads] + _SALT)
    keys[full] = np.add.reduceat(parts, heads)
    return keys


def shared_pairs(texts: Words, size: int, known: Known) -> Pairs:
    """Which texts have which known n-grams: each pair once, by text."""
    ngrams = grams(texts, size)
    at, what = known.look_up(ngrams.hashes)
    row = np.searchsorted(texts.starts, ngrams.at[at], side="right") - 1
    both = np.unique(row << 32 | what)
    return np.stack([both >> 32, both & 0xFFFFFFFF]).astype(np.uint32)


def _high(hashes: U64) -> I64:
    return (hashes >> np.uint64(64 - _BITMAP_BITS)).astype(np.int64)
