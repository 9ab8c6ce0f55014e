"""Pages of paths and problems, their number, one problem with all that was written to it, one path, two sides compared.

Paging is by key: a page is the rows behind a cursor, so that the millionth page costs what the first one does; where
they are sorted, those behind the cursor's row in that order, equal ones as the loop has them. Words and phrases are
looked for in the texts themselves, in the loop's order and only as long as a reader would wait; where that was not
enough, the page says how far it looked and goes on from there.

A problem counts as solved in a round if the ORM calls one of its paths CORRECT, and by a model if the rule grader calls
its prediction so. Only problems that both sides have are compared.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mathse.tables.views import dicts
from mathse.view.filters import CHANGES, Connection, Query, sort_key

PAGE, COMPARED = 25, 10
"""Rows of a list, and of two sides compared, on a page."""
OF_A_PROBLEM = 300
"""Paths shown with their problem, and predictions of it."""
BUDGET = 0.8
"""Seconds after which a search shows what it has."""
WINDOW, WIDEST, NARROWEST = 1 << 17, 1 << 20, 1 << 14
"""Rows whose texts are looked through at first, and at most and at least at once."""
_COLUMNS = (
    "rid, step, kind, status, rule, subject, level, source, mixes, characters, tokens, confidence, pid, path_id, "
    "problem_id, round, sample, author, text, answer, finish, error, parent, error_step, analysis, undecided, "
    "rule_reason"
)
_SIDES = {
    "round": (
        "(select pid, correct > 0 as solved from outcomes where step = ?) a "
        "join (select pid, correct > 0 as solved from outcomes where step = ?) b using (pid) ",
        "pid",
        "pid",
    ),
    "model": (
        "(select *, status = 1 as solved from answers where model = ?) a "
        "join (select problem_id, sample, status = 1 as solved, status, text, answer, reason from answers "
        "where model = ?) b using (problem_id, sample)",
        "problem_id, pid, sample, a.status as a_status, a.text as a_text, a.answer as a_answer, a.reason as a_reason, "
        "b.status as b_status, b.text as b_text, b.answer as b_answer, b.reason as b_reason",
        "problem_id, sample",
    ),
}
"""By what is compared: both sides as one table, what is shown of it, and its order."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows of a list.

    Attributes:
        rows: In order.
        older: Cursor of the page behind this one; none if it is the last.
        newer: Cursor of the page before this one.
        progress: Rows that a search has looked through, and all there are, if it stopped early.
    """

    rows: list[Row]
    older: int | None = None
    newer: int | None = None
    progress: tuple[int, int] | None = None


@dataclass(frozen=True)
class Compared:
    """At most `most` compared problems (or predictions), `offset` of them before these, and whether `more` follow.

    `counts` has the problems gained, lost, solved by both and by neither, under the other filters.
    """

    counts: dict[str, int]
    rows: list[Row]
    offset: int
    more: bool
    most: int = COMPARED


def page(connection: Connection, query: Query) -> Page:
    """The rows that a request asks for, `PAGE` at most."""
    if query.sorted_by:
        return _sorted_page(connection, query)
    backward = query.before is not None
    conditions = query.in_texts()
    order = "desc" if backward else "asc"
    sql = f"select rid from rows where rid between ? and ? and {conditions.where} order by rid {order} limit {PAGE + 1}"
    matches: list[int] = []
    end_of_search = None
    for low, high, more in _windows(connection, query):
        matches += [rid for (rid,) in connection.execute(sql, [low, high, *conditions.values]).fetchall()]
        if len(matches) > PAGE:
            end_of_search = None
            break
        end_of_search = (low if backward else high) if more else None
    # A page goes on at its last row; where the time was up, from where the search stopped.
    rids = sorted(matches[:PAGE])
    ends = (rids[0], rids[-1]) if rids else (query.after, query.before)
    ahead = ends[0 if backward else 1] if len(matches) > PAGE else end_of_search
    behind = ends[1 if backward else 0] if query.after is not None or backward else None
    newer, older = (ahead, behind) if backward else (behind, ahead)
    progress = None if end_of_search is None else (end_of_search + 1, last(connection) + 1)
    return Page(fetch(connection, rids), older, newer, progress)


def _sorted_page(connection: Connection, query: Query) -> Page:
    """A page in another order than the loop's, for which no text is read."""
    name, largest_first = query.sorted_by or ("step", False)
    key = sort_key(name)
    backward, cursor = query.before is not None, query.before if query.before is not None else query.after
    where, values = query.where, query.values
    down = largest_first != backward
    if cursor is not None:
        beyond = f"{key} {'<' if down else '>'} (select {key} from rows where rid = ?)"
        equal = f"{key} = (select {key} from rows where rid = ?) and rid {'<' if backward else '>'} ?"
        where, values = f"{where} and ({beyond} or ({equal}))", [*values, cursor, cursor, cursor]
    order = f"{key} {'desc' if down else 'asc'}, rid {'desc' if backward else 'asc'}"
    sql = f"select rid from rows where {where} order by {order} limit {PAGE + 1}"
    matches = [rid for (rid,) in connection.execute(sql, values).fetchall()]
    more, rids = len(matches) > PAGE, matches[:PAGE]
    if backward:
        rids.reverse()
    place = {rid: number for number, rid in enumerate(rids)}
    listing = sorted(fetch(connection, rids), key=lambda row: place[row["rid"]])
    older = rids[-1] if rids and (more or backward) else None
    newer = rids[0] if rids and (more if backward else cursor is not None) else None
    return Page(listing, older, newer)


def count(connection: Connection, query: Query) -> tuple[int, bool]:
    """How many rows a request asks for, and whether all were counted within the time a reader waits."""
    conditions = query.in_texts()
    sql = f"select count(*) from rows where rid between ? and ? and {conditions.where}"
    total, more = 0, False
    for low, high, more in _windows(connection, query):  # noqa: B007  whether more follows is asked of the last
        total += _number(connection, sql, [low, high, *conditions.values])
    return total, not more


def fetch(connection: Connection, rids: Sequence[int]) -> list[Row]:
    """Rows by rid, in order; found by the narrow column first, so that the texts of these rows alone are read."""
    sql = f"""
        select {_COLUMNS} from rows
        where rowid in (select rowid from rows where rid in (select unnest(?::integer[]))) order by rid
    """
    return dicts(connection.execute(sql, [list(rids)])) if rids else []


def path(connection: Connection, path_id: str) -> Row | None:
    """A path by its id."""
    sql = f"select {_COLUMNS} from rows where rowid in (select rowid from rows where path_id = ? limit 1)"
    return next(iter(dicts(connection.execute(sql, [path_id]))), None)


def numbers(connection: Connection, path_ids: Sequence[str]) -> dict[str, int]:
    """The rids of paths, of those that are there."""
    sql = "select path_id, rid from rows where path_id in (select unnest(?::varchar[]))"
    return dict(connection.execute(sql, [list(path_ids)]).fetchall())


def by_prefix(connection: Connection, prefix: str, most: int = 6) -> tuple[list[Row], list[Row]]:
    """Paths and problems whose ids begin with these characters, the first so many of each."""
    within, values = "{0} >= ? and {0} < ? || chr(1114111)", [prefix, prefix, most]
    paths = f"""
        select path_id, step, kind from rows
        where rowid in (select rowid from rows where {within.format("path_id")} limit ?) order by rid
    """
    problems = f"""
        select problem_id, question from problems
        where rowid in (select rowid from problems where {within.format("problem_id")} limit ?) order by pid
    """
    return dicts(connection.execute(paths, values)), dicts(connection.execute(problems, values))


def composition(connection: Connection, mix: int) -> list[Row]:
    """Rows of a mix by the step and kind of their paths, and those that only the ORM calls CORRECT."""
    sql = "select step, kind, paths, problems, noise from mixed where mix = ? order by step, kind"
    return dicts(connection.execute(sql, [mix]))


def of_problem(connection: Connection, pid: int) -> list[Row]:
    """Paths to a problem, in the loop's order."""
    sql = f"""
        select {_COLUMNS} from rows where rowid in (select rowid from rows where pid = ?)
        order by step, sample, rid limit {OF_A_PROBLEM}
    """
    return dicts(connection.execute(sql, [pid]))


def of_sides(connection: Connection, pids: Sequence[int], steps: Sequence[int]) -> dict[tuple[int, int], list[Row]]:
    """Paths to problems by problem and step, in the loop's order: all at once, since each time reads all rows."""
    sql = f"""
        select {_COLUMNS} from rows where rowid in (
            select rowid from rows
            where pid in (select unnest(?::integer[])) and step in (select unnest(?::integer[]))
            qualify row_number() over (partition by pid, step order by sample, rid) <= {OF_A_PROBLEM}
        ) order by step, sample, rid
    """
    paths: dict[tuple[int, int], list[Row]] = {}
    for row in dicts(connection.execute(sql, [list(pids), list(steps)])):
        paths.setdefault((row["pid"], row["step"]), []).append(row)
    return paths


def answers(connection: Connection, problem_id: str) -> list[Row]:
    """Predictions of a test problem, first the greedy ones, each by model."""
    sql = f"select * from answers where problem_id = ? order by sample, model limit {OF_A_PROBLEM}"
    return dicts(connection.execute(sql, [problem_id]))


def problem(connection: Connection, problem_id: str) -> Row | None:
    """A problem by its id."""
    return next(iter(dicts(connection.execute("select * from problems where problem_id = ?", [problem_id]))), None)


def problems(connection: Connection, listing: Sequence[Row]) -> dict[str, Row]:
    """The problems of listed rows, by id."""
    sql = """
        select * from problems
        where rowid in (select rowid from problems where pid in (select unnest(?::integer[])))
    """
    pids = sorted({row["pid"] for row in listing if row["pid"] is not None})
    return {row["problem_id"]: row for row in dicts(connection.execute(sql, [pids]))} if pids else {}


def problem_page(connection: Connection, query: Query) -> Page:
    """Problems that a request asks for; words must occur in the question, in any order."""
    backward = query.before is not None
    where, values = query.where, query.values
    for term in (*query.words, *query.phrases):
        where += " and contains(lower(question), lower(?))"
        values.append(term)
    edge, order = ("pid < ?", "desc") if backward else ("pid > ?", "asc")
    cursor = query.before if query.before is not None else -1 if query.after is None else query.after
    sql = f"select * from problems where {where} and {edge} order by pid {order} limit {PAGE + 1}"
    matches = dicts(connection.execute(sql, [*values, cursor]))
    more, listing = len(matches) > PAGE, sorted(matches[:PAGE], key=lambda row: row["pid"])
    ends = (listing[0]["pid"], listing[-1]["pid"]) if listing else (None, None)
    older = ends[1] if more or backward else None
    newer = ends[0] if (more if backward else query.after is not None) else None
    return Page(listing, older, newer)


def compare(connection: Connection, query: Query, kind: str, sides: tuple[int, int]) -> Compared:
    """Problems by what became of them from one `round` to another, or predictions of one `model` beside another's."""
    table, columns, order = _SIDES[kind]
    others = query.of_any_change()
    outcomes = ", ".join(f"count(*) filter ({condition}) as {name}" for name, condition in CHANGES.items())
    if kind == "round":  # the problems' own columns are read where they are asked for
        table += "join problems p using (pid)" if others.conditions else ""
    counting = f"select {outcomes} from {table} where {others.where}"
    (counts,) = dicts(connection.execute(counting, [*sides, *others.values]))
    offset = query.after or 0
    listing = f"select {columns} from {table} where {query.where} order by {order} limit {COMPARED + 1} offset ?"
    if kind == "round":
        listing = f"select pid, problem_id from problems where pid in ({listing}) order by pid"
    rows = dicts(connection.execute(listing, [*sides, *query.values, offset]))
    return Compared(counts, rows[:COMPARED], offset, len(rows) > COMPARED)


def steps(connection: Connection) -> list[Row]:
    """Each step's paths by verdict; `step` is its number."""
    sql = """
        select step, sum(paths)::bigint as paths,
            coalesce(sum(paths) filter (status = 1), 0)::bigint as correct,
            coalesce(sum(paths) filter (status = 2), 0)::bigint as wrong,
            coalesce(sum(paths) filter (status = 3), 0)::bigint as undecided,
            coalesce(sum(paths) filter (status = 0), 0)::bigint as unjudged,
            coalesce(sum(paths) filter (status > 0 and rule > 0 and status <> rule), 0)::bigint as differ
        from summary group by step order by step
    """
    return dicts(connection.execute(sql))


def splits(connection: Connection) -> dict[str, int]:
    """Problems by what they may be used for."""
    return dict(connection.execute("select split, count(*) from problems group by split order by split").fetchall())


def _windows(connection: Connection, query: Query) -> Iterator[tuple[int, int, bool]]:
    """The rids behind (or before) a request's cursor in reading order: first, last, and whether more come after.

    All at once where no text has to be read; otherwise a few at first, more as it goes on, and as many at last as fit
    into what is left of the time, by how long those before them took.
    """
    end = time.monotonic() + BUDGET
    low = 0 if query.after is None else query.after + 1
    high = last(connection)
    if query.before is not None:
        high = min(high, query.before - 1)
    size = WINDOW if query.words or query.phrases else high + 1
    while low <= high:
        began = time.monotonic()
        if query.before is None:
            edge = min(low + size - 1, high)
            yield low, edge, edge < high
            low = edge + 1
        else:
            edge = max(high - size + 1, low)
            yield edge, high, edge > low
            high = edge - 1
        now = time.monotonic()
        in_time = int(size * (end - now) / max(now - began, 1e-6))
        if in_time < NARROWEST:
            return
        size = min(2 * size, WIDEST, in_time)


def last(connection: Connection) -> int:
    """The last row's number; -1 if there is none."""
    return _number(connection, "select coalesce(sum(paths), 0) - 1 from summary", [])


def _number(connection: Connection, sql: str, values: Sequence[int | str]) -> int:
    (number,) = connection.execute(sql, list(values)).fetchall()[0]
    return int(number)
