"""From two names to a story: the tables that they stand for, what is counted in them, and what that says."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import duckdb

from mathse import layout, params
from mathse.curation.decisions import current
from mathse.curation.edits import edited
from mathse.errors import HOW_TO_GET, UserError
from mathse.limits import bounded_memory
from mathse.look.left_out import ReasonsOf, left_out
from mathse.look.story import counts
from mathse.look.story.counts import Cells, counted
from mathse.look.story.document import Came, Decided, Group, Measurement, Noise, Problems, Rows, Side, Story
from mathse.loop.evaluation.transitions import Transition
from mathse.params import BASE, Params
from mathse.report import table
from mathse.report.names import Names
from mathse.tables import views
from mathse.tables.schemas import OWN_TESTS, Tag


def story(root: Path, before: str | None = None, after: str | None = None, reasons_of: ReasonsOf = left_out) -> Story:
    """Tell what changed between two steps or models of a project, and whether it helped.

    Args:
        before: A step's or model's name; None: the step that `after` goes on from.
        after: Likewise; None: the last step whose mix is there.
        reasons_of: Says why paths are not in a mix.

    Raises:
        UserError: There is no such step or model, both are the same, no mix is there yet, or a table is damaged.
    """
    settings = params.load(root / params.PARAMS)
    last = side(root, settings, after or latest(root, settings))
    step = last.step if last.step in settings.steps else next(iter(settings.steps))
    previous = settings.steps[step].prev
    first = side(root, settings, before or previous)
    if first == last:
        raise UserError(
            f"{before or after}: nothing changes from {first.heading} to itself; name two of them, such as "
            f"`mathse story {previous} {step}`, or --rev REVISION for what it was"
        )
    return between(root, settings, first, last, reasons_of)


def latest(root: Path, settings: Params) -> str:
    """The last step whose mix is there.

    Raises:
        UserError: There is no mix yet.
    """
    made = [step for step in settings.steps if (root / layout.mix(step)).is_file()]
    if not made:
        raise UserError(f"{root / layout.MIXES}: there is no mix yet; {HOW_TO_GET}")
    return made[-1]


def side(root: Path, settings: Params, name: str) -> Side:
    """What a name stands for: a model, or a step and the first measured model of its mix.

    Raises:
        UserError: There is no such step or model.
    """
    known = Names(settings)
    name = known.step(name)
    if name == BASE or name in settings.models:
        step, models = (BASE if name == BASE else settings.models[name].mix), [name]
    elif name in settings.steps:
        step, models = name, known.models_of(name)
    else:
        names = ", ".join(dict.fromkeys([BASE, *settings.steps, *settings.models]))
        raise UserError(f"{name}: there is no step or model of this name; known: {names}")
    model = next((model for model in models if model in settings.measured), None)
    heading = BASE if step == BASE else known.heading(step)
    predictions = root / layout.predictions(model) if model else None
    return Side(step, model, heading, root / layout.mix(step), predictions)


def between(root: Path, settings: Params, before: Side, after: Side, reasons_of: ReasonsOf = left_out) -> Story:
    """As `story`, of two sides whose files may lie anywhere; what explains them is the project's.

    Raises:
        UserError: A table is damaged.
    """
    ends = {"old": before, "new": after}
    files = {f"{end}_mix": one.mix for end, one in ends.items()} | {"problems": root / layout.PROBLEMS}
    files |= {f"{end}_tests": one.predictions for end, one in ends.items() if one.predictions}
    for step, row in settings.steps.items():
        files |= {f"{counts.JUDGED}{step}": root / layout.verdicts(step)}
        files |= {f"{counts.EDITED}{step}": root / layout.edited_verdicts(row.judge, step)}
    there = {name: file for name, file in files.items() if file.is_file()}
    rows = problems = noise = None
    decisions: list[Decided] = []
    cells: Cells = []
    kept_out: Cells = []
    answers: Cells = []
    with bounded_memory(), views.opened(there) as connection:
        counts.share(connection, there, after.step)
        if {"old_mix", "new_mix"} <= there.keys():
            cells, kept_out = counted(connection, counts.ROWS), counted(connection, counts.KEPT_OUT)
            gone = [str(row["path_id"]) for row in counted(connection, counts.GONE)]
            report = table.mix_report(root, after.step)
            rows = _rows(cells, report, _reasons(root, _steps(settings, before, after), after, gone, reasons_of))
            decisions = _decisions(root, connection, _steps(settings, None, after))
            (sums,) = counted(connection, counts.PROBLEMS)
            problems = Problems(**sums, asked=report.remaining if report else None)
            noise = _noise(cells, kept_out)
        if {"old_tests", "new_tests"} <= there.keys():
            answers = counted(connection, counts.ANSWERS)
    missing = [*_missing(before), *_missing(after)]
    groups = _groups(cells, kept_out, answers)
    return Story(before, after, rows, decisions, problems, noise, _tests(before, after, answers), groups, missing)


def _missing(end: Side) -> list[str]:
    """What is not there, a sentence each."""
    sentences = []
    if not end.mix.is_file():
        sentences.append(f"the mix of {end.heading} is not there yet")
    if end.model is None:
        sentences.append(f"no model of {end.heading} is named by `measured` in params.yaml")
    elif end.predictions and not end.predictions.is_file():
        sentences.append(f"model {end.model} is not measured yet")
    return sentences


def _rows(cells: Cells, report: table.Mix | None, went: dict[str, int]) -> Rows:
    came: Counter[tuple[str, int]] = Counter()
    for cell in cells:
        if not cell["was_in"]:
            came[cell["kind"], cell["round"]] += cell["paths"]
    # The report counts rows of the mix before among the candidates that are left out; here they went.
    others = Counter(report.left_out if report else {}) - Counter(went)
    return Rows(
        before=_sum(cells, "was_in"),
        after=_sum(cells, "is_in"),
        came=[Came(kind, number, often) for (kind, number), often in sorted(came.items())],
        went=went,
        candidates=report.candidates if report else None,
        left_out=dict(others.most_common()),
    )


def _steps(settings: Params, before: Side | None, after: Side) -> list[str]:
    """The steps that lead to the second side's mix, from its own back to the one after the first side's, or all."""
    steps = [after.step] if after.step in settings.steps else []
    while steps and (step := settings.steps[steps[-1]].prev) in settings.steps and (not before or step != before.step):
        steps.append(step)
    return steps


def _reasons(
    root: Path, steps: Sequence[str], after: Side, gone: Sequence[str], reasons_of: ReasonsOf
) -> dict[str, int]:
    """Why rows went: what the first step after the first mix that leaves one out says of it."""
    reasons: dict[str, str] = {}
    otherwise = f"no candidate of {after.heading}"
    for step in steps if gone else ():  # from the last to the first, whose word counts
        if (own := reasons_of(root, step)) is None:
            otherwise = "for a reason that is not known here"
        reasons |= own or {}
    return dict(Counter(reasons.get(path_id, otherwise) for path_id in gone).most_common())


def _decisions(root: Path, connection: duckdb.DuckDBPyConnection, steps: Collection[str]) -> list[Decided]:
    """What people decided about paths of these steps, and where these are now, or their corrections."""
    decisions = [row for row in current(root).values() if row.step in steps and row.tag is not Tag.NOTE]
    corrections = [row for row in decisions if row.tag is Tag.FIXED]
    counterparts = {row.path_id: row.path_id for row in decisions} | {
        row.path_id: edited(row.path_id, row.problem_id, row.round, row.text, row.who).path_id for row in corrections
    }
    places = counts.places(connection, list(counterparts.values())) if counterparts else {}
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in decisions:
        outcome = _outcome(row.tag, **places[counterparts[row.path_id]])
        groups.setdefault((row.who, row.tag.value, outcome), []).append(row.path_id)
    return [Decided(*group, sorted(paths)) for group, paths in sorted(groups.items())]


def _outcome(tag: Tag, path_id: str, was_in: bool, is_in: bool, is_judged: bool) -> str:
    """What became of a path that somebody tagged, or of its correction."""
    if tag is Tag.BAD and is_in:
        return "still in the mix: `dvc repro` takes it out"
    if tag is Tag.FIXED and not is_judged:
        return "not judged yet: `dvc repro` has the correction judged"
    if is_in:
        return "in both mixes" if was_in else "in the mix now"
    return "out of the mix now" if was_in else "in neither mix"


def _noise(cells: Cells, kept_out: Cells) -> Noise:
    noisy = [cell for cell in cells if cell["noisy"]]
    return Noise(
        rows=(_sum(noisy, "was_in"), _sum(noisy, "is_in")),
        undecided=_sum([cell for cell in noisy if cell["undecided"]], "is_in"),
        unjudged=_sum([cell for cell in cells if cell["unjudged"]], "is_in"),
        kept_out=sum(cell["paths"] for cell in kept_out),
    )


def _tests(before: Side, after: Side, answers: Cells) -> list[Measurement]:
    """The run's own tests first, then the benchmarks by name."""
    tests = []
    for name in sorted({cell["benchmark"] for cell in answers}, key=lambda name: (name != OWN_TESTS, name)):
        pairs: Counter[tuple[bool | None, bool | None]] = Counter()
        for cell in answers:
            if cell["benchmark"] == name:
                pairs[cell["was_right"], cell["is_right"]] += cell["problems"]
        change = Transition(
            before=before.model or "",
            after=after.model or "",
            stayed_correct=pairs[True, True],
            stayed_wrong=pairs[False, False],
            lost=pairs[True, False],
            gained=pairs[False, True],
        )
        tests.append(Measurement(name, change, unmatched=pairs.total() - change.n))
    return tests


def _groups(cells: Cells, kept_out: Cells, answers: Cells) -> list[Group]:
    """By subject, that with the most rows first; then by level, the easiest first."""
    both = [
        cell for cell in answers if cell["benchmark"] == OWN_TESTS and None not in (cell["was_right"], cell["is_right"])
    ]
    orders: dict[str, Callable[[Group], tuple[int, int, str]]] = {
        "subject": lambda group: (-group.rows[1], -group.tests, group.name),
        "level": lambda group: (int(group.name), 0, ""),
    }
    groups: list[Group] = []
    for by, order in orders.items():
        names = {cell[by] for part in (cells, kept_out, both) for cell in part}
        groups += sorted((_group(by, name, cells, kept_out, both) for name in names), key=order)
    return groups


def _group(by: str, name: str | int, cells: Cells, kept_out: Cells, answers: Cells) -> Group:
    rows, others, tests = ([cell for cell in part if cell[by] == name] for part in (cells, kept_out, answers))
    return Group(
        by=by,
        name=str(name),
        rows=(_sum(rows, "was_in"), _sum(rows, "is_in")),
        noise=_sum([cell for cell in rows if cell["noisy"]], "is_in"),
        kept_out=sum(cell["paths"] for cell in others),
        tests=sum(cell["problems"] for cell in tests),
        right=(_sum(tests, "was_right", "problems"), _sum(tests, "is_right", "problems")),
    )


def _sum(cells: Cells, where: str, what: str = "paths") -> int:
    """The paths (or problems) of the cells of which something is true."""
    return sum(cell[what] for cell in cells if cell[where])
