"""What a source's files hold comes out as rows or as damage, however they are written."""

import json
from pathlib import Path

import pytest

from mathse.sources.reading import rows
from mathse.sources.rows.raw import Damaged

FIRST, SECOND, THIRD = ({"id": number, "of": {"text": "]}"}} for number in (1, 2, 3))


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_damaged_line_costs_one_row(name: str, damaged: int, tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in (FIRST, SECOND, THIRD)]
    lines[damaged] = lines[damaged][:-4]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    assert [isinstance(row, Damaged) for row in rows(tmp_path)] == [place == damaged for place in range(3)]


@pytest.mark.parametrize(
    "text",
    [
        f"[{json.dumps(FIRST)}]\n[{json.dumps(SECOND)}, {json.dumps(THIRD)}]",
        f"[{json.dumps(FIRST)}]\n{json.dumps(SECOND)}\n{json.dumps(THIRD)}\n",
        "\n".join(json.dumps(row, indent=2) for row in (FIRST, SECOND, THIRD)),
        json.dumps([FIRST, SECOND, THIRD]),
        json.dumps([FIRST, SECOND, THIRD], indent=2),
    ],
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_no_row_behind_the_first_value_is_lost(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = list(rows(tmp_path))
    assert [row.fields for row in found if not isinstance(row, Damaged)] == [FIRST, SECOND, THIRD]


def test_no_row_behind_an_object_is_lost(tmp_path: Path) -> None:
    text = json.dumps(FIRST) + json.dumps(SECOND) + json.dumps(THIRD, indent=1)
    (tmp_path / "rows.json").write_text(text, encoding="utf-8")
    assert [row.fields for row in rows(tmp_path) if not isinstance(row, Damaged)] == [FIRST, SECOND, THIRD]
