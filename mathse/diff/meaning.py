"""What the changes of a table mean: verdicts turned, problems won and lost, where rows came from, what shifted.

Everything is a query over the table of changes. Sample section of two rounds' verdicts:

    status             CORRECT -> WRONG  3    WRONG -> CORRECT  41
    problems solved    gained 38, lost 2
"""

from collections.abc import Iterator

from mathse.diff.database import OF_PROBLEM, Database
from mathse.diff.document import Section
from mathse.diff.sides import Side
from mathse.loop.evaluation.statistics import mcnemar
from mathse.tables.schemas import OWN_TESTS

SHOWN_VALUES = 8
DIMENSIONS = (("kind", "round"), ("status",), ("rule_status",), ("finish_reason",), ("reason",), ("undecided_reason",))
TEXTS = {"text": "{}text", "completion": "{}completion[-1].content", "raw": "{}raw", "question": "{}question"}
SOLVED = "'CORRECT'"


def sections(changes: Database, new: Side) -> list[Section]:
    """What the changes mean, for a table of this kind."""
    parts = [*_turned(changes), *_predictions(changes, new), *_problems(changes, new)]
    dimensions = [names for names in DIMENSIONS if changes.compared(*names)]
    dimensions += [(name,) for name in ("why", *OF_PROBLEM) if name in changes.names]
    parts += [section for names in dimensions for section in _shift(changes, names)]
    return [*parts, *_lengths(changes)]


def _turned(changes: Database) -> Iterator[Section]:
    """How statuses turned, of rows that are in both."""
    for name in ("status", "rule_status"):
        if changes.compared(name):
            rows = changes.select(
                f"select old_{name}, new_{name}, count(*) from changes where change = 'changed' "
                f"and old_{name} is distinct from new_{name} group by all order by 3 desc, 1, 2"
            )
            if rows:
                yield Section(f"{name}, turned", ("old", "new", "rows"), rows)


def _predictions(changes: Database, new: Side) -> Iterator[Section]:
    """Problems that a model solves and the one before did not, and the other way round."""
    if new.table != "Prediction":
        return
    several = {"benchmark", "sample_idx"} <= set(changes.names)
    of, greedy = ("benchmark", "sample_idx = 0") if several else (f"'{OWN_TESTS}'", "true")
    outcomes = changes.select(
        f"select {of}, count(*) filter (old_status <> {SOLVED} and new_status = {SOLVED}), "
        f"count(*) filter (old_status = {SOLVED} and new_status <> {SOLVED}) from changes "
        f"where change = 'changed' and {greedy} group by all"
    )
    for name, won, lost in sorted(outcomes or [(OWN_TESTS, 0, 0)], key=lambda row: (row[0] != OWN_TESTS, row[0])):
        cells = [("solved now, not before", won), ("solved before, not now", lost)]
        note = f"McNemar's exact test, two-sided: p = {mcnemar(won, lost):.2g}"
        yield Section("test problems" if name == OWN_TESTS else f"items of {name}", ("", "problems"), cells, note)
    if "subject" in changes.names:
        rows = changes.select(
            f"select subject, count(*) filter (new_status = {SOLVED}), count(*) filter (old_status = {SOLVED}) "
            f"from changes where change = 'changed' and (old_status = {SOLVED}) <> (new_status = {SOLVED}) "
            f"and {greedy} and subject is not null "
            "group by all order by 2 - 3 desc, 1"
        )
        yield Section("test problems by subject", ("subject", "won", "lost"), rows)


def _problems(changes: Database, new: Side) -> Iterator[Section]:
    """Problems that have rows (of verdicts: a correct path) on one side alone."""
    if not changes.compared("problem_id"):
        return
    judged = new.table in ("Verdict", "Feedback") and changes.compared("status")
    only = f" and status = {SOLVED}" if judged else ""
    won, lost = (
        changes.select(
            f"select count(distinct {mine}_problem_id) from changes c where {mine}_problem_id is not null"
            f"{only.replace('status', mine + '_status')} "
            f"and not exists (select 1 from {other}_table o where o.problem_id = c.{mine}_problem_id{only})"
        )[0][0]
        for mine, other in (("new", "old"), ("old", "new"))
    )
    if won or lost:
        title = "problems with a CORRECT path" if judged else "problems"
        yield Section(title, ("", "problems"), [("gained", won), ("lost", lost)])


def _shift(changes: Database, names: tuple[str, ...]) -> Iterator[Section]:
    """How many rows a value has more and fewer; rows of both that changed their value count on both sides."""
    both = changes.compared(*names)
    old, new = (", ".join(f"{side}{name}" if both else name for name in names) for side in ("old_", "new_"))
    moved = f" or (change = 'changed' and ({old}) is distinct from ({new}))" if both else ""
    of = ", ".join(f"v{place}" for place in range(len(names)))
    rows = changes.select(
        f"select {of}, count(*) filter (side = 'new'), count(*) filter (side = 'old') from ("
        f"(select {new}, 'new' from changes where change = 'added'{moved}) union all "
        f"(select {old}, 'old' from changes where change = 'removed'{moved})) t({of}, side) group by all "
        f"order by count(*) desc, {of}"
    )
    wide = len(names)
    cells = [(*row, row[wide] - row[wide + 1]) for row in rows if any(value is not None for value in row[:wide])]
    if len(cells) > 1 or (cells and (wide > 1 or names == ("why",))):  # one value alone says nothing
        if len(cells) > SHOWN_VALUES:
            others = cells[SHOWN_VALUES - 1 :]
            sums = [sum(row[place] for row in others) for place in range(wide, wide + 3)]
            cells = [*cells[: SHOWN_VALUES - 1], (f"{len(others)} others", *[None] * (wide - 1), *sums)]
        yield Section(" and ".join(names), (*names, "came", "went", "net"), cells)


def _lengths(changes: Database) -> Iterator[Section]:
    """Mean length of the texts of rows that came, went and changed."""
    for name, form in TEXTS.items():
        if not changes.compared(name):
            continue
        old, new = form.format("old_"), form.format("new_")
        rows = changes.select(
            f"select change, count(*), round(avg(length({old}))), round(avg(length({new}))) from changes "
            f"where change <> 'changed' or list_contains(changed_columns, '{name}') group by all order by 1"
        )
        if rows:
            yield Section(f"length of {name}", ("", "rows", "old", "new"), rows, "mean number of characters")
