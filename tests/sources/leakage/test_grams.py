import re

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mathse.sources.leakage import grams


def rows(*texts: str) -> list[list[int]]:
    """Each text's words as hashes."""
    found = grams.words(pl.Series(list(texts), dtype=pl.String))
    return [part.tolist() for part in np.split(found.hashes, found.starts[1:-1])]


def test_a_word_has_one_hash_wherever_it_stands() -> None:
    first, second, third = rows("an angle of 30", "Angle, an?", "30 of")
    assert first[:2] == second[::-1]
    assert first[2:] == third[::-1]
    assert len(set(first)) == 4


def test_chinese_characters_are_words() -> None:
    chinese, mixed = rows("如图", "如abc图")
    assert len(chinese) == 2
    assert [mixed[0], mixed[2]] == chinese
    assert mixed[1] == rows("abc")[0][0]


def test_texts_without_words() -> None:
    assert rows() == [[]]
    assert rows("", "a", "", "?!", "") == [[], rows("a")[0], [], [], []]


def test_no_gram_reaches_across_a_segment_or_a_text() -> None:
    found = grams.words(pl.Series([f"a b c{grams.SEPARATOR}d e", "f g h"]))
    assert grams.grams(found, 3).at.tolist() == [0, 5]
    assert grams.grams(found, 2).at.tolist() == [0, 1, 3, 5, 6]
    assert grams.grams(found, 9).at.tolist() == []


def test_numbers_are_known() -> None:
    found = grams.words(pl.Series([f"side 3{grams.JOINER}5 of x2"]))
    assert found.numbers.tolist() == [False, True, False, False]


def test_blocks_change_nothing() -> None:
    texts = [f"text {number} of some length {'x' * (number % 7)}" for number in range(300)]
    whole = grams.words(pl.Series(texts))
    before = grams._BLOCK_BYTES
    try:
        grams._BLOCK_BYTES = 40
        small = grams.words(pl.Series(texts))
    finally:
        grams._BLOCK_BYTES = before
    for name in ("hashes", "starts", "segments", "numbers"):
        assert np.array_equal(getattr(whole, name), getattr(small, name))


@given(st.lists(st.text(alphabet="aAbB1 ?如图é", max_size=12), max_size=8))
def test_as_many_words_as_a_plain_reader_finds(texts: list[str]) -> None:
    plain = [re.findall(r"[a-z0-9é]+|[如图]", text.lower()) for text in texts]
    found = rows(*texts) if texts else []
    assert [len(row) for row in found] == [len(row) for row in plain]
    pairs = {
        (word, value) for names, row in zip(plain, found, strict=True) for word, value in zip(names, row, strict=True)
    }
    assert len({word for word, _ in pairs}) == len({value for _, value in pairs}) == len(pairs)
