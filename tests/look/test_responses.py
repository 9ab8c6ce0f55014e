import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathse.errors import UserError
from mathse.look.responses import DEEPEST, read, write

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), min_size=1, max_size=5)


def put(file: Path, text: str | bytes) -> Path:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back(name: str, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / name, rows)
    assert [entry.row for entry in read(tmp_path / name)] == rows


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    rows = [{"response": "\ud83d π"}]
    write(tmp_path / "rows.jsonl", rows)
    assert [entry.row for entry in read(tmp_path / "rows.jsonl")] == rows


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "1", "response": "π\u2028"}\n{"id": "2"}\n',
        '\ufeff{"id": "1", "response": "π\u2028"}\r\n\r\n  \r\n{"id": "2"}',
    ],
)
def test_lines_whatever_their_ends(text: str, tmp_path: Path) -> None:
    entries = read(put(tmp_path / "rows.jsonl", text))
    assert [entry.row for entry in entries] == [{"id": "1", "response": "π\u2028"}, {"id": "2"}]
    assert entries[0].place == "line 1"


def test_bad_lines_are_entries_with_a_reason(tmp_path: Path) -> None:
    lines = [
        b'{"id": "1"}',
        b"{",
        b"[1]",
        b'"\xff"',
        b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}",
        b"[" * 100_000,
        b"9" * 9999,
    ]
    entries = read(put(tmp_path / "rows.jsonl", b"\n".join(lines)))
    assert [(entry.place, entry.reason) for entry in entries] == [
        ("line 1", ""),
        ("line 2", "not JSON"),
        ("line 3", "row is not an object"),
        ("line 4", "not UTF-8"),
        ("line 5", "nested too deep"),
        ("line 6", "not JSON"),
        ("line 7", "not JSON"),
    ]
    assert not any(entry.row for entry in entries if entry.reason)


def test_nesting_has_a_limit(tmp_path: Path) -> None:
    rows = [f'{{"a": {"[" * levels}{"]" * levels}}}' for levels in (DEEPEST - 1, DEEPEST)]
    entries = read(put(tmp_path / "rows.jsonl", "\n".join(rows)))
    assert [entry.reason for entry in entries] == ["", "nested too deep"]


def test_rows_by_id_get_their_key(tmp_path: Path) -> None:
    file = put(tmp_path / "rows.json", '{"7": {"a": 1}, "8": {"pid": "eight"}, "9": 9}')
    entries = read(file, "pid")
    assert [entry.row for entry in entries] == [{"pid": "7", "a": 1}, {"pid": "eight"}, {}]
    assert (entries[2].place, entries[2].reason) == ("key '9'", "row is not an object")


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("text", ["", " \r\n\n", "\ufeff"])
def test_an_empty_file_is_an_error(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{name}: holds no rows; give"):
        read(put(tmp_path / name, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds no rows"),
        ('{"id": 1}\n{"id": 2}', "not JSON; if it holds one JSON object per line, let its name end in .jsonl"),
        (b"\xff[]", "not UTF-8"),
        ("3", "neither a list of rows nor rows by id"),
    ],
)
def test_a_json_file_that_holds_no_rows(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read(put(tmp_path / "rows.json", text))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.jsonl: cannot be read \(No such file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"out.jsonl: cannot be written \(no such folder"):
        write(tmp_path / "none" / "out.jsonl", [{}])


def test_a_list_is_a_list(tmp_path: Path) -> None:
    write(tmp_path / "rows.json", [{"a": 1}, {"b": "é"}])
    assert json.loads((tmp_path / "rows.json").read_text(encoding="utf-8")) == [{"a": 1}, {"b": "é"}]
    assert not list(tmp_path.glob(".*"))
