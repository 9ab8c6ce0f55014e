"""The story of one problem: its question, its paths step by step, what was said of each, and what became of it.

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

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as File
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.benchmarks.benchmark import as_problem
from mathse.errors import HOW_TO_GET, UserError, described
from mathse.look.catalogue import catalogue
from mathse.look.ids import Match, RowNotFound, lookup
from mathse.loop.ask.prompts import lettered
from mathse.report import names
from mathse.report.columns import broken
from mathse.tables import files, store
from mathse.tables.images import ImageError, as_shown
from mathse.tables.schemas import BenchmarkItem, Feedback, Image, MixRow, Path, Prediction, Problem, Row, Verdict

SHORT = 8
MARK = ">"
"""Stands before the path or prediction whose id was given."""

R = TypeVar("R", bound=Row)


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
    sections: dict[str, list[Path]]
    verdicts: dict[str, Verdict]
    feedback: dict[str, Feedback]
    models: dict[str, list[str]]
    predictions: dict[str, Prediction]


def tell(root: File, prefix: str, image_dir: File, width: int | None = None) -> str:
    """Tell the story of a problem, and save its images.

    Args:
        prefix: An id, or the first digits of it (`mathse.look.ids`), of the problem or of a row that belongs to it.
        image_dir: Where the images are saved; made if absent.
        width: Cells of the terminal, at which lines are broken between words; None: nowhere.

    Raises:
        RowNotFound: No row's id, or that of more than one, begins so; or there are no problems yet.
    """
    match = lookup(root, prefix)
    problem = _problem(root, match)
    story = gather(root, problem)
    about = f"{problem.subject}, level {problem.level}, {problem.split}; {problem.source} {problem.source_id}"
    lines = [
        f"problem {problem.problem_id}",
        f"  {about}, {problem.licence}",
        "",
        *(problem.question, *lettered(problem.choices)),
        "",
        f"gold   {problem.answer}",
        *_quoted(problem.solution or "", ""),
        *(f"image  {file}" for file in _save_images(root, problem, image_dir)),
    ]
    known = {path.path_id for paths in story.sections.values() for path in paths}
    for heading, paths in story.sections.items():
        below_no_other = [path for path in paths if path.parent_path_id not in known]
        section = [line for path in below_no_other for line in _path_lines(story, path, "  ", match.id)]
        lines += ["", heading, *section] if section else []
    if story.predictions:
        lines += ["", "Predictions"]
    for name, row in story.predictions.items():
        by_rule = f"; rule grader {row.rule_status}" if row.scorer != "grade" else ""
        lines += [f"{_mark('  ', row.row_hash == match.id)}{name}: {row.status} ({row.reason}{by_rule})"]
        lines += _quoted(row.text, "    ")
    text = "\n".join(lines)
    if not width:
        return text
    # What is quoted goes on with its mark.
    starts = [(line, re.match(r"\s*(?:\| )?", line)) for line in text.split("\n")]
    return "\n".join(part for line, start in starts for part in broken(line, width, start[0] if start else ""))


def gather(root: File, problem: Problem) -> Story:
    """Read what the tables say of a problem."""
    known = names.of(root)
    tables = list(catalogue(root, known).values())
    of_problem = pc.field("problem_id") == problem.problem_id

    def rows(kind: str, model: type[R]) -> dict[str, list[R]]:
        """By step, model or ORM, in the loop's order."""
        files = {table.of: table.file for table in tables if table.kind == kind}
        return {of: _read(files[of], model, of_problem) for of in known.order(files)}

    sections = {}
    for step, paths in rows("paths", Path).items():
        if paths:
            heading = known.heading(step)
            sections[heading[0].upper() + heading[1:]] = sorted(
                paths, key=lambda path: (path.kind, path.author, path.sample_idx)
            )
    models: dict[str, list[str]] = {}
    for model, mix in rows("mix", MixRow).items():
        for row in mix:
            models.setdefault(row.path_id, []).append(model)
    return Story(
        problem=problem,
        sections=sections,
        verdicts={row.path_id: row for verdicts in rows("verdicts", Verdict).values() for row in verdicts},
        feedback={row.path_id: row for feedback in rows("feedback", Feedback).values() for row in feedback},
        models=models,
        predictions={
            known.title(model): row
            for model, predictions in rows("predictions", Prediction).items()
            for row in predictions
            if row.sample_idx == 0
        },
    )


def _problem(root: File, match: Match) -> Problem:
    """The problem that a row is, or belongs to; a benchmark's item as a problem.

    Raises:
        RowNotFound: Its row is not there.
    """
    title, slash, item_id = match.problem_id.partition("/")
    if slash:
        of_item = (pc.field("benchmark") == title) & (pc.field("item_id") == item_id)
        problems = [as_problem(item) for item in _read(root / layout.BENCHMARK_ITEMS, BenchmarkItem, of_item)]
    else:
        problems = _read(root / layout.PROBLEMS, Problem, pc.field("problem_id") == match.problem_id)
    if not problems:
        raise RowNotFound(f"{match.kind} {match.id} is there, but not its problem {match.problem_id}; {HOW_TO_GET}")
    return problems[0]


def _read(file: File, model: type[R], condition: pc.Expression) -> list[R]:
    """Rows of a table that meet a condition; none if the table is not made yet."""
    if not file.exists():
        return []
    store.require(file, model)
    try:
        rows = pq.read_table(file, columns=list(model.model_fields), filters=condition)
        return [model.model_validate(row) for row in rows.to_pylist()]
    except (pa.ArrowException, ValueError) as error:
        raise UserError(
            f"{file}: a row cannot be read ({described(error)}); `dvc checkout` brings the table back"
        ) from error


def _save_images(root: File, problem: Problem, folder: File) -> Iterator[File]:
    wanted = pc.field("image_id").isin(problem.image_ids)
    tables = (root / layout.IMAGES, root / layout.BENCHMARK_IMAGES)
    images = list({image.image_id: image for table in tables for image in _read(table, Image, wanted)}.values())
    for image in sorted(images, key=lambda image: problem.image_ids.index(image.image_id)):
        data, form = image.data, image.format
        with suppress(ImageError):  # of what is no picture, its bytes
            data, form = as_shown(image.data, image.width * image.height)
        file = folder / f"{image.image_id[: 2 * SHORT]}.{form.lower()}"
        files.write(file, data)
        yield file


def _path_lines(story: Story, path: Path, indent: str, marked: str) -> Iterator[str]:
    """A path, what was said of it, who learned from it, and below it the reflections on it."""
    inner = indent + "  "
    start = _mark(indent, path.path_id == marked)
    yield f"{start}path {path.path_id[:SHORT]} ({path.kind} {path.sample_idx} by {path.author[:SHORT]})"
    yield from _quoted(path.text or f"(failed: {path.error})", inner)
    if verdict := story.verdicts.get(path.path_id):
        reason = verdict.undecided_reason or _where(verdict.error_step, verdict.error_analysis)
        yield f"{inner}judge  {verdict.status}{reason}"
        yield f"{inner}rule   {verdict.rule_status} ({verdict.rule_reason})"
    if feedback := story.feedback.get(path.path_id):
        yield f"{inner}teacher {feedback.status}{_where(feedback.error_step, feedback.error_analysis)}"
    if models := story.models.get(path.path_id):
        yield f"{inner}trained {', '.join(models)}"
    for paths in story.sections.values():
        for other in paths:
            if other.parent_path_id == path.path_id:
                yield from _path_lines(story, other, inner, marked)


def _mark(indent: str, is_marked: bool) -> str:
    return f"{indent[: -len(MARK) - 1]}{MARK} " if is_marked else indent


def _where(step: str | None, analysis: str | None) -> str:
    return f" at {step}: {analysis}" if step else ""


def _quoted(text: str, indent: str) -> list[str]:
    return [f"{indent}| {line}" for line in text.splitlines()]
