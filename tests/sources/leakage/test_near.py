import random

import numpy as np
import polars as pl
import pytest

from mathse.sources.leakage import near as near_module
from mathse.sources.leakage.near import Rule, duplicates, near


def text(rng: random.Random, length: int) -> list[str]:
    return [f"word{rng.randrange(3000)}" for _ in range(length)]


def shingles(words: list[str], size: int = 3) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} or {tuple(words)}


def similarity(one: list[str], other: list[str]) -> float:
    mine, theirs = shingles(one), shingles(other)
    return len(mine & theirs) / len(mine | theirs)


def corpus(seed: int, pairs: int, length: int) -> list[list[str]]:
    """Texts, each with a copy in which up to an eighth of the words are others."""
    rng = random.Random(seed)
    made = []
    for _ in range(pairs):
        words = text(rng, length)
        copy = list(words)
        for _ in range(rng.randrange(1, max(2, length // 8))):
            copy[rng.randrange(length)] = "other"
        made += [words, copy]
    rng.shuffle(made)
    return made


def found(texts: list[list[str]], rule: Rule = near_module.RULE) -> dict[tuple[int, int], float]:
    table = near(pl.Series([" ".join(words) for words in texts], dtype=pl.String), rule)
    return {(first, second): jaccard for first, second, jaccard in table.iter_rows()}


@pytest.mark.parametrize("length", [12, 40, 200])
def test_nearly_all_pairs_are_found_and_no_others(length: int) -> None:
    texts = corpus(length, 150, length)
    exact = {
        (first, second): similarity(texts[first], texts[second])
        for first in range(len(texts))
        for second in range(first + 1, len(texts))
    }
    wanted = {pair for pair, value in exact.items() if value >= 0.8}
    seen = found(texts)
    assert len(wanted) > 20
    assert seen.keys() <= wanted
    assert len(seen) >= 0.98 * len(wanted)
    assert all(value == pytest.approx(exact[pair]) for pair, value in seen.items())


def test_case_space_and_punctuation_make_no_other_text() -> None:
    assert found([["1. Angle A is 40."], ["1. Angle B is 70."], ["1:  angle\nA is 40"]]) == {(0, 2): 1.0}


def test_short_texts_are_compared_whole() -> None:
    assert found([["yes"], ["no"], ["Yes!"], [""], [""], ["5 cm"], ["5, cm"], ["cm 5"]]) == {(0, 2): 1.0, (5, 6): 1.0}
    assert found([[""], ["?"]]) == found([]) == {}


def test_many_copies_of_one_text_do_not_take_forever() -> None:
    copies = pl.Series(["the same words again and again"] * 2000 + ["something else entirely said once"])
    left = duplicates(copies)
    assert len(left) == 1999
    assert left["text"].to_list() == list(range(1, 2000))


def test_the_first_of_each_stays() -> None:
    words = [f"w{number}" for number in range(60)]
    texts = [words, ["x", *words[1:]], [*words[:-1], "x"], ["quite"] * 4, words]
    left = duplicates(pl.Series([" ".join(some) for some in texts]))
    assert left.select("text", "kept").rows() == [(1, 0), (2, 0), (4, 0)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = corpus(5, 60, 30)
    whole = found(texts)
    monkeypatch.setattr(near_module, "BLOCK_TEXTS", 7)
    monkeypatch.setattr(near_module, "_BLOCK_PAIRS", 3)
    assert found(texts) == whole


def test_a_sketch_agrees_as_often_as_the_sets_do() -> None:
    texts = pl.Series([" ".join(words) for words in corpus(9, 200, 50)])
    made = near_module._shingles(texts, 3)
    sketches = near_module._sketches(made, 80)
    rng = np.random.default_rng(3)
    pairs = near(texts, Rule(jaccard=0.5)).select("first", "second").to_numpy()
    agree = (sketches[pairs[:, 0]] == sketches[pairs[:, 1]]).mean(axis=1)
    exact = near_module._jaccard(made, pairs)
    assert len(pairs) > 100
    assert abs(float((agree - exact).mean())) < 0.02
    unlike = rng.integers(0, len(texts), (50, 2))
    assert (sketches[unlike[:, 0]] == sketches[unlike[:, 1]]).mean() < 0.1
