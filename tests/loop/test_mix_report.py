import json
from pathlib import Path

import pytest

from mathse import layout
from mathse.loop import mix
from tests import rows
from tests.loop.test_mix import CUMULATIVE, step, wrong


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with mix 0 (one problem solved) and mix 1 (two of three)."""
    monkeypatch.chdir(tmp_path)
    problems = [rows.problem(f"p{n}") for n in range(3)]
    step(tmp_path, [rows.path("a0", "p0")], [rows.verdict("a0", "p0")], problems)
    mix.build(CUMULATIVE, "0")
    paths = [rows.path("a1", "p1"), rows.path("a2", "p2")]
    step(tmp_path, paths, [rows.verdict("a1", "p1"), wrong("a2", "p2")], problems, "1")
    mix.build(CUMULATIVE, "1")
    return tmp_path


def test_a_mix_report_counts_problems_newly_solved(project: Path) -> None:
    report = json.loads(layout.mix_report("1").read_text())
    assert (report["solved"], report["remaining"]) == (1, 2)
    assert report["left_out"] == {"judged WRONG": 1}
    assert not list(layout.MIX_REPORTS.glob(".*"))
