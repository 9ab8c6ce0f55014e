r"""A mix that somebody shared with `mathse export`: its problems, and its paths as recorded solutions.

One row per path, so the problem of several rows comes out once. Nothing is believed: a problem's and a path's id have
to be the hash of their content, a licence has to be an SPDX expression, and images go through the same gate as others.
The problem keeps its own licence, and its own source in its id: `k12/256989c1/3fa1...`.

Sample row: `{"path_id": "e784...", "problem_id": "6b98...", "question": "...", "gold_answer": "114", "images": [...]}`
"""

import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from pydantic import ValidationError

from mathse.answers.extract import extract
from mathse.params.sources import SPDX
from mathse.sources import reading
from mathse.sources.adapter import Adapter
from mathse.sources.images import id_of as id_of_image
from mathse.sources.rows import fields
from mathse.sources.rows.raw import Damaged, Faulty, Raw, Recorded, SourceRow, rejected
from mathse.tables import schemas
from mathse.tables.schemas import PathKind, Problem, Reject, Split, Status, content_id

NAME = "mathse_export"
_LANGUAGE = re.compile(r"[a-z]{2}")
_OF_PATH = (
    "path_id", "problem_id", "kind", "round", "sample_idx", "author", "seed", "text", "finish_reason",
    "prompt_id", "tokens_in", "tokens_out", "cost", "parent_path_id",
)  # fmt: skip
NOT_CORRECT = "not judged correct"
OF_PATHS = (
    "broken path", "path does not match its id", "completion is not the path", "empty text", "path is there twice",
)  # fmt: skip
"""Reasons for which the path of a row cannot be used, although its problem may be."""
EDITED = "where it was edited, `mathse seal` makes the edit a row of its own"
ID_DIGITS = 12
"""Of the problem's id, at the end of its id within the source: two of its own sources may have used one id twice."""


def problem(row: SourceRow) -> Raw:
    """The problem of a row; `Faulty` if its id is not that of its content."""
    question, answer = fields.text(row, "question"), fields.text(row, "gold_answer")
    choices, pictures = fields.values(row, "choices"), fields.pictures(row, "images")
    images = tuple(image for image in pictures if isinstance(image, bytes))
    if len(images) < len(pictures):
        raise Faulty("missing image", "an export has its images' bytes in the row")
    problem_id, image_ids = fields.text(row, "problem_id"), tuple(map(id_of_image, images))
    if problem_id != Problem.id_for(question, choices, answer, image_ids):
        raise Faulty("problem does not match its id", problem_id)
    origin = (fields.text(row, "source"), fields.text(row, "source_id"), problem_id[:ID_DIGITS])
    if any(len(part) > fields.LONGEST_TEXT // 1000 for part in origin):
        raise Faulty("field too long", "source or source_id")
    return Raw(
        question,
        answer,
        choices,
        solution=fields.text_or_none(row, "gold_solution"),
        images=images,
        subject=fields.text(row, "subject"),
        level=fields.level(row, "level"),
        language=_matching(row, "language", _LANGUAGE),
        split="train",
        licence=_matching(row, "licence", SPDX),
        source_id="/".join(origin),
    )


def _matching(row: SourceRow, name: str, pattern: re.Pattern[str]) -> str:
    text = fields.text(row, name)
    if not pattern.fullmatch(text):
        raise Faulty(f"{name} is none", text[:40])
    return text


def rows(location: Path) -> Iterator[SourceRow | Damaged]:
    """The rows without those of a problem that has come already; a faulty row does not count as one."""
    seen: set[bytes] = set()
    for row in _shards(location):
        if isinstance(row, SourceRow):
            try:
                problem_id = bytes.fromhex(fields.text(row, "problem_id"))
                if problem_id in seen:
                    continue
                problem(row)
                seen.add(problem_id)
            except (Faulty, ValueError):
                pass  # `Adapter.read` says why
        yield row


def recorded(location: Path) -> Iterator[Recorded | Reject]:
    """The paths that were judged correct, and what people corrected, which nobody has judged yet.

    As many come out as there are rows; the others are rejected with a reason.
    """
    seen: set[str] = set()
    for row in _shards(location):
        if isinstance(row, Damaged):
            yield rejected(NAME, row.place, row.reason, row.detail)
            continue
        place = row.place
        try:
            raw = problem(row)
            place = raw.source_id
            path = _path(row)
            if path.path_id in seen:
                raise Faulty("path is there twice")
            seen.add(path.path_id)
            yield Recorded(NAME, raw.source_id, path.text, path)
        except Faulty as fault:
            yield rejected(NAME, place, fault.reason, fault.detail)


def _path(row: SourceRow) -> schemas.Path:
    """The path of a row, all of it as the run or the person that wrote it has it.

    Raises:
        Faulty: It was not judged correct, or its id is not that of its content.
    """
    if row.fields.get("verdict") != Status.CORRECT and row.fields.get("kind") != PathKind.EDITED:
        raise Faulty(NOT_CORRECT, str(row.fields.get("verdict"))[:20])
    try:
        path = schemas.Path.model_validate({name: row.fields.get(name) for name in _OF_PATH} | {"answer": None})
    except ValidationError as error:
        first = error.errors()[0]
        raise Faulty("broken path", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if path.path_id != id_of_path(path):
        raise Faulty("path does not match its id", f"{path.path_id}; {EDITED}")
    if not isfinite(path.cost):
        raise Faulty("broken path", f"cost: {path.cost} is no amount")
    if path.kind is PathKind.EDITED and not path.text.strip():
        raise Faulty("empty text", path.path_id)
    match row.fields.get("completion"):
        case [{"content": content}] if content != path.text and row.fields.get("split") != Split.ORM:
            raise Faulty("completion is not the path", f"{path.path_id}; {EDITED}")
    return path.model_copy(update={"answer": extract(path.text)})  # its id does not cover what somebody states


def id_of_path(path: schemas.Path) -> str:
    """The id of a path with this content."""
    return content_id(
        "path", path.problem_id, PathKind(path.kind), path.round, path.sample_idx, path.author, path.prompt_id,
        path.seed, path.parent_path_id, path.text,
    )  # fmt: skip


def _shards(location: Path) -> Iterator[SourceRow | Damaged]:
    return reading.rows(location, lambda name: name.endswith(".parquet"))


ADAPTER = Adapter(NAME, problem, rows, hub=False, recorded=recorded)
