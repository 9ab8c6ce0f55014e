r"""A mix that somebody shared with `mathse export`: its problems, and its paths as recorded solutions.

One row a path, so the problem of several rows comes out once. Nothing is believed: a problem's and a path's id have to
be the hash of their content, a licence has to be an SPDX expression, and images go through the same gate as others.
The problem keeps its own licence, and its own source in its id: `k12/256989c1/3fa1...`.

Sample row: `{"path_id": "e784...", "problem_id": "6b98...", "question": "...", "gold_answer": "114", "images": [...]}`
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from mathse.sources import fields
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Damaged, Faulty, Raw, Recorded, Row, rejected
from mathse.sources.reading import rows
from mathse.tables import schemas
from mathse.tables.schemas import PathKind, Problem, Reject, Status, content_id

NAME = "mathse_export"
_SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}( AND [A-Za-z0-9.+-]{1,60}){0,9}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_OF_PATH = ("path_id", "problem_id", "kind", "round", "sample_idx", "author", "seed", "text", "answer", "finish_reason")
_COUNTED = ("prompt_id", "tokens_in", "tokens_out", "cost", "parent_path_id")
ID_DIGITS = 12
"""Of the problem's id, at the end of its id within the source: two of its own sources may have used one id twice."""


def recorded(location: Path) -> Iterator[Recorded | Reject]:
    """The paths that were judged correct, as many as there are rows; the others are rejected with a reason."""
    seen: set[str] = set()
    for row in rows(location, _is_shard):
        if isinstance(row, Damaged):
            yield rejected(NAME, row.place, row.reason, row.detail)
            continue
        try:
            found = solution(row)
            if found.path is None or found.path.path_id in seen:
                raise Faulty("path is there twice")
            seen.add(found.path.path_id)
            yield found
        except Faulty as fault:
            yield rejected(NAME, row.place, fault.reason, fault.detail)


def problem(row: Row) -> Raw:
    """The problem of a row.

    Raises:
        Faulty: Fields are missing or wrong, or the problem's id is not that of its content.
    """
    question, answer = fields.text(row, "question"), fields.text(row, "gold_answer")
    choices, images = fields.values(row, "choices"), _images(row)
    image_ids = tuple(hashlib.sha256(image).hexdigest() for image in images)
    if fields.text(row, "problem_id") != Problem.id_for(question, choices, answer, image_ids):
        raise Faulty("problem does not match its id", fields.text(row, "problem_id"))
    return Raw(
        source=NAME,
        source_id=_source_id(row),
        question=question,
        answer=answer,
        choices=choices,
        solution=fields.text_or_none(row, "gold_solution"),
        images=images,
        subject=fields.text(row, "subject"),
        level=fields.level(row, "level"),
        language=_matching(row, "language", _LANGUAGE),
        split="train",
        licence=_matching(row, "licence", _SPDX),
    )


def solution(row: Row) -> Recorded:
    """The path of a row, all of it as the run that wrote it has it.

    Raises:
        Faulty: Its problem is faulty, it was not judged correct, or its id is not that of its content.
    """
    raw = problem(row)
    if row.fields.get("verdict") != Status.CORRECT:
        raise Faulty("not judged correct", str(row.fields.get("verdict"))[:20])
    stored = {name: row.fields.get(name) for name in (*_OF_PATH, *_COUNTED)}
    try:
        path = schemas.Path.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise Faulty("broken path", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if path.path_id != path_id(path):
        raise Faulty("path does not match its id", path.path_id)
    return Recorded(NAME, raw.source_id, path.text, path)


def path_id(path: schemas.Path) -> str:
    """What a path's id has to be."""
    return content_id(
        "path", path.problem_id, PathKind(path.kind), path.round, path.sample_idx, path.author, path.prompt_id,
        path.seed, path.parent_path_id, path.text,
    )  # fmt: skip


def _problem_rows(location: Path) -> Iterator[Row | Damaged]:
    """The rows without those of a problem that has come already; a faulty row does not count as one."""
    seen: set[bytes] = set()
    for row in rows(location, _is_shard):
        if isinstance(row, Row):
            try:
                mark = bytes.fromhex(fields.text(row, "problem_id"))
                if mark in seen:
                    continue
                problem(row)
                seen.add(mark)
            except (Faulty, ValueError):
                pass  # `Adapter.read` says why
        yield row


def _images(row: Row) -> tuple[bytes, ...]:
    images = fields.pictures(row, "images")
    if not all(isinstance(image, bytes) for image in images):
        raise Faulty("missing image", "an export has its images' bytes in the row")
    return tuple(image for image in images if isinstance(image, bytes))


def _source_id(row: Row) -> str:
    parts = (fields.text(row, "source"), fields.text(row, "source_id"), fields.text(row, "problem_id")[:ID_DIGITS])
    if any(len(part) > fields.LONGEST_TEXT // 1000 for part in parts):
        raise Faulty("field too long", "source or source_id")
    return "/".join(parts)


def _matching(row: Row, name: str, pattern: re.Pattern[str]) -> str:
    found = fields.text(row, name)
    if not pattern.fullmatch(found):
        raise Faulty(f"{name} is none", found[:40])
    return found


def _is_shard(name: str) -> bool:
    return name.endswith(".parquet")


ADAPTER = Adapter(NAME, problem, _problem_rows, hub=False, recorded=recorded)
