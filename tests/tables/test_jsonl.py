"""JSON lines: every line that is not blank comes out once, as a row or with its reason."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.tables.jsonl import NotJson, lines, parse


def read(data: bytes, longest: int = 1000) -> list[tuple[int, Any]]:
    return [(line.number, line.reason or line.row) for line in lines(io.BytesIO(data), longest)]


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text()), max_size=5), st.booleans())
def test_rows_come_out_as_they_were_written(rows: list[dict[str, Any]], escaped: bool) -> None:
    data = "".join(f"{json.dumps(row, ensure_ascii=escaped)}\n" for row in rows).encode("utf-8", "surrogatepass")
    assert [line.row for line in lines(io.BytesIO(data))] == rows


def test_a_line_that_is_no_row_is_data() -> None:
    data = b'\xef\xbb\xbf{"a": 1}\r\n\n[1]\n{"a": \n{"a": "\xff"}\n' + b"[" * 900 + b"]" * 900 + b'\n{"b": 2}'
    assert read(data) == [
        (1, {"a": 1}),
        (3, "row is not an object"),
        (4, "not JSON"),
        (5, "not UTF-8"),
        (6, "row too large"),
        (7, {"b": 2}),
    ]


def test_a_long_line_is_passed_over() -> None:
    data = b"\xef\xbb\xbf{}\n\n" + b"x" * 600_000 + b"\n{}\n" + b"y" * 50 + b"\n" + b"z" * 50
    found = list(lines(io.BytesIO(data), 20))
    assert [(line.number, line.reason) for line in found] == [
        (1, ""), (3, "row too large"), (4, ""), (5, "row too large"), (6, "row too large"),
    ]  # fmt: skip
    assert max(len(line.data) for line in found) == 21


def test_a_line_is_found_again_by_its_offset() -> None:
    data = b'\xef\xbb\xbf{"a": 1}\n\n' + b"x" * 300_000 + b'\nnothing\n{"a": "last"}'
    for line in lines(io.BytesIO(data), 1000):
        assert data[line.offset :].startswith(line.data)
    assert line.row == {"a": "last"}


@pytest.mark.parametrize(
    ("data", "reason"), [(b"[" * 100_000, "not JSON"), (b"7" * 5_000, "not JSON"), (b'"\xff"', "not UTF-8")]
)
def test_what_is_no_json_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(NotJson) as raised:
        parse(data)
    assert raised.value.reason == reason
    assert raised.value.detail
