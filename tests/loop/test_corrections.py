"""Decisions as tables: corrections are paths that the ORM judges, and the mixes of their step take them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mathse import layout, params
from mathse.curation import decisions
from mathse.curation.decisions import CurationError, Decision
from mathse.curation.edits import edited
from mathse.look.catalogue import catalogue
from mathse.look.show import tell
from mathse.loop import corrections
from mathse.loop.ask.protocol import Request
from mathse.loop.mix import build
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, MixRow, PathKind, Problem, Remaining, Status, Tag, Verdict
from tests import rows
from tests.loop.scripted import Scripted
from tests.share.conftest import write_params

ROOT = Path(__file__).parents[2]
RIGHT = "Two and two. The answer to this problem is 4."
PATHS = [rows.path("right", "p1"), rows.path("wrong", "p2", text="The answer to this problem is 5.", answer="5")]


def judge(request: Request) -> str:
    if "Two and two" in request.fields["path"]:
        return '{"answers": "same", "checks": [], "status": "CORRECT", "error_step": null, "error_analysis": null}'
    return '{"answers": null, "checks": [], "status": "WRONG", "error_step": "Step 1", "error_analysis": "vision: no"}'


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    engine = Scripted(judge)
    monkeypatch.setattr(corrections, "open_for", lambda *_, **__: engine)
    return engine


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project with the paths of step 1, as its working folder."""
    write_params(tmp_path)
    problems = [rows.problem(name, image_ids=()) for name in ("p1", "p2")]
    store.write(tmp_path / layout.PROBLEMS, Problem, problems)
    store.write(tmp_path / layout.paths("1"), schemas.Path, PATHS)
    verdicts = [rows.verdict("right", "p1"), rows.verdict("wrong", "p2", Status.WRONG)]
    store.write(tmp_path / layout.verdicts("1"), Verdict, verdicts)
    store.write(tmp_path / layout.mix("0"), MixRow, [])
    store.write(tmp_path / layout.remaining("0"), Remaining, [Remaining(problem_id=p.problem_id) for p in problems])
    store.write(tmp_path / layout.BENCHMARK_ITEMS, BenchmarkItem, [])
    (tmp_path / "mathse").symlink_to(ROOT / "mathse")
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def decide(path: schemas.Path, tag: Tag, **fields: Any) -> Decision:
    decision = Decision(
        path_id=path.path_id, problem_id=path.problem_id, step="1", round=path.round, tag=tag, who="Ada", **fields
    )
    decisions.append(Path(), decision)
    return decision


def mixed() -> tuple[dict[str, str], dict[str, int]]:
    """Who is in the mix of step 1, and why others are not."""
    settings = params.load()
    print(corrections.write(settings, "orm"))
    report = build(settings, "1")
    return {row.path_id: row.completion[0].content for row in store.scan(layout.mix("1"), MixRow)}, report.left_out


def test_without_decisions_a_mix_has_the_bytes_that_it_had(project: Path, judged: Scripted) -> None:
    build(params.load(), "1")
    files = [layout.mix("1"), layout.remaining("1"), layout.mix_report("1")]
    before = [file.read_bytes() for file in files]
    assert mixed() == ({"right": PATHS[0].text}, {"judged WRONG": 1})
    (project / layout.CURATION).touch()
    assert mixed() == ({"right": PATHS[0].text}, {"judged WRONG": 1})
    assert [file.read_bytes() for file in files] == before
    assert [file.name for file in layout.curation("orm").rglob("*")] == [layout.DECISIONS]
    assert not judged.asked


def test_what_is_bad_is_left_out_and_nobody_is_asked(project: Path, judged: Scripted) -> None:
    decide(PATHS[0], Tag.BAD)
    decide(PATHS[1], Tag.NOTE, note="a good try")
    assert mixed() == ({}, {"judged WRONG": 1, "tagged bad": 1})
    assert not judged.asked
    decisions.undo(Path(), ["right"], "Ada")
    assert mixed()[0] == {"right": PATHS[0].text}


def test_a_correction_is_a_path_that_is_judged_like_any_other(project: Path, judged: Scripted) -> None:
    decide(PATHS[1], Tag.FIXED, text=RIGHT)
    edit = edited("wrong", "p2", 1, RIGHT, "Ada")
    assert (edit.kind, edit.parent_path_id, edit.author, edit.answer) == (PathKind.EDITED, "wrong", "Ada", "4")
    assert mixed() == ({"right": PATHS[0].text, edit.path_id: RIGHT}, {"corrected": 1})
    assert list(store.scan(layout.edited_paths("orm", "1"), schemas.Path)) == [edit]
    (verdict,) = store.scan(layout.edited_verdicts("orm", "1"), Verdict)
    assert (verdict.path_id, verdict.status, verdict.rule_status) == (edit.path_id, Status.CORRECT, Status.CORRECT)
    assert [request.subject_id for request in judged.asked] == [edit.path_id]
    entries = catalogue(project)
    assert entries["paths_1_edited"].file == project / layout.edited_paths("orm", "1")
    told = tell(project, "p2", project / "images")
    assert f"    path {edit.path_id[:8]} (edited 0 by Ada)" in told, "it stands below what it corrects"

    decisions.undo(Path(), ["wrong"], "Ada")
    assert mixed() == ({"right": PATHS[0].text}, {"judged WRONG": 1})
    assert not layout.edited_paths("orm", "1").exists()


def test_a_step_that_leads_elsewhere_writes_nothing(project: Path, judged: Scripted) -> None:
    line = decide(PATHS[1], Tag.FIXED, text=RIGHT).line()
    for step in ("../../../stolen", "/tmp/stolen", "..", "a/b"):
        (project / layout.CURATION).write_text(line.replace('"step": "1"', f'"step": "{step}"'), encoding="utf-8")
        with pytest.raises(CurationError, match="line 1: step: "):
            corrections.write(params.load(), "orm")
    assert not judged.asked and not layout.curation("orm").exists()


def test_a_note_changes_no_byte_of_what_was_decided(project: Path, judged: Scripted) -> None:
    decide(PATHS[1], Tag.FIXED, text=RIGHT)
    corrections.write(params.load(), "orm")
    before = {file: file.read_bytes() for file in layout.curation("orm").rglob("*.parquet")}
    other = Decision(path_id="wrong", problem_id="p2", step="1", round=1, tag=Tag.NOTE, who="Bob", note="why not 3?")
    decisions.append(Path(), other)
    corrections.write(params.load(), "orm")
    assert before == {file: file.read_bytes() for file in layout.curation("orm").rglob("*.parquet")} != {}


def test_a_correction_that_the_orm_calls_wrong_is_none(project: Path, judged: Scripted) -> None:
    decide(PATHS[0], Tag.FIXED, text="Three and one. The answer to this problem is 4.")
    assert mixed() == ({}, {"judged WRONG": 2, "corrected": 1})


def test_a_correction_that_is_bad_gives_the_old_path_back_its_place(project: Path, judged: Scripted) -> None:
    decide(PATHS[0], Tag.FIXED, text=RIGHT)
    decide(edited("right", "p1", 1, RIGHT, "Ada"), Tag.BAD)
    assert mixed() == ({"right": PATHS[0].text}, {"judged WRONG": 1, "tagged bad": 1})


def test_a_correction_outlives_what_it_corrects_but_not_its_problem(
    project: Path, judged: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(rows.path("gone", "p2"), Tag.FIXED, text=RIGHT)
    decide(rows.path("lost", "p9"), Tag.FIXED, text=RIGHT)
    kept, left_out = mixed()
    assert kept == {"right": PATHS[0].text, edited("gone", "p2", 1, RIGHT, "Ada").path_id: RIGHT}
    assert left_out == {"judged WRONG": 1}
    assert "2 fixed; 1 corrections for problems that are not there" in capsys.readouterr().out
