from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from mathse.tables import store, views
from mathse.tables.schemas import Reject
from mathse.tables.views import QueryError


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
    with pytest.raises(QueryError, match=r"text\.parquet: damaged or not Parquet"):
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


def test_a_damaged_page_is_noticed_before_duckdb_reads_past_it(tmp_path: Path) -> None:
    file = tmp_path / "rejects.parquet"
    store.write(file, Reject, [Reject(source="s", source_id=str(n), reason="r" * (n % 3 + 1)) for n in range(99)])
    content = bytearray(file.read_bytes())
    column = pq.read_metadata(file).row_group(0).column(0)
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(QueryError, match=r"rejects\.parquet: damaged: its bytes are not those.*run `dvc repro`"):
        views.connect({"rejects": file})
