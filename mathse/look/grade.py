r"""`mathse grade`: grade a file of answers by rule, line by line.

In: JSON lines with `gold` and `answer` (a whole solution or a bare answer), optional `choices`, `precision` and
`question_type`. Out: the same lines with `verdict`, `extracted` and `reason`, in the same order. A line that cannot be
graded comes out UNDECIDED with the reason, so that nothing is lost; one that is no JSON object comes out as `line`.

Sample line out: `{"gold": "1/2", "answer": "0.5", "verdict": "CORRECT", "extracted": "0.5", "reason": "same quantity"}`
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from mathse.answers.grade import Grade, Grader
from mathse.errors import UserError
from mathse.tables import jsonl
from mathse.tables.schemas import Status

SHOWN_CHARACTERS = 200
"""Of a line that is too long to be an answer."""


def grade_file(source: str, out: TextIO) -> Counter[str]:
    """Grade a file and write its lines with their verdicts.

    Args:
        source: A file's path, or `-` for the standard input.

    Returns:
        How many lines there were of each verdict.

    Raises:
        UserError: The file cannot be read.
    """
    counts: Counter[str] = Counter({status.value: 0 for status in Status})
    with ExitStack() as stack:
        try:
            file = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
        except OSError as error:
            raise UserError(f"{source}: cannot be read ({error.strerror}); give a file of JSON lines, or - ") from error
        for row in graded(file):
            counts[row["verdict"]] += 1
            out.write(as_json(row, out.encoding or "utf-8") + "\n")
    return counts


def graded(file: BinaryIO, longest: int = jsonl.LONGEST) -> Iterator[dict[str, Any]]:
    """The rows of JSON lines with their verdicts; blank lines are skipped; above `longest` bytes one is no row."""
    grader = Grader()
    for line in jsonl.lines(file, longest):
        if line.reason:
            # As it was; of one that is too long the beginning.
            text = line.data.removeprefix(jsonl.BOM).decode("utf-8", "backslashreplace").rstrip("\r\n")
            row = {"line": text[:SHOWN_CHARACTERS] if line.reason == "row too large" else text}
            grade = _undecided(f"line {line.number}: {line.reason}")
        else:
            row, grade = line.row, _grade(line.row, grader)
        yield {**row, "verdict": grade.status.value, "extracted": grade.extracted, "reason": grade.reason}


def as_json(row: Mapping[str, Any], encoding: str) -> str:
    """A row as JSON, with escapes where the output's encoding lacks a sign (no encoding has half a surrogate pair)."""
    text = json.dumps(row, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(row)
    return text


def _undecided(reason: str) -> Grade:
    return Grade(Status.UNDECIDED, None, reason)


def _grade(row: Mapping[str, Any], grader: Grader) -> Grade:
    """Grade a row, whose fields may hold anything."""
    gold, answer = row.get("gold"), row.get("answer")
    for name, value in (("gold", gold), ("answer", answer)):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return _undecided(f"no {name}" if value is None else f"{name} is no text")
    choices = row.get("choices") or ()
    if not isinstance(choices, list | tuple) or not all(isinstance(choice, str | int | float) for choice in choices):
        return _undecided("choices are no list of texts")
    precision = row.get("precision")
    if isinstance(precision, float) and precision.is_integer():
        precision = int(precision)
    if precision is not None and (isinstance(precision, bool) or not isinstance(precision, int) or precision < 0):
        return _undecided("precision is no whole number")
    kind = row.get("question_type")
    return grader.grade(str(gold), str(answer), [str(choice) for choice in choices], precision, kind and str(kind))
