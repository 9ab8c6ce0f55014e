"""Tables and mutations of them, for the agreement with datacompy: nulls, NaN and duplicate keys everywhere.

Grain: one row a row of a case. Rows of all cases stand in one table, so that a thousand cases are two files.

    case 17   k "b"   n NaN   i 2   f null   s "x"   t true
"""

import random
from typing import Any

import polars as pl

CASES = 1000
KEY = ("k", "n")
VALUES = ("i", "f", "s", "t")
SCHEMA = {
    "case": pl.Int64,
    "k": pl.String,
    "n": pl.Float64,
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "t": pl.Boolean,
}
NAN = float("nan")
_CHOICES: dict[str, tuple[Any, ...]] = {
    "k": ("a", "b", "c", "d", "角", "", None),
    "n": (0.0, 1.5, None, NAN),
    "i": (0, 1, -7, None),
    "f": (0.0, 0.1, -2.5, 1e300, None, NAN),
    "s": ("", "x", "x ", "X", "角", "null", None),
    "t": (True, False, None),
}
Row = dict[str, Any]


def both(cases: int = CASES) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables before and after; the same on every call."""
    chance = random.Random("mutations")
    old: list[Row] = []
    new: list[Row] = []
    for case in range(cases):
        before = [_row(chance, case) for _ in range(chance.randint(0, 12))]
        old += before
        new += _mutated(chance, case, before)
    return pl.DataFrame(old, schema=SCHEMA), pl.DataFrame(new, schema=SCHEMA)


def _row(chance: random.Random, case: int) -> Row:
    return {"case": case, **{name: chance.choice(choices) for name, choices in _CHOICES.items()}}


def _mutated(chance: random.Random, case: int, before: list[Row]) -> list[Row]:
    after = [dict(row) for row in before if chance.random() > 0.15]
    for row in after:
        for name in (*VALUES, *(KEY if chance.random() < 0.1 else ())):
            if chance.random() < 0.15:
                row[name] = chance.choice(_CHOICES[name])
    after += [_row(chance, case) for _ in range(chance.randint(0, 3))]
    after += [dict(row) for row in after if chance.random() < 0.1]
    if chance.random() < 0.3:
        chance.shuffle(after)
    return after
