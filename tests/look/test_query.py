import csv
import io
import json
from pathlib import Path

import pytest

from mathse import cli
from mathse.errors import UserError
from mathse.look.query import LARGEST, as_csv, as_json, as_table, query, statement

SQL = "select problem_id, choices, null as nothing from problems order by problem_id"


def test_csv_reads_back(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, SQL, as_csv)
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["problem_id", "choices", "nothing"]
    assert rows[0] == ["1abc1", '["60", "70"]', ""]
    assert len(rows) == 3


def test_json_is_one_object_a_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, SQL, as_json)
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first == {"problem_id": "1abc1", "choices": ["60", "70"], "nothing": None}


def test_a_table_shows_markup_and_bytes_as_they_are(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, "select '[red]x' as said, data from images", as_table)
    shown = capsys.readouterr().out
    assert "[red]x" in shown
    assert " bytes>" in shown


def test_a_limit_is_told_on_stderr(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, SQL, as_csv, limit=2)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 3
    assert "first 2 rows" in printed.err
    query(run, SQL, as_csv, limit=3)
    assert not capsys.readouterr().err


def test_for_programs_nothing_is_cut(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, "from range(5000)", as_json)
    assert len(capsys.readouterr().out.splitlines()) == 5000


@pytest.mark.parametrize("sql", ["selec 1", "select nothing", "drop view problems", "select 1; select 2", ""])
def test_what_does_not_read_is_an_error(run: Path, sql: str) -> None:
    with pytest.raises(UserError):
        query(run, sql, as_csv)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_tables_are_whole_at_any_width(
    run: Path, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    query(run, "select *, 3440064602802668945 as n from paths", as_table)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width and "…" not in printed
    query(run, "select * from paths", as_json)
    for line in capsys.readouterr().out.splitlines():
        assert all(str(value) in printed for name, value in json.loads(line).items() if value and name != "text")


def test_numbers_end_at_the_right(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(run, "select 'a' as name, 5 as n, 0.5 as x, true as flag union all select 'bb', 12345, null, false", as_table)
    heading, _, *rows = capsys.readouterr().out.splitlines()
    assert heading == "name      n    x  flag"
    assert sorted(rows) == ["a         5  0.5  True", "bb    12345       False"]


def test_a_statement_may_come_from_a_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run / "mine.sql"
    file.write_text("-- mine\nselect count(*) as n from problems\n")
    assert cli.main(["-C", str(run), "query", "-f", str(file), "--csv"]) == 0
    assert capsys.readouterr().out == "n\n3\n"
    file.write_bytes(b"\xef\xbb\xbfselect 1 as n")
    assert statement(file) == "select 1 as n", "without the mark of an editor"
    file.write_bytes(b"\xff")
    assert cli.main(["-C", str(run), "query", "-f", str(file)]) == cli.USER_ERROR
    assert f"{file}: cannot be read as SQL" in capsys.readouterr().err
    file.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(UserError, match="more than 1,048,576 bytes"):
        statement(file)
