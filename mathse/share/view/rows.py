"""Pages of paths, their number, one problem with all that was written to it, one path.

Paging is by key: a page is the rows behind a cursor, so that the millionth page costs what the first one does. Words
are looked up part by part and only as long as a reader would wait; where that was not enough, the page says how far it
looked and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathse.share.view import search
from mathse.share.view.filters import Ask
from mathse.share.view.search import Connection, Found

PAGE = 25
OF_A_PROBLEM = 300
"""Paths shown with their problem."""
_COLUMNS = (
    "rid, step, kind, status, rule, subject, level, source, pid, path_id, problem_id, round, sample, author, text, "
    "answer, finish, error, parent, error_step, analysis, undecided, rule_reason"
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows of a list.

    Attributes:
        rows: In order.
        older: Cursor of the page behind this one; none if it is the last.
        newer: Cursor of the page before this one.
        looked: Rows that a search has looked through, and all there are, if it stopped early.
    """

    rows: list[Row]
    older: int | None = None
    newer: int | None = None
    looked: tuple[int, int] | None = None


def page(connection: Connection, ask: Ask) -> Page:
    """The rows that a request asks for, `PAGE` at most."""
    backward = ask.before is not None
    found = _found(connection, ask, PAGE + 1, backward)
    rids = sorted(found.rids[:PAGE])
    ends = (rids[0], rids[-1]) if rids else (ask.after, ask.before)
    ahead = ends[0 if backward else 1] if len(found.rids) > PAGE else found.stopped
    behind = ends[1 if backward else 0] if ask.after is not None or backward else None
    newer, older = (ahead, behind) if backward else (behind, ahead)
    return Page(
        fetch(connection, rids), older, newer, None if found.stopped is None else _looked(connection, found.stopped)
    )


def _looked(connection: Connection, stopped: int) -> tuple[int, int]:
    return stopped + 1, _one(connection, "select coalesce(max(last) + 1, 0) from parts", [])


def count(connection: Connection, ask: Ask) -> tuple[int, bool]:
    """How many rows a request asks for, and whether all were counted within the time a reader waits."""
    if ask.words or ask.phrases:
        return search.count(connection, ask)
    return _one(connection, f"select count(*) from rows where {ask.where}", ask.values), True


def fetch(connection: Connection, rids: Sequence[int]) -> list[Row]:
    """Rows by rid, in order; found by the narrow column first, so that the texts of these rows alone are read."""
    sql = f"""
        select {_COLUMNS} from rows
        where rowid in (select rowid from rows where rid in (select unnest(?::integer[]))) order by rid
    """
    return _rows(connection, sql, [list(rids)]) if rids else []


def problem(connection: Connection, problem_id: str) -> Row | None:
    """A problem by its id."""
    sql = "select * from problems where problem_id = ?"
    return next(iter(_rows(connection, sql, [problem_id])), None)


def problems(connection: Connection, listed: Sequence[Row]) -> dict[str, Row]:
    """The problems of listed rows, by id."""
    sql = """
        select * from problems
        where rowid in (select rowid from problems where pid in (select unnest(?::integer[])))
    """
    pids = sorted({row["pid"] for row in listed if row["pid"] is not None})
    return {row["problem_id"]: row for row in _rows(connection, sql, [pids])} if pids else {}


def of_problem(connection: Connection, pid: int, step: int | None = None) -> list[Row]:
    """Paths to a problem, in the loop's order; of one step only, if given."""
    sql = f"""
        select {_COLUMNS} from rows
        where rowid in (select rowid from rows where pid = $pid and ($step is null or step = $step))
        order by step, sample, rid limit {OF_A_PROBLEM}
    """
    return _rows(connection, sql, {"pid": pid, "step": step})


def path(connection: Connection, path_id: str) -> Row | None:
    """A path by its id."""
    sql = f"select {_COLUMNS} from rows where rowid in (select rowid from rows where path_id = ? limit 1)"
    return next(iter(_rows(connection, sql, [path_id])), None)


def answers(connection: Connection, problem_id: str) -> list[Row]:
    """Predictions of a test problem, by model."""
    sql = "select * from answers where problem_id = ? order by model, sample limit 200"
    return _rows(connection, sql, [problem_id])


def problem_page(connection: Connection, ask: Ask) -> Page:
    """Problems that a request asks for; words must occur in the question, in any order."""
    backward = ask.before is not None
    where, values = ask.where, ask.values
    for sought in (*ask.words, *ask.phrases):
        where += " and contains(lower(question), lower(?))"
        values.append(sought)
    edge, order = ("pid < ?", "desc") if backward else ("pid > ?", "asc")
    cursor = ask.before if backward else -1 if ask.after is None else ask.after
    sql = f"select * from problems where {where} and {edge} order by pid {order} limit {PAGE + 1}"
    found = _rows(connection, sql, [*values, cursor])
    more, shown = len(found) > PAGE, sorted(found[:PAGE], key=lambda row: row["pid"])
    ends = (shown[0]["pid"], shown[-1]["pid"]) if shown else (None, None)
    older = ends[1] if more or backward else None
    newer = ends[0] if (more if backward else ask.after is not None) else None
    return Page(shown, older, newer)


def _found(connection: Connection, ask: Ask, limit: int, backward: bool) -> Found:
    if ask.words or ask.phrases:
        return search.find(connection, ask, limit, backward)
    cursor = ask.before if backward else ask.after
    edge, order = ("rid < ?", "desc") if backward else ("rid > ?", "asc")
    where, values = ask.where, ask.values
    if cursor is not None:
        where, values = f"{where} and {edge}", [*values, cursor]
    sql = f"select rid from rows where {where} order by rid {order} limit {limit}"
    return Found([row[0] for row in connection.execute(sql, values).fetchall()])


def _rows(connection: Connection, sql: str, values: Sequence[Any] | dict[str, Any]) -> list[Row]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _one(connection: Connection, sql: str, values: Sequence[Any]) -> int:
    found = connection.execute(sql, values).fetchone()
    return int(found[0]) if found else 0
