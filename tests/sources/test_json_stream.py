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
    ],
)
def test_damage_costs_the_element_in_which_it_lies(text: str | bytes, expected: list[Any]) -> None:
    assert found(text) == expected
