from pathlib import Path

import duckdb
import pytest

from mathse.errors import UserError
from mathse.loop.selection import Contract, Selected, SelectionError, select
from mathse.params import Query

CONTRACT = Contract("mix", ("previous", "paths"))


def selected(folder: Path, sql: str, **parameters: int | float | str) -> Selected:
    (folder / "mix.sql").write_text(sql)
    connection = duckdb.connect()
    connection.execute("create table previous as select 'old' as path_id")
    connection.execute("create table paths as select unnest(['a', 'b', 'c']) as path_id")
    return select(connection, Query(query=folder / "mix.sql", parameters=parameters), CONTRACT, {"seed": 1})


def test_reasons_are_counted_the_most_frequent_first(tmp_path: Path) -> None:
    sql = """
        select path_id, case path_id when 'a' then $name when 'old' then null else 'dull' end as reason
        from (from previous union all from paths)
    """
    counts = selected(tmp_path, sql, name="'; drop table paths")

    assert counts == Selected(4, 1, {"dull": 2, "'; drop table paths": 1})
    assert list(counts.left_out) == ["dull", "'; drop table paths"]
    assert str(counts) == "candidates 4, kept 1, dull 2, '; drop table paths 1"


def test_a_candidate_that_is_not_returned_is_counted(tmp_path: Path) -> None:
    counts = selected(tmp_path, "select path_id, null as reason from paths where path_id = 'a'; -- no more\n")

    assert counts == Selected(4, 1, {"not returned by the query": 3})


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select path_id from paths", r"mix\.sql: column reason is missing; found path_id"),
        ("select 1 as one", r"mix\.sql: column path_id is missing; found one"),
        ("select 'x' as path_id, null as reason", r"mix\.sql: path_id that is no candidate: x; it must return one row"),
        ("select null as path_id, 'r' as reason", r"mix\.sql: rows without a path_id"),
        (
            "select path_id, null as reason from paths union all select 'b', 'again'",
            r"mix\.sql: path_id returned more than once: b; it must return one row per candidate path",
        ),
        ("select path_id, null as reason from nowhere", r"mix\.sql: .*nowhere"),
        ("select path_id, error('bad') as reason from paths", r"mix\.sql: .*bad"),
        ("selct 1", r"mix\.sql: .*syntax error"),
        ("", r"mix\.sql: must be one SELECT statement"),
        ("drop table paths", r"mix\.sql: must be one SELECT statement.*found DROP"),
        ("select 1; select 2", r"mix\.sql: must be one SELECT"),
        ("select $limit as path_id, $n as reason", r"mix\.sql: needs \$limit; add mix\.parameters\.limit to params"),
    ],
)
def test_a_query_that_breaks_its_contract_is_named(tmp_path: Path, sql: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        selected(tmp_path, sql)


def test_a_parameter_that_the_file_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match=r"mix\.parameters\.limti: .*mix\.sql has no \$limti"):
        selected(tmp_path, "select path_id, null as reason from paths", limti=1)


def test_a_missing_file_names_its_key(tmp_path: Path) -> None:
    query = Query(query=tmp_path / "gone.sql")

    with pytest.raises(SelectionError, match=r"gone\.sql: cannot be read.*see mix\.query in params\.yaml"):
        select(duckdb.connect(), query, CONTRACT)
