"""What people decided, as tables: their decisions, and each correction as a path that the ORM judges like any other.

In: `data/curation.jsonl`. Out, below `data/curation/<orm>/`, for the mixes of the steps that this ORM judges:

    decisions.parquet                           one `Decision` per path, what counts
    paths/<step>.parquet, verdicts/<step>.parquet    corrections of a step's paths; no file where there are none

Corrections are made of the decisions alone, so neither other tags nor a new one asks anybody anything; and one outlives
what it corrects, where that is no longer among the step's paths.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path as File

from mathse import layout
from mathse.curation.decisions import Decision, current
from mathse.curation.edits import edited
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.judge import judge
from mathse.params import Params
from mathse.tables import store
from mathse.tables.files import whole_or_not_at_all
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Path, Problem, Tag, Verdict


def write(settings: Params, orm: str) -> str:
    """Write `data/curation/<orm>`.

    Returns:
        What was decided, for the stage's closing line.

    Raises:
        CurationError: A line of `data/curation.jsonl` is no decision.
        UserError: The ORM cannot be opened, or a table is missing.
    """
    decisions = sorted(current(File()).values(), key=lambda decision: (decision.step, decision.path_id))
    fixed = [decision for decision in decisions if decision.tag is Tag.FIXED]
    problems: Mapping[str, Problem] = ProblemLookup(layout.PROBLEMS) if fixed else {}
    steps: dict[str, list[Path]] = {
        step: [
            edited(row.path_id, row.problem_id, row.round, row.text, row.who)
            for row in rows
            if row.problem_id in problems
        ]
        for step, rows in groupby(fixed, key=lambda decision: decision.step)
    }
    paths = {path.path_id: path for own in steps.values() for path in own}
    verdicts: dict[str, Verdict] = {}
    if paths:
        engine = open_for("judge", settings, folder=layout.model(orm))
        journal = layout.journal(f"curation-{orm}")
        judged = judge(engine, paths.values, problems, settings.judge, journal, settings.orm.target)
        verdicts = {verdict.path_id: verdict for verdict in judged}
    with whole_or_not_at_all(layout.curation(orm).absolute()) as folder:
        store.write(folder / layout.DECISIONS, Decision, decisions)
        for step, own in steps.items():
            store.write(folder / layout.edited_paths(orm, step).relative_to(layout.curation(orm)), Path, own)
            judged_file = folder / layout.edited_verdicts(orm, step).relative_to(layout.curation(orm))
            store.write(judged_file, Verdict, [verdicts[path.path_id] for path in own])
    counts = Counter(decision.tag.value for decision in decisions)
    told = ", ".join(f"{counts[tag]} {tag.value}" for tag in Tag if counts[tag]) or "no decisions"
    lost = len(fixed) - len(paths)
    return told + (f"; {lost} corrections for problems that are not there" if lost else "")
