"""The engine that has no model: it serves recorded responses, by problem and sample.

One JSON object a line, such as published outputs of a benchmark:

    {"problem_id": "9f86d081...", "sample_idx": 0, "text": "Step 1: ...", "finish_reason": "stop", "tokens_out": 48}
    {"id": "17", "response": "The answer is 60."}

A problem is named by `problem_id`, or by its id within its source: `source_id`, `id`, `pid` or `question_id`. A line
without `sample_idx` is the problem's next sample. `subject_id` (a path's id) is there where the response is about a
path, such as a verdict. A line that cannot be used is counted and named, and its request fails alone.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mathse.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request
from mathse.errors import UserError
from mathse.tables.schemas import content_id

log = logging.getLogger(__name__)

SOURCE_IDS = ("source_id", "id", "pid", "question_id")
TEXTS = ("text", "response")
NAMED = 5
"""How many bad lines a warning names before it only counts."""

Place = tuple[str, str, int]
"""Id of the problem, of the path (or nothing), and sample."""


class ReplayError(UserError):
    """The file of recorded responses cannot be read, or says two things about one sample."""


class ReplayEngine(BatchEngine):
    """Serves the lines of a file; memory holds their places, not their texts."""

    batch_size = 256

    def __init__(self, file: Path, source_ids: Mapping[str, str] | None = None) -> None:
        """Index the file.

        Args:
            file: JSON lines.
            source_ids: Each problem's id within its source, by problem id.

        Raises:
            ReplayError: The file cannot be read, holds no response, or two lines have one sample of one problem.
        """
        self._file = file
        self._source_ids = source_ids or {}
        self._index = _Index(file)
        self.name = self._index.model or file.stem
        self.fingerprint = content_id("replay", self._index.digest)

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Look the requests up; one outcome each, in order."""
        with self._file.open("rb") as lines:
            return [self._outcome(request, lines) for request in requests]

    def _outcome(self, request: Request, lines: Any) -> Outcome:
        names = (request.problem_id, self._source_ids.get(request.problem_id, request.problem_id))
        places = ((name, request.subject_id, request.sample_idx) for name in names)
        offset = next((self._index.offsets[place] for place in places if place in self._index.offsets), None)
        if offset is None:
            sample = f"{names[-1]}, sample {request.sample_idx}"
            return Failure("no recorded response", f"{self._file} has none for problem {sample}")
        lines.seek(offset)
        row = _row(lines.readline())
        return Completion(
            text=_text(row),
            finish_reason="length" if row.get("finish_reason") == "length" else "stop",
            tokens_in=_count(row.get("tokens_in")),
            tokens_out=_count(row.get("tokens_out")),
        )


class _Index:
    """Where each response begins, the file's digest, and the one model that wrote it (if it names one)."""

    def __init__(self, file: Path) -> None:
        self.offsets: dict[Place, int] = {}
        digest, models, bad, samples = hashlib.sha256(), set[str](), list[str](), Counter[tuple[str, str]]()
        offset = 0
        for number, line in enumerate(_lines(file), start=1):
            digest.update(line)
            try:
                if line.strip():
                    row = _row(line)
                    place = _place(row, samples)
                    _text(row)
                    self._add(place, offset, f"{file}:{number}")
                    models.add(str(row.get("model", "")))
            except ValueError as error:
                bad.append(f"{file}:{number}: {error}")
            offset += len(line)
        if not self.offsets:
            said = "; ".join(bad[:NAMED]) or "it is empty"
            raise ReplayError(f"{file}: holds no recorded response: {said}")
        if bad:
            log.warning("%d lines cannot be used: %s", len(bad), "; ".join(bad[:NAMED]))
        self.digest = digest.hexdigest()
        self.model = models.pop() if len(models) == 1 else ""

    def _add(self, place: Place, offset: int, where: str) -> None:
        if place in self.offsets:
            raise ReplayError(f"{where}: problem {place[0]}, sample {place[2]}: recorded twice; give it once")
        self.offsets[place] = offset


def _lines(file: Path) -> Any:
    try:
        with file.open("rb") as lines:
            yield from lines
    except OSError as error:
        raise ReplayError(f"{file}: cannot be read ({error.strerror}); give a file of JSON lines") from error


def _row(line: bytes) -> dict[str, Any]:
    """The object on a line; ValueError says why there is none."""
    try:
        row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def _place(row: Mapping[str, Any], samples: Counter[tuple[str, str]]) -> Place:
    """Which request a row answers; counts the samples of rows that do not say."""
    named = next((row[name] for name in ("problem_id", *SOURCE_IDS) if isinstance(row.get(name), str | int)), None)
    if named is None:
        raise ValueError(f"names no problem: give problem_id, or one of {', '.join(SOURCE_IDS)}")
    problem, subject = str(named), str(row.get("subject_id") or "")
    sample = row.get("sample_idx")
    if sample is None:
        sample = samples[problem, subject]
        samples[problem, subject] += 1
    if not isinstance(sample, int) or sample < 0:
        raise ValueError(f"sample_idx: must be a whole number from 0, found {sample!r}")
    return problem, subject, sample


def _text(row: Mapping[str, Any]) -> str:
    text = next((row[name] for name in TEXTS if isinstance(row.get(name), str)), None)
    if text is None:
        raise ValueError(f"has no {' or '.join(TEXTS)}")
    text.encode()  # JSON can escape half a character, which no table can hold
    return str(text)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
