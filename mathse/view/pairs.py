"""Two rounds, or two models' predictions, side by side: which problems were gained and lost, and by which paths.

A problem counts as solved in a round if the ORM calls one of its paths CORRECT, and by a model if the rule grader calls
its prediction so. Only problems that both have are compared.
"""

from dataclasses import dataclass

from mathse.tables.views import dicts
from mathse.view.filters import CHANGES, Connection, Query
from mathse.view.rows import Row

PAGE = 10
_ROUNDS = """
with a as (select pid, correct > 0 as solved from outcomes where step = ?),
b as (select pid, correct > 0 as solved from outcomes where step = ?)
select {columns} from a join b using (pid) join problems p using (pid) where {where}
"""
_MODELS = """
with a as (select problem_id, pid, sample, status = 1 as solved, status, text, answer, reason, subject, level, source
    from answers where model = ?),
b as (select problem_id, sample, status = 1 as solved, status, text, answer, reason from answers where model = ?)
select {columns} from a join b using (problem_id, sample) where {where}
"""
_BOTH = (
    "problem_id, pid, sample, a.status as a_status, a.text as a_text, a.answer as a_answer, a.reason as a_reason, "
    "b.status as b_status, b.text as b_text, b.answer as b_answer, b.reason as b_reason"
)


@dataclass(frozen=True)
class Compared:
    """A page of compared problems.

    Attributes:
        counts: Problems gained, lost, solved by both and by neither, under the other filters.
        rows: Problems, or pairs of predictions.
        offset: How many are before this page.
        more: Whether there are others behind it.
    """

    counts: dict[str, int]
    rows: list[Row]
    offset: int
    more: bool


def rounds(connection: Connection, query: Query, a: int, b: int) -> Compared:
    """Problems by what became of them from round `a` to round `b`."""
    return _compared(connection, query, (_ROUNDS, "pid, problem_id", "pid"), (a, b))


def models(connection: Connection, query: Query, a: int, b: int) -> Compared:
    """Predictions of model `a` beside those of model `b`."""
    return _compared(connection, query, (_MODELS, _BOTH, "problem_id, sample"), (a, b))


def _compared(connection: Connection, query: Query, form: tuple[str, str, str], sides: tuple[int, int]) -> Compared:
    sql, columns, order = form
    others = query.of_any_change()
    outcomes = ", ".join(f"count(*) filter ({condition}) as {name}" for name, condition in CHANGES.items())
    counting = sql.format(columns=outcomes, where=others.where)
    (counts,) = dicts(connection.execute(counting, [*sides, *others.values]))
    offset = query.after or 0
    listing = sql.format(columns=columns, where=query.where) + f" order by {order} limit {PAGE + 1} offset ?"
    rows = dicts(connection.execute(listing, [*sides, *query.values, offset]))
    return Compared(counts, rows[:PAGE], offset, len(rows) > PAGE)
