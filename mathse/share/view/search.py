"""Find words in millions of texts within the time a reader waits, or say how far one came.

The index has, for each part of the rows, the rids of each word. Parts that have all the words are gone through in
reading order, a few at first and more at once as it goes on: the rids of the words, the rarest first, and those of the
other conditions are intersected, until there are enough rows or the budget is spent; the reader goes on from there. A
phrase is looked for, as it stands, in the rows that have its words; so are other words beside a very rare one.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from mathse.share.view.filters import Ask
from mathse.share.view.statements import TOKEN

BUDGET = 0.4
"""Seconds after which a search shows what it has."""
FIRST, MOST = 1 << 17, 1 << 20
"""Rids read for the first parts gone through, and at most at once."""
TEXTS, MOST_TEXTS = 1 << 11, 1 << 15
"""The same for texts read for a phrase."""
RARE = 512
"""Rows of a word so rare that they are read themselves, rather than the lists of the other words."""
_RIDS = "select unnest(rids) as rid from words where rowid in (select unnest(?::bigint[]))"
_PHRASE = "(contains(lower(text), lower(?)) or contains(lower(analysis), lower(?)))"

_WORDS = "list_has_all(regexp_extract_all(lower(concat_ws(' ', text, analysis)), ?), ?::varchar[])"

Connection = duckdb.DuckDBPyConnection
Check = tuple[str, list[object]]
"""A condition on a row's texts, and what is bound to it."""
Rids = NDArray[np.int32]


@dataclass(frozen=True)
class Found:
    """Rids in reading order.

    Attributes:
        rids: As many as were wanted, or as there are.
        stopped: The rid at which the search stopped, if it did not come to the end.
    """

    rids: list[int]
    stopped: int | None = None


@dataclass(frozen=True)
class _Word:
    """Where a word is: by part, the number of rows that have it, and the place of their list."""

    hits: dict[int, int]
    places: dict[int, int]


@dataclass(frozen=True)
class _Window:
    """Parts gone through at once, their rids, and what has to be read for them."""

    first: int
    last: int
    low: int
    high: int
    cost: int

    def with_(self, other: "_Window") -> "_Window":
        return _Window(
            min(self.first, other.first), max(self.last, other.last), min(self.low, other.low),
            max(self.high, other.high), self.cost + other.cost,
        )  # fmt: skip


def find(connection: Connection, ask: Ask, limit: int, backward: bool) -> Found:
    """The rows behind (or before) a request's cursor that have its words and meet its conditions.

    Args:
        connection: To the index.
        ask: The request; has words or phrases.
        limit: So many rows at most.
        backward: Towards the first row.
    """
    rids: list[int] = []
    end = time.monotonic() + BUDGET
    stopped = None
    for seen, checked in _steps(connection, ask, backward):
        rids += [int(rid) for rid in checked[: limit - len(rids)]]
        if len(rids) == limit:
            return Found(rids)
        if stopped is not None and time.monotonic() > end:
            return Found(rids, seen)
        stopped = seen
    return Found(rids)


def count(connection: Connection, ask: Ask) -> tuple[int, bool]:
    """How many rows have a request's words and meet its conditions, and whether all were counted in time."""
    total = 0
    end = time.monotonic() + BUDGET
    steps = _steps(connection, ask, False)
    for _, checked in steps:
        total += len(checked)
        if time.monotonic() > end:
            return total, next(steps, None) is None
    return total, True


def _steps(connection: Connection, ask: Ask, backward: bool) -> Iterator[tuple[int, Rids]]:
    """Step by step in reading order: the rid up to which was looked, and the rows found since the last step."""
    words = _by_rarity(connection, ask.words)
    checks: list[Check] = [(_PHRASE, [phrase, phrase]) for phrase in ask.phrases]
    if len(words) > 1 and sum(words[0].hits.values()) <= RARE:
        words, checks = words[:1], [*checks, (_WORDS, [TOKEN, list(ask.words)])]
    for window in _windows(connection, ask, words, backward):
        rids = _candidates(connection, ask, words, window)
        rids = rids[::-1] if backward else rids
        seen = window.low if backward else window.high
        if checks:
            yield from _checked(connection, checks, rids, seen)
        else:
            yield seen, rids


def _candidates(connection: Connection, ask: Ask, words: Sequence[_Word], window: _Window) -> Rids:
    """Rows of a window that have all words and meet the conditions, in order."""
    rids = np.arange(window.low, window.high + 1, dtype=np.int32)
    for place, word in enumerate(words):
        lists = [at for part, at in word.places.items() if window.first <= part <= window.last]
        found = np.sort(_numbers(connection, _RIDS, [lists]), kind="stable")
        rids = _both(rids, found) if place else found[(found >= window.low) & (found <= window.high)]
        if not len(rids):
            return rids
    if ask.conditions:
        sql = f"select rid from rows where rid between ? and ? and {ask.where} order by rid"
        rids = _both(rids, _numbers(connection, sql, [window.low, window.high, *ask.values]))
    return rids


def _checked(connection: Connection, checks: Sequence[Check], rids: Rids, seen: int) -> Iterator[tuple[int, Rids]]:
    """Those rows whose texts pass the checks, read a few at first and more as it goes on."""
    sql = f"""
        select rid from rows where rowid in (select rowid from rows where rid between ? and ?
            and rid in (select unnest(?::integer[]))) and {" and ".join(check for check, _ in checks)} order by rid
    """
    values = [value for _, bound in checks for value in bound]
    size = TEXTS
    while len(rids):
        taken, rids = rids[:size], rids[size:]
        bounds = [int(taken.min()), int(taken.max())]
        found = _numbers(connection, sql, [*bounds, taken.tolist(), *values])
        last = int(taken[-1]) if len(rids) else seen
        yield last, found[::-1] if taken[0] > taken[-1] else found
        size = min(4 * size, MOST_TEXTS)


def _by_rarity(connection: Connection, words: Sequence[str]) -> list[_Word]:
    """Where the words are, the rarest first."""
    sql = "select part, hits, place from vocabulary where word = ?"
    found = [connection.execute(sql, [word]).fetchall() for word in words]
    known = [_Word({part: hits for part, hits, _ in rows}, {part: at for part, _, at in rows}) for rows in found]
    return sorted(known, key=lambda word: sum(word.hits.values()))


def _windows(connection: Connection, ask: Ask, words: Sequence[_Word], backward: bool) -> Iterator[_Window]:
    """The parts that have all words, some at once, in reading order."""
    cap = FIRST
    pending: _Window | None = None
    for window in _parts(connection, ask, words, backward):
        if pending is not None and pending.cost + window.cost > cap:
            yield pending
            pending, cap = None, min(2 * cap, MOST)
        pending = window if pending is None else pending.with_(window)
    if pending is not None:
        yield pending


def _parts(connection: Connection, ask: Ask, words: Sequence[_Word], backward: bool) -> Iterator[_Window]:
    order = "desc" if backward else "asc"
    parts = connection.execute(f"select part, first, last from parts order by part {order}").fetchall()
    for part, first, last in parts:
        low = first if ask.after is None else max(first, ask.after + 1)
        high = last if ask.before is None else min(last, ask.before - 1)
        if low <= high and all(part in word.hits for word in words):
            cost = sum(word.hits[part] for word in words) + (high - low + 1 if ask.conditions or not words else 0)
            yield _Window(part, part, low, high, cost)


def _both(some: Rids, others: Rids) -> Rids:
    """What two ordered lists of rids share."""
    few, many = sorted((some, others), key=len)
    if not len(few):
        return few
    places = np.minimum(np.searchsorted(many, few), len(many) - 1)
    shared: Rids = few[many[places] == few]
    return shared


def _numbers(connection: Connection, sql: str, values: Sequence[object]) -> Rids:
    found = connection.execute(sql, list(values)).fetchnumpy()
    return np.asarray(found["rid"], dtype=np.int32)
