"""Tell the story of one problem: its question, its paths step by step, what was said of each, and what became of it.

Each reflection stands below the path it corrects. Images are saved as files, since a terminal cannot show them. Tables
that a run has not made yet are passed over.

    Round 1
      path 81c0a2d4 (rollout 0 by 5f3e19aa)
        | Angle A is 50. Angle B is 60. 50 + 60 = 111. 180 - 111 = 69. The answer to this problem is 69.
        judge  WRONG at Step 3: calculation: 50 + 60 is not 111
        rule   WRONG (different number)
        path 40b77e12 (reflection 0 by solver)
          | Angle A is 50. ...
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TypeVar

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.benchmarks.benchmark import as_problem
from mathse.errors import UserError
from mathse.loop.ask.prompts import lettered
from mathse.report import names
from mathse.report.names import Names
from mathse.share.catalogue import Entry, catalogue
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Feedback, Image, MixRow, Path, Prediction, Problem, Row, Verdict

SHORT = 8
SHOWN_MATCHES = 5

R = TypeVar("R", bound=Row)


class ProblemNotFound(UserError):
    """No problem, or more than one, has an id that begins so."""


@dataclass(frozen=True)
class Story:
    """Everything the tables say of a problem.

    Attributes:
        problem: The problem.
        sections: Paths by the heading of the step that made them, in the loop's order.
        verdicts: By path id.
        feedback: The teacher's annotations, by path id.
        models: Names of the models trained on a path, by path id.
        predictions: By what people call the model.
    """

    problem: Problem
    sections: dict[str, list[Path]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    feedback: dict[str, Feedback] = field(default_factory=dict)
    models: dict[str, list[str]] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)

    def reflections(self, path: Path) -> list[Path]:
        """Paths that reconsider `path`."""
        return [other for other in self._paths() if other.parent_path_id == path.path_id]

    def unattached(self, paths: Iterable[Path]) -> list[Path]:
        """Those of `paths` that stand below no other."""
        known = {path.path_id for path in self._paths()}
        return [path for path in paths if path.parent_path_id not in known]

    def _paths(self) -> Iterator[Path]:
        return (path for paths in self.sections.values() for path in paths)


def tell(root: File, prefix: str, image_dir: File) -> str:
    """Tell the story of a problem, and save its images.

    Args:
        root: The project's root.
        prefix: The problem's id, or the first digits of it.
        image_dir: Where the images are saved; made if absent.

    Raises:
        ProblemNotFound: No problem's id, or more than one, begins so.
        UserError: There are no problems yet.
    """
    story = gather(root, prefix)
    images = [f"image  {file}" for file in _save_images(root, story.problem, image_dir)]
    lines = [*_problem_lines(story.problem), *images]
    for heading, paths in story.sections.items():
        told = [line for path in story.unattached(paths) for line in _path_lines(story, path, "  ")]
        lines += ["", heading, *told] if told else []
    if story.predictions:
        lines += ["", "Predictions", *_prediction_lines(story)]
    return "\n".join(lines)


def gather(root: File, prefix: str) -> Story:
    """Read what the tables say of a problem. Arguments and errors as for `tell`."""
    problem, known = _find(root, prefix), names.of(root)
    story, tables = Story(problem), catalogue(root, known)

    def rows(kind: str, model: type[R]) -> Iterator[tuple[str, R]]:
        tables_of_kind = (entry for entry in tables.values() if entry.kind == kind)
        return ((entry.of, row) for entry in tables_of_kind for row in _of(entry.file, model, problem))

    story.verdicts.update({row.path_id: row for _, row in rows("verdicts", Verdict)})
    story.feedback.update({row.path_id: row for _, row in rows("feedback", Feedback)})
    for name, mixed in rows("mix", MixRow):
        story.models.setdefault(mixed.path_id, []).append(name)
    greedy = ((model, row) for model, row in rows("predictions", Prediction) if row.sample_idx == 0)
    story.predictions.update({known.title(model): row for model, row in greedy})
    for heading, entry in _steps(tables.values(), known):
        if written := _of(entry.file, Path, problem):
            story.sections[heading] = sorted(written, key=lambda path: (path.kind, path.author, path.sample_idx))
    return story


def _steps(tables: Iterable[Entry], known: Names) -> Iterator[tuple[str, Entry]]:
    """Heading and path table of every step that writes paths, in the loop's order."""
    by_step = {entry.of: entry for entry in tables if entry.kind == "paths"}
    for step in known.order(by_step):
        heading = known.heading(step)
        yield heading[0].upper() + heading[1:], by_step[step]


def _find(root: File, prefix: str) -> Problem:
    title, slash, item_id = prefix.partition("/")
    if slash:
        return _find_item(root, title, item_id)
    file = root / layout.PROBLEMS
    if not file.exists():
        raise UserError(f"{file}: not there yet; `dvc repro problems` makes it")
    found = _matching(file, Problem, pc.starts_with(pc.field("problem_id"), prefix))
    if len(found) == 1:
        return found[0]
    if not found:
        raise ProblemNotFound(
            f"{file}: no problem's id begins with {prefix!r}; `mathse query 'from problems'` lists them"
        )
    first = ", ".join(row.problem_id for row in found[:SHOWN_MATCHES])
    raise ProblemNotFound(f"{file}: {len(found)} ids begin with {prefix!r}: {first}, ...; give more digits")


def _find_item(root: File, title: str, item_id: str) -> Problem:
    wanted = (pc.field("benchmark") == title) & (pc.field("item_id") == item_id)
    found = _matching(root / layout.BENCHMARK_ITEMS, BenchmarkItem, wanted)
    if not found:
        raise ProblemNotFound(
            f"{root / layout.BENCHMARK_ITEMS}: benchmark {title!r} has no item {item_id!r}; "
            "`mathse query 'select benchmark, item_id from benchmark_items'` lists them"
        )
    return as_problem(found[0])


def _of(file: File, model: type[R], problem: Problem) -> list[R]:
    return _matching(file, model, pc.field("problem_id") == problem.problem_id)


def _matching(file: File, model: type[R], condition: pc.Expression) -> list[R]:
    """Rows of a table that meet a condition; none if the table is not made yet."""
    if not file.exists():
        return []
    store.require(file, model)
    found = pq.read_table(file, columns=list(model.model_fields), filters=condition)
    return [model.model_validate(row) for row in found.to_pylist()]


def _save_images(root: File, problem: Problem, folder: File) -> Iterator[File]:
    wanted = pc.field("image_id").isin(problem.image_ids)
    files = (root / layout.IMAGES, root / layout.BENCHMARK_IMAGES)
    images = list({image.image_id: image for file in files for image in _matching(file, Image, wanted)}.values())
    for image in sorted(images, key=lambda image: problem.image_ids.index(image.image_id)):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{image.image_id[: 2 * SHORT]}.{image.format.lower()}"
        file.write_bytes(image.data)
        yield file


def _problem_lines(problem: Problem) -> list[str]:
    about = f"{problem.subject}, level {problem.level}, {problem.split}; {problem.source} {problem.source_id}"
    return [
        f"problem {problem.problem_id}",
        f"  {about}, {problem.licence}",
        "",
        *(problem.question, *lettered(problem.choices)),
        "",
        f"gold   {problem.answer}",
        *_quoted(problem.solution or "", ""),
    ]


def _path_lines(story: Story, path: Path, indent: str) -> Iterator[str]:
    """A path, what was said of it, who learned from it, and below it the reflections on it."""
    inner = indent + "  "
    yield f"{indent}path {path.path_id[:SHORT]} ({path.kind} {path.sample_idx} by {path.author[:SHORT]})"
    yield from _quoted(path.text or f"(failed: {path.error})", inner)
    yield from (f"{inner}{line}" for line in _judgements(story, path))
    for reflection in story.reflections(path):
        yield from _path_lines(story, reflection, inner)


def _judgements(story: Story, path: Path) -> Iterator[str]:
    if verdict := story.verdicts.get(path.path_id):
        reason = verdict.undecided_reason or _where(verdict.error_step, verdict.error_analysis)
        yield f"judge  {verdict.status}{reason}"
        yield f"rule   {verdict.rule_status} ({verdict.rule_reason})"
    if said := story.feedback.get(path.path_id):
        yield f"teacher {said.status}{_where(said.error_step, said.error_analysis)}"
    if path.path_id in story.models:
        yield f"trained {', '.join(story.models[path.path_id])}"


def _where(step: str | None, analysis: str | None) -> str:
    return f" at {step}: {analysis}" if step else ""


def _prediction_lines(story: Story) -> Iterator[str]:
    for name, row in story.predictions.items():
        by_rule = f"; rule grader {row.rule_status}" if row.scorer != "grade" else ""
        yield f"  {name}: {row.status} ({row.reason}{by_rule})"
        yield from _quoted(row.text, "    ")


def _quoted(text: str, indent: str) -> list[str]:
    return [f"{indent}| {line}" for line in text.splitlines()]
