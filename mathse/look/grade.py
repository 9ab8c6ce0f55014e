r"""`mathse grade`: grade a file of answers by rule, line by line.

In: JSON lines with `gold` and `answer` (a whole solution or a bare answer), optional `choices`, `precision` and
`question_type`. Out: the same lines with `verdict`, `extracted` and `reason`, in the same order. A line that cannot be
graded comes out UNDECIDED with the reason, so that nothing is lost; one that is no JSON object comes out as `line`.

Sample line out: `{"gold": "1/2", "answer": "0.5", "verdict": "CORRECT", "extracted": "0.5", "reason": "same quantity"}`
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from mathse.answers.grade import Grade, Grader
from mathse.errors import UserError
from mathse.tables.schemas import Status

LONGEST_LINE = 16 * 2**20
"""Bytes. A longer line is no answer."""
_DEEP = "nested too deep"


def grade_file(source: str, out: TextIO) -> Counter[str]:
    """Grade a file and write its lines with their verdicts.

    Args:
        source: A file's path, or `-` for the standard input.
        out: Where the lines go.

    Returns:
        How many lines there were of each verdict.

    Raises:
        UserError: The file cannot be read.
    """
    counts: Counter[str] = Counter({status.value: 0 for status in Status})
    with ExitStack() as stack:
        lines = sys.stdin.buffer if source == "-" else stack.enter_context(_opened(Path(source)))
        for row in graded(_lines(lines), Grader()):
            counts[row["verdict"]] += 1
            out.write(_as_json(row, out.encoding or "utf-8") + "\n")
    return counts


def graded(lines: Iterable[bytes], grader: Grader) -> Iterator[dict[str, Any]]:
    """The rows of JSON lines with their verdicts; blank lines are skipped."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            row, reason = _row(line, number)
            said = Grade(Status.UNDECIDED, None, reason) if reason else _grade(row, grader)
            yield {**row, "verdict": said.status.value, "extracted": said.extracted, "reason": said.reason}


def _as_json(row: Mapping[str, Any], encoding: str) -> str:
    """A row as JSON, with escapes where the output's encoding lacks a sign (no encoding has half a surrogate pair)."""
    text = json.dumps(row, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(row)
    return text


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); give a file of JSON lines, or - ") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines of at most `LONGEST_LINE` bytes; of a longer one the beginning, marked by its length."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


def _row(line: bytes, number: int) -> tuple[dict[str, Any], str]:
    """A line's row, and why it cannot be graded."""
    text = line.decode("utf-8", "backslashreplace").removeprefix("\ufeff").rstrip("\r\n")
    if len(line) > LONGEST_LINE:
        return {"line": text[:200]}, f"line {number}: longer than {LONGEST_LINE} bytes"
    try:
        line.decode("utf-8")
        row = json.loads(text)
    except UnicodeDecodeError:
        return {"line": text}, f"line {number}: not UTF-8"
    except RecursionError:
        return {"line": text[:200]}, f"line {number}: {_DEEP}"
    except ValueError:
        return {"line": text}, f"line {number}: not JSON"
    return (row, "") if isinstance(row, dict) else ({"line": text}, f"line {number}: no JSON object")


def _grade(row: Mapping[str, Any], grader: Grader) -> Grade:
    """Grade a row, whose fields may hold anything."""
    gold, answer = row.get("gold"), row.get("answer")
    for name, value in (("gold", gold), ("answer", answer)):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return Grade(Status.UNDECIDED, None, f"no {name}" if value is None else f"{name} is no text")
    choices = row.get("choices") or ()
    if not isinstance(choices, list | tuple) or not all(isinstance(one, str | int | float) for one in choices):
        return Grade(Status.UNDECIDED, None, "choices are no list of texts")
    precision = row.get("precision")
    if isinstance(precision, float) and precision.is_integer():
        precision = int(precision)
    if precision is not None and (isinstance(precision, bool) or not isinstance(precision, int) or precision < 0):
        return Grade(Status.UNDECIDED, None, "precision is no whole number")
    kind = row.get("question_type")
    return grader.grade(str(gold), str(answer), [str(one) for one in choices], precision, kind and str(kind))
