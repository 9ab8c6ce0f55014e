"""The JSON scanner: what it cuts out is what the whole file says, and damage stays where it is."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.sources import json_stream
from mathse.sources.json_stream import elements
from mathse.sources.rows.raw import Damaged

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def found(text: str | bytes, longest: int = 10_000) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [
        (row.reason if isinstance(row, Damaged) else row[2]) for row in elements(io.BytesIO(data), "x.json", longest)
    ]


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 2]), st.booleans())
def test_an_array_comes_out_as_json_reads_it(values: list[Any], indent: int | None, escaped: bool) -> None:
    assert found(json.dumps(values, indent=indent, ensure_ascii=escaped)) == values


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.sampled_from([1, 2, 3, 7]))
def test_an_object_comes_out_by_key_however_it_is_read(values: dict[str, Any], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", size)
        rows = list(elements(io.BytesIO(json.dumps(values).encode()), "x.json"))
    assert [(row[1], row[2]) for row in rows if not isinstance(row, Damaged)] == list(values.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("\ufeff [1, 2]", [1, 2]),
        ("[1, 2", [1, 2, "truncated file"]),
        ("[1, 2,", [1, 2, "truncated file"]),
        ('[1, {"a": "b', [1, "truncated row", "truncated file"]),
        ("[1,, 2]", [1, "not JSON", 2]),
        ("[1, nonsense, 2]", [1, "not JSON", 2]),
        ("[1, }, 2]", [1, "not JSON", 2]),
        ('[{"a": "un\nclosed}, {"a": 2}]', ["not JSON", {"a": 2}]),
        ('["un\n", 2]', ["truncated row", "truncated file"]),
        (b'[1, "\xff", 2]', [1, "not UTF-8", 2]),
        ("", ["not JSON"]),
        ("nothing", ["not JSON"]),
        ("[" * 100_000, ["row too large", "truncated file"]),
        ("[" + "[" * 9_000 + "]" * 9_000 + ", 2]", ["row too large", 2]),
        ("[" + "[" * 4_000 + "]" * 4_000 + ", 2]", ["not JSON", 2]),
        ("[" + "7" * 5_000 + ", 2]", ["not JSON", 2]),
        ("[" + '"' + "x" * 20_000 + '", 2]', ["row too large", 2]),
        ('{"a": 1, 2, "b": 3}', [1, "not JSON", 3]),
        ("null\n[1]", ["not JSON", 1]),
        ("// rows\n[1]", ["not JSON", 1]),
        ("<!DOCTYPE html>" + "." * 600 + "{} [1]", ["not JSON"]),
        ("[1]".encode("utf-16"), ["not JSON"]),
        ("[1]]\n[2]", [1, "not JSON", 2]),
        ("[1] // two\n[2] the end", [1, "not JSON", 2, "not JSON"]),
        ('[1], {"a": }, {"a": 2}', [1, "not JSON", {"a": 2}]),
        ('[1], {"a": "b', [1, "truncated row", "truncated file"]),
        ('[1] {"a": "' + "x" * 20_000 + '"} [2]', [1, "row too large", 2]),
        ('{"a": 1} "two" {"a": 3}', [{"a": 1}, "not JSON", {"a": 3}]),
    ],
)
def test_damage_costs_the_element_in_which_it_lies(text: str | bytes, expected: list[Any]) -> None:
    assert found(text) == expected


ROWS = [{"id": 1, "of": {"a": [1, "]}"]}}, {"id": 2}, {"id": 3}]
WRITTEN = [json.dumps(row) for row in ROWS]
PRETTY = [json.dumps(row, indent=2) for row in ROWS]


@pytest.mark.parametrize("size", [1, 3, 2**18])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("".join(f"[{row}]" for row in WRITTEN), id="arrays"),
        pytest.param(f"[{WRITTEN[0]}, {WRITTEN[1]}]\n{WRITTEN[2]}\n", id="an array and a line"),
        pytest.param("\n".join(PRETTY), id="pretty objects"),
        pytest.param("".join(WRITTEN), id="objects without anything between"),
        pytest.param(",\n".join(PRETTY) + ",", id="objects with commas between"),
        pytest.param(f"\ufeff{PRETTY[0]}\n[{PRETTY[1]}][]\n{WRITTEN[2]}", id="objects and arrays"),
    ],
)
def test_what_stands_behind_the_first_value_comes_out_too(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", size)
    assert found(text) == ROWS
    places = [row[0] for row in elements(io.BytesIO(text.encode()), "x.json") if not isinstance(row, Damaged)]
    assert len(set(places)) == 3


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "an empty file"),
        (b"rows", "no bracket; it starts with b'rows'"),
        (b'[{"q": 1}]\0', "NUL bytes, as in UTF-16"),
        ('[{"q": 1}]'.encode("utf-16"), "NUL bytes, as in UTF-16"),
    ],
)
def test_what_is_no_json_from_its_start_is_said_as_it_is(data: bytes, detail: str) -> None:
    assert list(elements(io.BytesIO(data), "f")) == [Damaged("f", "not JSON", detail)]


def test_two_mappings_of_rows_come_out_by_key() -> None:
    data = b'{"7": {"a": 1}, "8": {"a": 2}}\n{"9": {"a": 3}}'
    assert list(elements(io.BytesIO(data), "x")) == [
        ("x:0", "7", {"a": 1}), ("x:1", "8", {"a": 2}), ("x:2", "9", {"a": 3}),
    ]  # fmt: skip


def test_a_mapping_larger_than_a_row_may_be_keeps_its_rows_whatever_stands_behind() -> None:
    rows = {str(key): {"a": key} for key in range(2_000)}
    found_rows = list(elements(io.BytesIO(json.dumps(rows).encode() + b"\nx"), "x", longest=1_000))
    assert [row[2] for row in found_rows[:-1] if not isinstance(row, Damaged)] == list(rows.values())
    assert isinstance(found_rows[-1], Damaged)


def as_elements(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list(value.values()) if value and all(isinstance(member, dict) for member in value.values()) else [value]


@given(
    st.lists(st.lists(VALUES, max_size=3) | st.dictionaries(st.text(), VALUES, max_size=3), min_size=2, max_size=4),
    st.sampled_from(["", " ", "\n", ",\n"]),
    st.sampled_from([None, 1]),
    st.sampled_from([1, 2, 5, 2**18]),
)
def test_nothing_of_several_values_is_lost(values: list[Any], between: str, indent: int | None, size: int) -> None:
    text = between.join(json.dumps(value, indent=indent) for value in values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", size)
        assert found(text) == [element for value in values for element in as_elements(value)]
