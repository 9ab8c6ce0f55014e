"""Every table of a run as a view, under the names of today and of before."""

from pathlib import Path

import duckdb
import pytest

from mathse import cli, layout
from mathse.look.catalogue import catalogue, connect, former_place
from mathse.report import names
from mathse.tables import schemas, store, views
from mathse.tables.schemas import Feedback, MixRow, Prediction, Problem, Status, Verdict
from tests import rows
from tests.share import toy


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Tables of steps that no params.yaml names, out of order."""
    store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem()])
    for step in ("10", "2", "0"):
        store.write(tmp_path / layout.paths(step), schemas.Path, [rows.path(f"a{step}")])
        store.write(tmp_path / layout.verdicts(step), Verdict, [rows.verdict(f"a{step}")])
    store.write(tmp_path / layout.paths("student"), schemas.Path, [rows.path("s")])
    store.write(tmp_path / layout.orm_paths("orm"), schemas.Path, [rows.path("o")])
    for model in ("final", "10", "9", "0"):
        store.write(tmp_path / layout.mix(model), MixRow, [])
    for model in ("0", "base"):
        store.write(tmp_path / layout.predictions(model), Prediction, [prediction("p1")])
    (tmp_path / layout.MIXES / ".0.parquet.12.new").write_text("half-written")
    return tmp_path


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return list(views.query(connection, sql).rows)


def test_every_table_of_a_project_is_a_view(project: Path) -> None:
    assert list(catalogue(project)) == [
        "problems", "orm_paths", "paths_0", "paths_2", "paths_10", "paths_student", "verdicts_0", "verdicts_2",
        "verdicts_10", "mix_0", "mix_9", "mix_10", "mix_final", "predictions_base", "predictions_0",
    ]  # fmt: skip
    connection = connect(project)
    assert asked(connection, "select step, path_id from paths order by all") == [
        ("0", "a0"), ("10", "a10"), ("2", "a2"), ("orm", "o"), ("student", "s"),
    ]  # fmt: skip
    assert asked(connection, "select count(*), count(distinct step) from verdicts") == [(3, 3)]
    assert asked(connection, "select model_name, problem_id from predictions") == [("base", "p1"), ("0", "p1")]


def test_all_tables_of_a_kind_are_one_view(run: Path) -> None:
    for name in ("orm", "1", "final"):
        store.write(run / layout.mix(name), MixRow, [toy.mix_row("roll", "1abc1")])
    for orm in ("orm", "orm2"):
        store.write(run / layout.orm_feedback(orm), Feedback, [rows.feedback("roll", "1abc1", Status.WRONG)])
        store.write(run / layout.orm_held_out(orm), MixRow, [toy.mix_row("roll", "1abc1")])
    connection = connect(run)
    assert asked(connection, "select step from mix where path_id = 'roll'") == [("orm",), ("1",), ("final",)]
    for kind in ("feedback", "held_out"):
        assert asked(connection, f"select orm, path_id from {kind}") == [("orm", "roll"), ("orm2", "roll")]


def test_several_orms_have_their_own_tables(run: Path) -> None:
    for orm in ("orm", "orm2"):
        store.write(run / layout.orm_feedback(orm), Feedback, [rows.feedback("roll", "1abc1", Status.WRONG)])
    found = catalogue(run)
    assert [view for view, entry in found.items() if entry.kind == "feedback"] == ["orm_feedback", "orm2_feedback"]
    assert found["orm2_feedback"].short == "feedback@orm2"


@pytest.mark.parametrize(
    "former", ["round_1_paths", "round_1_verdicts", "reflect_paths", "reflect_verdicts", "eval_base", "eval_final"]
)
def test_former_views_answer_and_are_not_listed(run: Path, former: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(run), "query", f"select count(*) as rows from {former.upper()}", "--csv"]) == 0
    assert int(capsys.readouterr().out.split()[1]) > 0
    assert cli.main(["-C", str(run), "query", "show tables", "--csv"]) == 0
    listed = capsys.readouterr().out.split()
    assert former not in listed
    assert {"paths_1", "verdicts_final", "predictions_base"} <= set(listed)


@pytest.mark.parametrize(
    "former", ["distill_paths", "student_mix", "student_paths", "orm_mix", "orm_feedback", "mix_0"]
)
def test_former_views_of_the_first_steps_answer(run: Path, former: str, capsys: pytest.CaptureFixture[str]) -> None:
    with toy.within(run):
        for step in ("0", "student"):
            store.write(layout.paths(step), schemas.Path, [rows.path(step)])
        for mix in ("0", "student", "orm"):
            store.write(layout.mix(mix), MixRow, [toy.mix_row("a1", "p1")])
        store.write(layout.orm_feedback("orm"), Feedback, [rows.feedback("a1", "p1", Status.WRONG)])
    assert cli.main(["-C", str(run), "query", f"select count(*) as rows from {former}", "--csv"]) == 0
    assert capsys.readouterr().out.split() == ["rows", "1"]


@pytest.mark.parametrize(
    ("view", "former"),
    [
        ("paths_0", "distill/paths"), ("verdicts_1", "rounds/1/verdicts"), ("paths_final", "reflect/paths"),
        ("predictions_base", "eval/base/predictions"), ("predictions_final", "eval/final/predictions"),
        ("mix_0", "mix/0"), ("mix_orm", "orm/mix"), ("mix_student", "orm/student_mix"),
        ("paths_student", "orm/student_paths"), ("orm_feedback", "orm/feedback"), ("rejects", "problems/rejects"),
    ],
)  # fmt: skip
def test_where_tables_of_earlier_revisions_lie(run: Path, view: str, former: str) -> None:
    assert former_place(view, names.of(run)) == Path(f"data/{former}.parquet")


def test_what_was_not_there_has_no_former_place(run: Path) -> None:
    assert former_place("remaining_0", names.of(run)) is former_place("problems", names.of(run)) is None


def test_a_project_without_tables_can_be_asked(tmp_path: Path) -> None:
    assert asked(connect(tmp_path), "show tables") == []


def prediction(problem_id: str) -> Prediction:
    return Prediction(
        problem_id=problem_id, author="m", prompt_id="solve-brief@1", text="4", answer="4", status=Status.CORRECT,
        reason="equal", finish_reason="stop", tokens_in=1, tokens_out=1,
    )  # fmt: skip
