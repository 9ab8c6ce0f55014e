"""Examples for the page: what the loop did to single problems, with their pictures.

Of what could be shown, the first by `path_id`: the same tables give the same examples. A picture is encoded anew, no
larger than it is shown, and put into the page as a data URI.

In: `data/problems/*`, `data/paths/*`, `data/verdicts/*`, `data/mix/*`. Out: `Example`s, in the order of the page.
"""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.params import Params
from mathse.report.judging import SOUND, Case, case_of, judged_paths, reviewed, trained_by
from mathse.report.names import Names
from mathse.report.text import SolutionStep, shortened, steps
from mathse.tables import schemas
from mathse.tables.images import ImageError, decode, stored
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Image, Problem, Status, Verdict

DISAGREEMENTS = 2
"""Examples of each way in which ORM and rule grader disagree."""
MOST_CHARACTERS = 2500
"""Of a solution; what is longer is cut."""
MOST_PIXELS = 440
MOST_BYTES = 120_000
"""Of a picture; a larger one is left out."""
MOST_PICTURES = 2
"""Of a problem."""
MOST_EXAMPLES = 24
"""Of the page; where there are more, each step has its first ones."""
MOST_TOGETHER = 1_500_000
"""Characters of all pictures together, as they are written into the page; what comes later has none."""


@dataclass(frozen=True)
class Shown:
    """A path as it is shown.

    Attributes:
        title: Who wrote it.
        path_id: Its id.
        steps: Its text, the step that the ORM names as wrong marked.
        cut: Whether more was written than is shown.
        orm: What the ORM says of it.
        rule: What the rule grader says of it.
        error_step: The first wrong step, as the ORM names it.
        error_analysis: Why, as the ORM says.
        truth: What the scene says; empty where there is none.
    """

    title: str
    path_id: str
    steps: tuple[SolutionStep, ...]
    cut: bool
    orm: str
    rule: str
    error_step: str
    error_analysis: str
    truth: str


@dataclass(frozen=True)
class Example:
    """A problem with one path, or a draft and what became of it.

    Attributes:
        title: What it shows.
        problem: The problem.
        pictures: Its images as data URIs, each with its id.
        paths: The paths.
    """

    title: str
    problem: Problem
    pictures: tuple[tuple[str, str], ...]
    paths: tuple[Shown, ...]


Choice = Callable[[Case], bool]
_Found = tuple[schemas.Path, Verdict]


def examples(root: Path, settings: Params) -> list[Example]:
    """A solved problem of each round, verdicts that name a step, a reflection beside its draft, and disagreements.

    Raises:
        UserError: A table is missing or damaged.
    """
    problems = ProblemLookup(root / layout.PROBLEMS)
    names = Names(settings)
    candidates: list[tuple[int, str, str, _Found]] = []  # place among its step's, step, title, path and verdict
    for step, row in settings.steps.items():
        heading = names.heading(step)
        wanted: dict[str, Choice] = {}
        if row.ask == "rollout":
            wanted[f"Solved in {heading}, and learned from"] = _learned
            wanted[f"A wrong path of {heading}, and the step that the ORM names"] = _located
            wanted[f"Accepted in {heading}, though a step is wrong"] = _lucky
        elif row.ask == "reflect":
            wanted[f"A draft, the ORM's word on it, and what the teacher made of it ({heading})"] = _learned
        wanted[f"ORM against rule grader in {heading}: accepted, and wrong by rule"] = _false_acceptance
        wanted[f"ORM against rule grader in {heading}: rejected, and right by rule"] = _false_rejection
        first = _first(root, step, problems, wanted)
        of_step = ((title, pair) for title, pairs in first.items() for pair in pairs)
        candidates += [(place, step, title, pair) for place, (title, pair) in enumerate(of_step)]
    foremost = sorted(candidates, key=lambda candidate: candidate[0])[:MOST_EXAMPLES]
    shown: list[Example] = []
    room = MOST_TOGETHER
    for _, step, title, (path, verdict) in (candidate for candidate in candidates if candidate in foremost):
        draft = _draft(root, settings, path) if settings.steps[step].ask == "reflect" else None
        paths = (*((draft,) if draft else ()), (step, path, verdict))
        problem = problems[path.problem_id]
        told = tuple(_shown(names, problem, *one) for one in paths)
        pictures = _pictures(root, problem)
        room -= sum(len(uri) for _, uri in pictures)
        shown.append(Example(title, problem, pictures if room >= 0 else (), told))
    return shown


def _learned(case: Case) -> bool:
    return case.trained and case.orm is case.rule is Status.CORRECT and case.truth in (None, SOUND)


def _located(case: Case) -> bool:
    """Rejected at the right step; where no scene tells it, rejected as by rule."""
    return case.found or (case.truth is None and case.orm is case.rule is Status.WRONG)


def _lucky(case: Case) -> bool:
    return case.trained and case.rule is Status.CORRECT and case.truth not in (None, SOUND)


def _false_acceptance(case: Case) -> bool:
    return case.orm is Status.CORRECT and case.rule is Status.WRONG


def _false_rejection(case: Case) -> bool:
    return case.orm is Status.WRONG and case.rule is Status.CORRECT


def _first(
    root: Path, step: str, problems: Mapping[str, Problem], wanted: dict[str, Choice]
) -> dict[str, list[_Found]]:
    """The first paths of a step that are wanted; of disagreements several."""
    found: dict[str, list[_Found]] = {title: [] for title in wanted}
    most = {title: DISAGREEMENTS if title.startswith("ORM against") else 1 for title in wanted}
    trained = trained_by(root, step)
    for path, verdict in judged_paths(root, step):
        if all(len(rows) >= most[title] for title, rows in found.items()):
            break
        case = case_of(step, path, verdict, problems[path.problem_id], path.path_id in trained)
        for title, wants in wanted.items():
            if len(found[title]) < most[title] and wants(case):
                found[title].append((path, verdict))
    return found


def _draft(root: Path, settings: Params, path: schemas.Path) -> tuple[str, schemas.Path, Verdict] | None:
    """The wrong path that a reflection reconsiders, with the step that asked for it."""
    for step in settings.steps:
        file = root / layout.paths(step)
        if pq.read_table(file, columns=["path_id"], filters=pc.field("path_id") == path.parent_path_id).num_rows:
            return next((step, *pair) for pair in judged_paths(root, step) if pair[0].path_id == path.parent_path_id)
    return None


def _shown(names: Names, problem: Problem, step: str, path: schemas.Path, verdict: Verdict) -> Shown:
    text, cut = shortened(path.text, MOST_CHARACTERS)
    is_drawn, finding = reviewed(problem, path.text)
    truth = "By the scene, no step is wrong." if is_drawn else ""
    if finding:
        agreed = "the step that the ORM names" if finding.step == verdict.error_step else finding.step
        truth = f"By the scene, the first wrong step is {agreed}: {finding.analysis}."
    return Shown(
        title=names.heading(step),
        path_id=path.path_id,
        steps=tuple(steps(text, verdict.error_step)),
        cut=cut,
        orm=verdict.status.value,
        rule=verdict.rule_status.value,
        error_step=verdict.error_step or "",
        error_analysis=verdict.error_analysis or "",
        truth=truth,
    )


def _pictures(root: Path, problem: Problem) -> tuple[tuple[str, str], ...]:
    """The first images of a problem as data URIs, by id."""
    wanted = problem.image_ids[:MOST_PICTURES]
    if not wanted:
        return ()
    images = stored(root / layout.IMAGES, wanted)
    uris = ((image_id, data_uri(images[image_id])) for image_id in wanted if image_id in images)
    return tuple((image_id, uri) for image_id, uri in uris if uri)


def data_uri(image: Image) -> str:
    """A picture that fits into a page, encoded anew; empty where it cannot be read or stays too large."""
    try:
        small = decode(image.data, image.width * image.height)
    except ImageError:
        return ""
    small.thumbnail((MOST_PIXELS, MOST_PIXELS))
    for kind, options in (("PNG", {"optimize": True}), ("JPEG", {"quality": 80})):
        written = io.BytesIO()
        small.save(written, kind, **options)
        if len(written.getvalue()) <= MOST_BYTES:
            return f"data:image/{kind.lower()};base64,{base64.b64encode(written.getvalue()).decode()}"
    return ""
