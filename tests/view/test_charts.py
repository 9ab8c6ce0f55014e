"""The page of charts: the report's drawings in the page's colours, with their numbers."""

import json
import re
from pathlib import Path

import pytest

from mathse import layout
from mathse.view import charts
from tests.view.conftest import client_of, write_run

VERDICTS = [{"step": "Round 1", "verdict": "WRONG", "paths": 2}, {"step": "Round 1", "verdict": "CORRECT", "paths": 1}]
HOSTILE = "</text><script>alert(1)</script>"


def written(root: Path, name: str, content: object) -> None:
    file = root / layout.PLOTS / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def test_colours_are_variables_and_marks_tell_their_numbers(tmp_path: Path) -> None:
    ((chart, svg),) = charts.figures(tmp_path, VERDICTS)
    assert chart.name == "verdicts" and chart.rows == VERDICTS
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", svg)
    assert 'fill="var(--wrong)"' in svg and 'fill="var(--sheet)"' in svg
    assert "<title>Round 1: 2 WRONG</title></path>" in svg


@pytest.mark.parametrize("content", ["", "{", "{}", "3", "null", "[3]", '[["a"]]', "[{}]", '[{"stage": NaN}]'])
def test_numbers_that_cannot_be_drawn_leave_the_page_standing(tmp_path: Path, content: str) -> None:
    write_run(tmp_path)
    for name in ("accuracy", "transitions", "orm_confusion", "error_types", "measures"):
        written(tmp_path, name, content)
    with client_of(tmp_path) as client:
        answer = client.get("/charts")
        assert answer.status_code == 200
        assert "What the ORM says" in answer.text


def test_a_name_with_markup_in_it_is_text(tmp_path: Path) -> None:
    write_run(tmp_path)
    written(tmp_path, "accuracy", [{"stage": HOSTILE, "train_rows": 1, "accuracy": 0.5, "ci_low": 0, "ci_high": 1}])
    with client_of(tmp_path) as client:
        text = client.get("/charts").text
        assert "<script>" not in text and "&lt;script&gt;" in text
        assert text.count("</svg>") == text.count("<svg") == 3
        assert '<div class="canvas" role="img" aria-label="Accuracy by stage' in text


def test_a_chart_has_so_many_rows_and_no_more(tmp_path: Path) -> None:
    written(tmp_path, "error_types", [{"round": "1", "type": "a", "paths": 1, "share": 0.1}] * (charts.MOST_ROWS + 1))
    ((chart, _),) = charts.figures(tmp_path, [])
    assert len(chart.rows) == charts.MOST_ROWS
