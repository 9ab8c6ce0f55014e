"""Find words in millions of texts within the time a reader waits, or say how far one came.

The index has, for each part of the rows, the rids of each word. Only parts that have all the words are looked at, one
after another in reading order, until there are enough rows or the budget is spent; then the reader goes on from there.
A phrase is looked for, as it stands, in the rows that have its words.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from mathse.share.view.filters import Ask

BUDGET = 0.5
"""Seconds after which a search shows what it has."""
HITS = 1 << 20
"""Rows of parts that are looked through in one query."""
SLICE = 1 << 17
"""The same where texts have to be read for a phrase."""
_HITS = """
select part, first, last, case when $words = [] then last - first + 1 else min(hits) end as most
from parts left join (select part, hits from words where word in (select unnest($words))) w using (part)
group by part, first, last
having $words = [] or count(hits) = len($words)
order by part
"""
_WORD = "rid in (select unnest(rids) from words where part between ? and ? and word = ?)"
_PHRASE = "(contains(lower(text), lower(?)) or contains(lower(analysis), lower(?)))"

Connection = duckdb.DuckDBPyConnection


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
class _Window:
    """Parts and rids looked through in one query."""

    first: int
    last: int
    low: int
    high: int
    hits: int


def find(connection: Connection, ask: Ask, limit: int, backward: bool) -> Found:
    """The rows behind (or before) a request's cursor that have its words and meet its conditions.

    Args:
        connection: To the index.
        ask: The request; has words or phrases.
        limit: So many rows at most.
        backward: Towards the first row.
    """
    rids: list[int] = []
    order = "desc" if backward else "asc"
    end = time.monotonic() + BUDGET
    stopped = None
    for window in _windows(connection, ask, backward):
        if stopped is not None and time.monotonic() > end:
            return Found(rids, stopped)
        where, values = _matching(ask, window)
        sql = f"select rid from rows where {where} order by rid {order} limit {limit - len(rids)}"
        rids += [row[0] for row in connection.execute(sql, values).fetchall()]
        if len(rids) == limit:
            break
        stopped = window.low if backward else window.high
    return Found(rids)


def count(connection: Connection, ask: Ask) -> tuple[int, bool]:
    """How many rows have a request's words and meet its conditions, and whether all were counted in time."""
    total, begun = 0, False
    end = time.monotonic() + BUDGET
    for window in _windows(connection, ask, False):
        if begun and time.monotonic() > end:
            return total, False
        begun = True
        where, values = _matching(ask, window)
        found = connection.execute(f"select count(*) from rows where {where}", values).fetchone()
        total += found[0] if found else 0
    return total, True


def _matching(ask: Ask, window: _Window) -> tuple[str, list[int | str]]:
    conditions = ["rid between ? and ?", f"({ask.where})"]
    values: list[int | str] = [window.low, window.high, *ask.values]
    for word in ask.words:
        conditions.append(_WORD)
        values += [window.first, window.last, word]
    for phrase in ask.phrases:
        conditions.append(_PHRASE)
        values += [phrase, phrase]
    return " and ".join(conditions), values


def _windows(connection: Connection, ask: Ask, backward: bool) -> Iterator[_Window]:
    """What to look through, in reading order: slices of parts for a phrase, else parts together while they have few."""
    pending: _Window | None = None
    for window in _slices(connection, ask, backward):
        if pending is None:
            pending = window
        elif ask.phrases or pending.hits + window.hits > HITS:
            yield pending
            pending = window
        else:
            pending = _Window(
                min(pending.first, window.first), max(pending.last, window.last), min(pending.low, window.low),
                max(pending.high, window.high), pending.hits + window.hits,
            )  # fmt: skip
    if pending is not None:
        yield pending


def _slices(connection: Connection, ask: Ask, backward: bool) -> Iterator[_Window]:
    parts = connection.execute(_HITS, {"words": list(ask.words)}).fetchall()
    for part, low, high, hits in reversed(parts) if backward else parts:
        low = low if ask.after is None else max(low, ask.after + 1)
        high = high if ask.before is None else min(high, ask.before - 1)
        starts = range(low, high + 1, SLICE) if ask.phrases else [low] if low <= high else []
        for start in reversed(starts) if backward else starts:
            yield _Window(part, part, start, min(high, start + SLICE - 1) if ask.phrases else high, hits)
