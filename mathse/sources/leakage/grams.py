"""Words and word n-grams of many texts at once, as hashes: no Python loop over words, nor over texts.

A word is a run of letters, digits and `JOINER`; a character of the Chinese block is a word by itself, so that n-grams
of words are n-grams of characters there. ASCII letters are folded. `SEPARATOR` ends a segment, and no n-gram reaches
across a segment's end.

    texts      "An angle of 30", "如图 ABC"
    words      an, angle, of, 30, 如, 图, abc      rows 0, 0, 0, 0, 1, 1, 1

A word's hash is the sum of its bytes times powers of an odd number, divided by the power at its start, then mixed
(finaliser of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). It depends on
the word alone: on no library's version, no process and no machine.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

SEPARATOR = "\x1f"
"""Stands between a question and its choices."""
JOINER = "\x1e"
"""Stands for what joins a word's parts, such as a decimal point, so that `3.5` is one word."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_BLOCK_BYTES = 1 << 16
"""Texts are taken together up to this many bytes: the arrays of a step then stay in the processor's cache."""
_CJK_BYTES = 3
_LETTERS = bytes(
    byte if byte >= 0x80 else ord(chr(byte).lower()) if chr(byte).isalnum() or chr(byte) == JOINER else 0
    for byte in range(256)
)
"""What each byte adds to its word's hash: 0 where it is in no word."""


@dataclass(frozen=True)
class Words:
    """The words of some texts, in order.

    Attributes:
        hashes: One per word.
        starts: Where each text's words begin in `hashes`; one more than there are texts.
        segments: Number of the segment that a word is in; segments of different texts have different numbers.
        numbers: Whether a word begins with a digit.
    """

    hashes: U64
    starts: I64
    segments: I64
    numbers: npt.NDArray[np.bool_]

    @property
    def rows(self) -> I64:
        """The text that each word is from."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True)
class Grams:
    """The n-grams of some texts, in order.

    Attributes:
        hashes: One per n-gram.
        at: The place of its first word.
    """

    hashes: U64
    at: I64


def mix(values: U64) -> U64:
    """Scramble 64-bit values, one to one."""
    values = values ^ (values >> np.uint64(30))
    values = values * np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def words(texts: pl.Series) -> Words:
    """Split texts into words and hash these.

    Args:
        texts: Strings without nulls; ASCII upper case is folded here, any other case is not.
    """
    array = texts.to_arrow().cast(pa.large_string())
    _, places, content = array.buffers()
    offsets = np.frombuffer(places, np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)
    offsets, data = offsets - offsets[0], data[offsets[0] : offsets[-1]]
    pieces: list[tuple[U64, I64, npt.NDArray[np.bool_]]] = []
    first = 0
    while first < len(texts):
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK_BYTES, side="right")) - 1
        last = min(max(last, first + 1), len(texts))
        begin = offsets[first]
        hashes, begins, numbers = _split(data[begin : offsets[last]], offsets[first : last + 1] - begin)
        pieces.append((hashes, begins + begin, numbers))
        first = last
    if not pieces:
        return Words(np.empty(0, np.uint64), np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
    all_hashes, begins, all_numbers = (np.concatenate(part) for part in zip(*pieces, strict=True))
    starts = np.searchsorted(begins, offsets)
    cuts = np.zeros(len(begins) + 1, np.int64)
    np.add.at(cuts, starts, 1)
    np.add.at(cuts, np.searchsorted(begins, np.flatnonzero(data == ord(SEPARATOR))), 1)
    return Words(all_hashes, starts, np.cumsum(cuts[:-1]), all_numbers)


def grams(of: Words, size: int) -> Grams:
    """Every run of `size` words within a segment."""
    values = of.hashes
    count = max(0, len(values) - size + 1)
    rolled = np.zeros(count, np.uint64)
    for place in range(size):
        rolled *= _BASE
        rolled += values[place : place + count]
    at = np.flatnonzero(of.segments[:count] == of.segments[size - 1 : size - 1 + count])
    return Grams(mix(rolled[at]), at)


def _split(data: npt.NDArray[np.uint8], offsets: I64) -> tuple[U64, I64, npt.NDArray[np.bool_]]:
    """Hash, first byte and numberness of every word of a block of texts."""
    # `translate` takes a fifth of the time of an array indexed by bytes.
    letters = np.frombuffer(data.tobytes().translate(_LETTERS), np.uint8)
    begin = _begins(data, offsets, letters != 0)
    begins = np.flatnonzero(begin)
    if not len(begins):
        return np.empty(0, np.uint64), begins, np.empty(0, np.bool_)
    # Only a text longer than a block needs a larger table than that of a block.
    up, down = _powers(_BLOCK_BYTES if len(data) <= _BLOCK_BYTES else 1 << len(data).bit_length())
    # What lies between words counts 0, so a word's sum may run on to the next word.
    sums = np.add.reduceat(letters.astype(np.uint64) * up[: len(data)], begins)
    firsts = data[begins]
    return mix(sums * down[begins]), begins, (firsts >= ord("0")) & (firsts <= ord("9"))


def _begins(data: npt.NDArray[np.uint8], offsets: I64, word: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether a word begins at each byte; `word` says whether it is in one."""
    begin = word.copy()
    begin[1:] &= ~word[:-1]
    if data.max(initial=0) >= 0xE3:
        character = (data >= 0xE3) & (data <= 0xE9)
        begin |= character
        begin[_CJK_BYTES:] |= character[:-_CJK_BYTES] & word[_CJK_BYTES:]
    heads = offsets[:-1][offsets[:-1] < len(data)]
    begin[heads] |= word[heads]
    return begin


@cache
def _powers(size: int) -> tuple[U64, U64]:
    """Powers of the base and of its inverse."""
    ones = np.full(size, _BASE, np.uint64)
    ones[0] = 1
    inverse = np.full(size, _INVERSE, np.uint64)
    inverse[0] = 1
    return np.cumprod(ones), np.cumprod(inverse)
