"""`mathse grade` on files and standard input, as people and pipelines use it."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mathse import cli
from mathse.look import grade

ROOT = Path(__file__).parents[2]
ROWS: list[dict[str, Any]] = [
    {"id": 7, "gold": "1/2", "answer": r"So \boxed{0.5}."},
    {"id": 8, "gold": "B", "answer": "The answer to this problem is 40.", "choices": ["40", "45"]},
    {"id": 9, "gold": "x+1", "answer": "I do not know."},
]


def written(file: Path, *lines: str | bytes) -> str:
    file.write_bytes(b"".join(line.encode() if isinstance(line, str) else line for line in lines))
    return str(file)


def graded(line: str | bytes) -> dict[str, Any]:
    """The one row that comes out for a line."""
    (row,) = grade.graded(io.BytesIO(line.encode() if isinstance(line, str) else line))
    return row


def of(**row: Any) -> tuple[str, str]:
    """Verdict and reason of a row."""
    said = graded(json.dumps(row))
    return said["verdict"], said["reason"]


def spawn(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mathse.cli", "grade", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, **pipes)  # type: ignore[call-overload,no-any-return]


def test_a_file_comes_out_with_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "rows.jsonl", *(json.dumps(row) + "\n" for row in ROWS))
    assert cli.main(["grade", file]) == 0
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [row["id"] for row in rows] == [7, 8, 9]
    assert [row["verdict"] for row in rows] == ["CORRECT", "WRONG", "UNDECIDED"]
    assert rows[0] == {**ROWS[0], "verdict": "CORRECT", "extracted": "0.5", "reason": "same quantity"}
    assert printed.err == "grade: 3 lines; 1 CORRECT, 1 UNDECIDED, 1 WRONG\n"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input(arguments: list[str]) -> None:
    out, err = spawn(*arguments).communicate(
        json.dumps({"gold": "三", "answer": "答案是3。"}, ensure_ascii=False).encode()
    )
    assert json.loads(out)["verdict"] == "CORRECT"
    assert "答案是3。".encode() in out
    assert err == b"grade: 1 lines; 1 CORRECT, 0 UNDECIDED, 0 WRONG\n"


def test_an_empty_file_is_a_summary_of_no_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in ("", "\n\r\n   \n"):
        assert cli.main(["grade", written(tmp_path / "empty.jsonl", content)]) == 0
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == "grade: 0 lines; 0 CORRECT, 0 UNDECIDED, 0 WRONG\n"


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "absent.jsonl", tmp_path):
        assert cli.main(["grade", str(path)]) == cli.USER_ERROR
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"mathse: {path}: cannot be read (")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "line 1: not JSON"),
        ("{", "line 1: not JSON"),
        ("[1, 2]", "line 1: row is not an object"),
        ("5", "line 1: row is not an object"),
        ("null", "line 1: row is not an object"),
        ('"text"', "line 1: row is not an object"),
        ("[" * 100_000, "line 1: not JSON"),
        (b'{"gold": "5", "answer": "5 \xb0"}', "line 1: not UTF-8"),
        (b"\xff\xfe{\x00}\x00", "line 1: not UTF-8"),
        (b"\x00\x00", "line 1: not JSON"),
        ('{"gold": ' + "1" * 5_000 + "}", "line 1: not JSON"),
    ],
)
def test_a_bad_line_comes_out_undecided_with_its_number(line: str | bytes, reason: str) -> None:
    row = graded(line)
    assert list(row) == ["line", "verdict", "extracted", "reason"]
    assert (row["verdict"], row["extracted"], row["reason"]) == ("UNDECIDED", None, reason)


def test_a_bad_line_does_not_end_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "rows", "\ufeff", json.dumps(ROWS[0]), "\r\n", "oops\r\n", "\r\n", json.dumps(ROWS[1]))
    assert cli.main(["grade", file]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["verdict"] for row in rows] == ["CORRECT", "UNDECIDED", "WRONG"]
    assert rows[1] == {"line": "oops", "verdict": "UNDECIDED", "extracted": None, "reason": "line 2: not JSON"}


def test_a_line_without_end_is_cut() -> None:
    file = io.BytesIO(b'{"gold": "5", "answer": "' + b"9" * 1000 + b'"}\n{"gold": 5, "answer": 5}\n')
    rows = list(grade.graded(file, longest=100))
    assert [row["reason"] for row in rows] == ["line 1: row too large", "same text"]
    assert rows[0]["line"].startswith('{"gold": "5"') and len(rows[0]["line"]) <= 200


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "no gold"),
        ({"gold": "5"}, "no answer"),
        ({"gold": None, "answer": "5"}, "no gold"),
        ({"gold": "5", "answer": None}, "no answer"),
        ({"gold": ["5"], "answer": "5"}, "gold is no text"),
        ({"gold": "5", "answer": {"text": "5"}}, "answer is no text"),
        ({"gold": True, "answer": "5"}, "gold is no text"),
        ({"gold": "5", "answer": "5", "choices": "5"}, "choices are no list of texts"),
        ({"gold": "5", "answer": "5", "choices": [None]}, "choices are no list of texts"),
        ({"gold": "5", "answer": "5", "choices": {"A": "5"}}, "choices are no list of texts"),
        ({"gold": "5", "answer": "5", "precision": "2"}, "precision is no whole number"),
        ({"gold": "5", "answer": "5", "precision": -1}, "precision is no whole number"),
        ({"gold": "5", "answer": "5", "precision": 1.5}, "precision is no whole number"),
        ({"gold": "5", "answer": "5", "precision": True}, "precision is no whole number"),
        ({"gold": "", "answer": "5"}, "gold is empty"),
        ({"gold": "5", "answer": ""}, "empty text"),
    ],
)
def test_odd_fields_have_a_reason(row: dict[str, Any], reason: str) -> None:
    assert of(**row) == ("UNDECIDED", reason)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"gold": 5, "answer": "5.0"}, "CORRECT"),
        ({"gold": 0.5, "answer": "1/2"}, "CORRECT"),
        ({"gold": 1e-7, "answer": r"10^{-7}"}, "CORRECT"),
        ({"gold": "12", "answer": 12}, "CORRECT"),
        ({"gold": "A", "answer": 3, "choices": [3, 4.5]}, "CORRECT"),
        ({"gold": "3.14", "answer": "3.1416", "precision": 2}, "CORRECT"),
        ({"gold": "3.14", "answer": "3.1416", "precision": 2.0}, "CORRECT"),
        ({"gold": "3.14", "answer": "3.1416"}, "WRONG"),
        ({"gold": "3.14", "answer": "3.1416", "precision": 10**9}, "WRONG"),
        ({"gold": "5", "answer": "5", "choices": None, "precision": None, "question_type": None}, "CORRECT"),
        ({"gold": "B", "answer": "B", "choices": ["A", "C"], "question_type": "free_form"}, "CORRECT"),
        ({"gold": "5", "answer": "5", "question_type": 3}, "CORRECT"),
    ],
)
def test_fields_mean_what_they_say(row: dict[str, Any], verdict: str) -> None:
    start = time.monotonic()
    assert of(**row)[0] == verdict
    assert time.monotonic() - start < 5


def test_fields_of_an_earlier_grading_are_written_anew() -> None:
    row = graded(
        json.dumps({"gold": "5", "verdict": "CORRECT", "answer": "6", "reason": "so", "extracted": "5", "id": 1})
    )
    assert (row["verdict"], row["extracted"], row["reason"], row["id"]) == ("WRONG", "6", "different quantity", 1)


def test_what_no_encoding_has_is_escaped(tmp_path: Path) -> None:
    file = written(
        tmp_path / "rows.jsonl",
        '{"gold": "5", "answer": "\\ud800 5", "note": "答"}\n',
        '{"gold": "√4", "answer": "2"}\n',
    )
    for encoding in ("utf-8", "latin-1", "ascii"):
        process = spawn(file, PYTHONIOENCODING=encoding)
        out, err = process.communicate()
        assert process.returncode == 0, err
        rows = [json.loads(line) for line in out.decode(encoding).splitlines()]
        assert rows[0]["answer"] == "\ud800 5"
        assert rows[0]["note"] == "答"
        assert rows[1]["verdict"] == "CORRECT"


def test_deep_rows_pass_through_or_are_refused() -> None:
    for depth in (100, 900, 990, 2_000):
        row = graded(f'{{"gold": "5", "answer": "5", "deep": {"[" * depth}{"]" * depth}}}')
        assert row["reason"] in ("same text", "line 1: not JSON")
        grade.as_json(row, "utf-8")


def test_a_closed_pipe_is_no_complaint(tmp_path: Path) -> None:
    process = spawn(written(tmp_path / "rows.jsonl", *['{"gold": "5", "answer": "5"}\n'] * 20_000))
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert process.wait(timeout=60) == cli.BROKEN_PIPE
    assert complaint == b""
