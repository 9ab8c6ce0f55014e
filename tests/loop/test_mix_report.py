import json
from pathlib import Path

import pytest

from mathse import layout
from mathse.errors import UserError
from mathse.loop.mix_report import save_mix_report
from mathse.loop.rendering import student_row
from mathse.loop.selection import Selected
from mathse.tables import store
from mathse.tables.schemas import MixRow
from mathse.tables.schemas import Path as ReasoningPath
from tests import rows


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with mix 0 (one problem solved) and mix 1 (two), and the paths of round 1."""
    monkeypatch.chdir(tmp_path)
    problems = [rows.problem(f"p{n}") for n in range(3)]
    paths = [rows.path(f"a{n}", problem.problem_id) for n, problem in enumerate(problems)]
    made = [student_row(*pair, "solve-brief@1") for pair in zip(problems, paths, strict=True)]
    store.write(layout.mix(0), MixRow, made[:1])
    store.write(layout.mix(1), MixRow, made[:2])
    store.write(layout.paths(layout.round_dir(1)), ReasoningPath, paths[1:])
    return tmp_path


def test_a_mix_report_counts_problems_newly_solved(project: Path) -> None:
    selected = Selected(rows_in=3, rows_kept=2, left_out={"judged WRONG": 1})
    report = save_mix_report("1", selected, layout.paths(layout.round_dir(1)), layout.mix(0))
    assert (report.solved, report.remaining) == (1, 2)
    assert json.loads(layout.mix_report("1").read_text())["left_out"] == {"judged WRONG": 1}
