r"""The engine that has no model: it serves recorded responses, by problem and sample.

One JSON object per line, such as published outputs of a benchmark:

    {"problem_id": "9f86d081...", "sample_idx": 0, "text": "Step 1: ...", "finish_reason": "stop", "tokens_out": 48}
    {"id": "17", "response": "The answer is 60."}
    {"subject_id": "5c1e03f2...", "text": "{\"status\": \"CORRECT\", \"error_step\": null, \"error_analysis\": null}"}

A problem is named by `problem_id`, or by its id within its source: `source_id`, `id`, `pid` or `question_id`. A line
without `sample_idx` is the problem's next sample. What a judge or a marking teacher said is about a path: such a line
names it by `subject_id`, the path's `path_id`, and need not name the problem. A line that cannot be used is counted and
named, and its request fails alone.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mathse.errors import UserError
from mathse.loop.ask.engines.kind import EngineKind, Surroundings
from mathse.loop.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request
from mathse.tables import jsonl
from mathse.tables.files import sha256
from mathse.tables.schemas import content_id

log = logging.getLogger(__name__)

SOURCE_IDS = ("source_id", "id", "pid", "question_id")
TEXTS = ("text", "response")
MOST_QUOTED = 5
"""How many bad lines a warning names before it only counts."""
MOST_TOKENS = 2**31
"""A line that counts more than this counts nothing."""


class ReplayError(UserError):
    """The file of recorded responses cannot be read, or says two things about one sample."""


class ReplayEngine(BatchEngine):
    """Serves the lines of a file; memory holds neither their texts nor their places."""

    batch_size = 256

    def __init__(self, file: Path, source_ids: Mapping[str, str] | None = None) -> None:
        """Index a file of JSON lines; `source_ids` has each problem's id within its source, by problem id.

        Raises:
            ReplayError: The file cannot be read, holds no response, or two lines have one sample of one problem; and
                from `complete` where requests are about paths and no line is.
        """
        self._file = file
        self._source_ids = source_ids or {}
        self._index = _Index(file)
        self.name = self._index.model or file.stem
        self.fingerprint = content_id("replay", self._index.digest)

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Look the requests up; one outcome each, in order."""
        outcomes: list[Outcome] = []
        with self._file.open("rb") as content:
            for request in requests:
                if request.subject_id and not self._index.names_paths:
                    raise ReplayError(
                        f"{self._file}: no line says which path it is about, and a problem may have several: give each "
                        'line "subject_id", the path_id of what was judged or marked'
                    )
                names = [request.problem_id, self._source_ids.get(request.problem_id, request.problem_id)]
                names += [""] if request.subject_id else []
                offset = next((at for name in names if (at := self._index.offset(name, request)) is not None), None)
                if offset is None:
                    about = f", path {request.subject_id}" if request.subject_id else ""
                    detail = f"{self._file} has none for problem {names[1]}{about}, sample {request.sample_idx}"
                    outcomes.append(Failure("no recorded response", detail))
                    continue
                row = _row_at(content, offset)
                counts = (row.get("tokens_in"), row.get("tokens_out"))
                outcomes.append(
                    Completion(
                        _text(row),
                        "length" if row.get("finish_reason") == "length" else "stop",
                        *(count if isinstance(count, int) and 0 <= count <= MOST_TOKENS else 0 for count in counts),
                    )
                )
        return outcomes


_LINES = """
create table lines (number integer primary key, subject blob not null, sample integer, offset integer not null)
"""
_PLACES = """
create table places as
select subject, number, offset, coalesce(sample, row_number() over (
    partition by subject, sample is null order by number
) - 1) as sample
from lines
"""
"""A line that does not say which sample it is, is the next one of its subject."""
_TWICE = """
select max(number), offset, sample from places where (subject, sample) in (
    select subject, sample from places group by subject, sample having count(*) > 1
) group by subject, sample order by 1 limit 1
"""


class _Index:
    """Where each response begins, the file's digest, and the one model that wrote it (if it names one).

    It lies in a temporary SQLite database: that of 2,000,000 verdicts would take half a gigabyte as a dict.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.names_paths = False
        """Whether any line is about a path."""
        self._models: set[str] = set()
        self._bad_lines = 0
        self._complaints: list[str] = []
        self._db = sqlite3.connect("")  # a file in SQLite's temporary folder, under no name
        try:
            self.digest = sha256(file)
            self._fill()
        except OSError as error:
            raise ReplayError(f"{file}: cannot be read ({error.strerror}); give a file of JSON lines") from error
        except sqlite3.OperationalError as error:
            raise ReplayError(
                f"{file}: its index cannot be written to the temporary folder ({error}); free some space there, or "
                "name another folder in the environment variable SQLITE_TMPDIR"
            ) from error
        if self._db.execute("select 1 from places limit 1").fetchone() is None:
            raise ReplayError(f"{file}: holds no recorded response: {'; '.join(self._complaints) or 'it is empty'}")
        if self._bad_lines:
            log.warning("%d lines cannot be used: %s", self._bad_lines, "; ".join(self._complaints))
        self.model = self._models.pop() if len(self._models) == 1 else ""

    def offset(self, name: str, request: Request) -> int | None:
        """Where the response to a request begins, if the file has one for the problem under this name."""
        subject = _digest(name, request.subject_id)
        query = "select offset from places where subject = ? and sample = ?"
        row = self._db.execute(query, (subject, request.sample_idx)).fetchone()
        return None if row is None else int(row[0])

    def _fill(self) -> None:
        self._db.execute("pragma journal_mode = off")
        self._db.execute(_LINES)
        self._db.executemany("insert into lines values (?, ?, ?, ?)", self._lines())
        self._db.execute(_PLACES)
        self._db.execute("drop table lines")
        self._db.execute("delete from places where offset < 0")
        try:
            self._db.execute("create unique index place on places (subject, sample)")
        except sqlite3.IntegrityError:
            number, offset, sample = self._db.execute(_TWICE).fetchone()
            with self._file.open("rb") as content:
                problem = _place(_row_at(content, offset))[0]
            raise ReplayError(
                f"{self._file}:{number}: problem {problem}, sample {sample}: recorded twice; give it once"
            ) from None

    def _lines(self) -> Iterator[tuple[int, bytes, int | None, int]]:
        """Number, subject, sample and offset of every line that names a problem; notes those that cannot be used."""
        with self._file.open("rb") as content:
            for line in jsonl.lines(content):
                if line.reason:
                    self._complain(line.number, f"{line.reason} ({line.detail})")
                    continue
                try:
                    problem, path, sample = _place(line.row)
                    subject = _digest(problem, path)
                    self.names_paths = self.names_paths or bool(path)
                except ValueError as error:
                    self._complain(line.number, error)
                    continue
                offset = line.offset
                try:
                    _text(line.row)
                except ValueError as error:
                    self._complain(line.number, error)
                    offset = -1  # it counts among the samples of its problem, so that the others keep theirs
                else:
                    if len(self._models) < 2:  # a second one is enough to know that there is not one
                        self._models.add(str(line.row.get("model", "")))
                yield line.number, subject, sample, offset

    def _complain(self, number: int, cause: ValueError | str) -> None:
        self._bad_lines += 1
        if len(self._complaints) < MOST_QUOTED:
            self._complaints.append(f"{self._file}:{number}: {cause}")


def _digest(problem: str, path: str) -> bytes:
    """A short digest of the ids of a problem and of a path (or nothing), half the size of the ids themselves."""
    return bytes.fromhex(content_id(problem, path))


def _row_at(content: BinaryIO, offset: int) -> dict[str, Any]:
    """The row of a line that is known to hold one."""
    content.seek(offset)
    row: dict[str, Any] = jsonl.parse(content.readline().removeprefix(jsonl.BOM))
    return row


def _place(row: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """Ids of the problem and of the path (or nothing) that a row answers about, and the sample if it says so."""
    path = str(row.get("subject_id") or "")
    named = (row[name] for name in ("problem_id", *SOURCE_IDS) if isinstance(row.get(name), str | int))
    problem = next(named, "" if path else None)
    if problem is None:
        raise ValueError(f"names no problem: give problem_id, or one of {', '.join(SOURCE_IDS)}")
    sample = row.get("sample_idx")
    if sample is not None and (not isinstance(sample, int) or not 0 <= sample < 2**63):
        raise ValueError(f"sample_idx: must be a whole number from 0, found {sample!r}")
    return str(problem), path, sample


def _text(row: Mapping[str, Any]) -> str:
    text = next((row[name] for name in TEXTS if isinstance(row.get(name), str)), None)
    if text is None:
        raise ValueError(f"has no {' or '.join(TEXTS)}")
    text.encode()  # JSON can escape half a character, which no table can hold
    return str(text)


ENGINE = EngineKind[Path, [Surroundings]]("replay", Path, lambda file, around: ReplayEngine(file, around.source_ids()))
