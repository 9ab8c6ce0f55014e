from pathlib import Path

import duckdb
import pytest

from mathse import layout
from mathse.tables import schemas, store, views
from mathse.tables.schemas import MixRow, Prediction, Problem, Reject, Status, Verdict
from mathse.tables.views import QueryError
from tests import rows


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    file = tmp_path / 'it\'s [1] "odd" *.parquet'
    store.write(file, Reject, [Reject(source="s", source_id=str(n), reason="r") for n in range(3000)])
    return file


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return list(views.query(connection, sql).rows)


def test_odd_names_are_taken_as_they_are(rejects: Path) -> None:
    connection = views.connect({'my "view"': rejects})

    assert asked(connection, 'select count(*) from "my ""view"""') == [(3000,)]


def test_an_answer_has_columns_and_streams_its_rows(rejects: Path) -> None:
    answer = views.query(views.connect({"rejects": rejects}), "select source_id as id, 1 as one from rejects")

    assert answer.columns == ["id", "one"]
    assert [row[0] for row in answer.rows] == sorted(str(n) for n in range(3000))


@pytest.mark.parametrize("sql", ["from rejects limit 1", "describe rejects", "show tables", "summarize rejects"])
def test_every_way_to_look_is_allowed(rejects: Path, sql: str) -> None:
    assert len(asked(views.connect({"rejects": rejects}), sql)) >= 1


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select 1; select 2",
        "create table t as select 1",
        "drop view rejects",
        "copy (select 1) to '{file}'",
        "explain analyze copy (select 1) to '{file}'",
        "copy rejects to '{folder}/new.csv'",
        "attach '{folder}/new.db'",
        "export database '{folder}/new'",
        "install httpfs",
        "load httpfs",
        "set threads = 4",
        "set enable_external_access = true",
        "pragma enable_profiling",
        "select * from read_text('/etc/hostname')",
        "select * from read_parquet('{folder}/other.parquet')",
        "select * from '{folder}/other.parquet'",
        "select * from glob('/etc/*')",
        "select * from read_csv('https://example.org/x.csv')",
        "select * from nowhere",
        "selct 1",
    ],
)
def test_nothing_else_is(rejects: Path, sql: str) -> None:
    folder = rejects.parent
    store.write(folder / "other.parquet", Reject, [])
    before = {file: file.read_bytes() for file in folder.iterdir()}

    with pytest.raises(QueryError, match=r"^query: "):
        asked(views.connect({"rejects": rejects}), sql.format(file=str(rejects).replace("'", "''"), folder=folder))
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_python_variables_are_out_of_reach(rejects: Path) -> None:
    secret = duckdb.sql("select 1 as a")

    with pytest.raises(QueryError, match="secret"):
        asked(views.connect({"rejects": rejects}), "from secret")
    assert secret is not None and secret.fetchall() == [(1,)]


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"gone\.parquet: not found; make it with `dvc repro`"):
        views.connect({"gone": tmp_path / "gone.parquet"})
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(QueryError, match=r"text\.parquet: cannot be read"):
        views.connect({"text": tmp_path / "text.parquet"})


def test_large_sorts_spill_to_disk(tmp_path: Path, rejects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(views, "MEMORY_LIMIT", "24MB")
    connection = views.connect({"rejects": rejects})
    large = "select md5(i::varchar) || repeat('x', 50) as h from range(500000) t(i) order by h"

    assert asked(connection, f"select count(*), min(h)[:4] from ({large} limit 400000)") == [(400000, "0000")]
    assert list((tmp_path / ".mathse" / "duckdb").iterdir()) != []
    connection.close()
    assert list((tmp_path / ".mathse" / "duckdb").iterdir()) == []


def test_an_error_in_a_late_row_is_explained(rejects: Path) -> None:
    answer = "select case when source_id = '999' then error('late') else '' end from rejects"

    with pytest.raises(QueryError, match="late"):
        asked(views.connect({"rejects": rejects}), answer)


def test_every_table_of_a_project_is_a_view(tmp_path: Path) -> None:
    store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem()])
    for folder, name in ((layout.DISTILL, "a0"), (layout.round_dir(2), "a2"), (layout.round_dir(10), "a10")):
        store.write(tmp_path / layout.paths(folder), schemas.Path, [rows.path(name)])
        store.write(tmp_path / layout.verdicts(folder), Verdict, [rows.verdict(name)])
    store.write(tmp_path / layout.STUDENT_PATHS, schemas.Path, [rows.path("s")])
    for model in ("final", "10", "9", "0"):
        store.write(tmp_path / layout.mix(model), MixRow, [])
    store.write(tmp_path / layout.predictions("base"), Prediction, [prediction("p1")])
    store.write(tmp_path / layout.predictions(0), Prediction, [prediction("p1")])
    (tmp_path / layout.MIXES / ".0.parquet.12.new").write_text("half-written")

    assert list(views.all_tables(tmp_path)) == [
        *("problems", "student_paths", "distill_paths", "distill_verdicts", "round_2_paths", "round_2_verdicts"),
        *("round_10_paths", "round_10_verdicts", "mix_0", "mix_9", "mix_10", "mix_final", "eval_base", "eval_0"),
    ]
    connection = views.connect_project(tmp_path)
    assert asked(connection, "select step, path_id from paths order by all") == [
        *(("distill", "a0"), ("round_10", "a10"), ("round_2", "a2"), ("student", "s")),
    ]
    assert asked(connection, "select count(*), count(distinct step) from verdicts") == [(3, 3)]
    assert asked(connection, "select model_name, problem_id from predictions") == [("base", "p1"), ("0", "p1")]


def test_a_project_without_tables_can_be_asked(tmp_path: Path) -> None:
    assert asked(views.connect_project(tmp_path), "show tables") == []


def prediction(problem_id: str) -> Prediction:
    return Prediction(
        problem_id=problem_id, model="m", prompt="solve-brief@1", text="4", answer="4", status=Status.CORRECT,
        reason="equal", finish_reason="stop", tokens_in=1, tokens_out=1,
    )  # fmt: skip
