"""What the changes of a table mean: verdicts turned, problems won and lost, where rows came from, what shifted.

Everything is a query over the table of changes. Sample section of two rounds' verdicts:

    status             CORRECT -> WRONG  3    WRONG -> CORRECT  41
    problems solved    gained 38, lost 2
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
    return _each_once([*parts, *_lengths(changes)])


def _each_once(parts: list[Section]) -> list[Section]:
    """Sections that say the same, such as those of a status that is the rule grader's, as one under both titles."""
    titles: dict[str, list[str]] = {}
    first: dict[str, Section] = {}
    for part in parts:
        content = repr((part.rows, part.note, len(part.headings)))
        titles.setdefault(content, []).append(part.title)
        first.setdefault(content, part)
    return [replace(part, title=" and ".join(titles[content])) for content, part in first.items()]


def _turned(changes: Database) -> Iterator[Section]:
    """How statuses turned, of rows that are in both; once, where the rule grader's status is the one that counts."""
    turned: dict[str, list[tuple[Any, ...]]] = {}
    for name in ("status", "rule_status"):
        if changes.compared(name):
            turned[name] = changes.select(
                f"select old_{name}, new_{name}, count(*) from changes where change = 'changed' "
                f"and old_{name} is distinct from new_{name} group by all order by 3 desc, 1, 2"
            )
    if len(turned) > 1 and turned["status"] == turned["rule_status"]:
        turned = {"status and rule_status": turned["status"]}
    for name, rows in turned.items():
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
    """Problems that have rows (of verdicts: a correct path) on one side alone.

    Of a step's paths or verdicts, a problem that the other step did not ask about is neither won nor lost by it: most
    often it was solved before.
    """
    if not changes.compared("problem_id"):
        return
    judged = new.table in ("Verdict", "Feedback") and changes.compared("status")
    sums: dict[str, int] = {}
    for mine, other in (("new", "old"), ("old", "new")):
        right = f" and {mine}_status = {SOLVED}" if judged else ""
        right_there = f" and o.status = {SOLVED}" if judged else ""
        problems = f"select distinct {mine}_problem_id as problem_id from changes where {mine}_problem_id is not null"
        ((alone, unasked),) = changes.select(f"""
            select count(*), count(*) filter (not exists (
                select 1 from {other}_table o where o.problem_id = mine.problem_id))
            from ({problems}{right}) mine
            where not exists (select 1 from {other}_table o where o.problem_id = mine.problem_id{right_there})
        """)
        sums |= {mine: alone - unasked, f"{mine} alone": unasked}
    if judged:
        cells = [
            ("in both: CORRECT now, not before", sums["new"]),
            ("in both: CORRECT before, not now", sums["old"]),
            ("CORRECT now, not asked about before", sums["new alone"]),
            ("CORRECT before, not asked about now", sums["old alone"]),
        ]
        title = "problems with a CORRECT path"
    elif new.table == "Path":
        title = "problems asked about"
        cells = [("now, not before", sums["new alone"]), ("before, not now", sums["old alone"])]
    else:
        title, cells = "problems", [("gained", sums["new alone"]), ("lost", sums["old alone"])]
    if any(sums.values()):
        yield Section(title, ("", "problems"), cells)


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
        if names == ("level",):
            cells.sort()
        elif len(cells) > SHOWN_VALUES:
            others = cells[SHOWN_VALUES - 1 :]
            sums = [sum(row[place] for row in others) for place in range(wide, wide + 3)]
            cells = [*cells[: SHOWN_VALUES - 1], (f"{len(others)} others", *[None] * (wide - 1), *sums)]
        yield Section(" and ".join(names), (*names, "came", "went", "net"), cells)


def _lengths(changes: Database) -> Iterator[Section]:
    """Mean length of the texts of rows that came, went and changed."""
    for name, form in TEXTS.items():
        if not changes.compared(name):
            continue
        old, new = (f"round(avg(length({form.format(side)})))::bigint" for side in ("old_", "new_"))
        rows = changes.select(
            f"select change, count(*), {old}, {new} from changes "
            f"where change <> 'changed' or list_contains(changed_columns, '{name}') group by all order by 1"
        )
        if rows:
            yield Section(f"length of {name}", ("", "rows", "old", "new"), rows, "mean number of characters")
