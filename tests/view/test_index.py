import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from mathse import layout
from mathse.errors import UserError
from mathse.view import filters, index, rows
from mathse.view.tables import discover
from tests.view.conftest import client_of, write_run


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with index.open_index(index.ensure(discover(write_run(tmp_path_factory.mktemp("indexed"))))) as connection:
        yield connection


@pytest.mark.parametrize(
    "sql",
    [
        "create table x (a int)",
        "delete from rows",
        "copy rows to '/tmp/mathse-view-leak.csv'",
        "select * from read_text('/etc/hostname')",
        "attach '/tmp/mathse-view-leak.duckdb'",
        "install fts",
        "set enable_external_access = true",
    ],
)
def test_its_connection_reads_the_index_and_nothing_else(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        connection.execute(sql)


def test_nothing_is_damaged_in_a_sound_run(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute("select name from labels where kind = 'damage'").fetchall() == []
    assert connection.execute("select count(*) from answers").fetchall() == [(8,)]
    assert connection.execute("select bool_and(rid = rowid) from rows").fetchall() == [(True,)]


def test_it_is_built_once_for_a_state_of_the_tables(tmp_path: Path) -> None:
    write_run(tmp_path)
    first = index.ensure(discover(tmp_path))
    stamp = first.stat().st_mtime_ns
    assert index.ensure(discover(tmp_path)) == first and first.stat().st_mtime_ns == stamp


def test_a_damaged_index_and_what_a_killed_build_left_are_replaced(tmp_path: Path) -> None:
    write_run(tmp_path)
    file = index.ensure(discover(tmp_path))
    file.write_bytes(file.read_bytes()[:5000])
    left = file.with_name(".999999999.duckdb")
    left.write_bytes(b"half")
    again = index.ensure(discover(tmp_path))
    assert index.open_index(again).execute("select count(*) > 60 from rows").fetchall() == [(True,)]
    assert list(file.parent.iterdir()) == [again]


def flipped(content: bytearray) -> None:
    content[len(content) // 2] ^= 1


def with_blocks_swapped(content: bytearray) -> None:
    """The two headers, each with a sum that is right: DuckDB opens what the file was before."""
    content[4096:8192], content[8192:12288] = content[8192:12288], content[4096:8192]


def overwritten(content: bytearray) -> None:
    content[:] = b"hello"


@pytest.mark.parametrize("damage", [flipped, with_blocks_swapped, overwritten])
def test_a_damaged_index_is_built_anew_at_the_next_start(tmp_path: Path, damage: Callable[[bytearray], None]) -> None:
    write_run(tmp_path)
    file = index.ensure(discover(tmp_path))
    content = bytearray(file.read_bytes())
    damage(content)
    file.write_bytes(content)
    with client_of(tmp_path) as client:
        for page in ("/", "/paths?q=angle", "/path/r1", "/problem/p1", "/compare", "/predictions"):
            assert client.get(page).status_code == 200
        assert client.get("/paths/count").text == "67 paths"
    assert len(list(file.parent.iterdir())) == 1


def test_an_index_that_is_damaged_while_it_is_shown_is_named_and_removed(tmp_path: Path) -> None:
    write_run(tmp_path)
    with client_of(tmp_path) as client:
        (file,) = (tmp_path / layout.STATE / "view").iterdir()
        with file.open("r+b") as content:
            content.seek(3 * 4096)
            content.write(bytes(file.stat().st_size - 3 * 4096))
        answer = client.get("/paths?q=angle")
    assert answer.status_code == 503
    assert f"{file} is damaged, and is removed" in answer.text
    assert "start it again: the index is then built anew" in answer.text and "dvc repro" not in answer.text
    assert not file.exists()
    with client_of(tmp_path) as client:
        assert client.get("/paths?q=angle").status_code == 200


def test_an_index_of_a_folder_that_cannot_be_written_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path)
    file = index.ensure(discover(tmp_path))
    file.with_name(".999999999.duckdb").write_bytes(b"half")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    assert index.ensure(discover(tmp_path)) == file
    file.write_bytes(b"damaged")
    monkeypatch.setattr(index, "_build", read_only)
    with pytest.raises(UserError, match=r"cannot be built.*Read-only file system.*must be writable"):
        index.ensure(discover(tmp_path))


def test_parts_and_windows_do_not_change_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path)
    monkeypatch.setattr(index, "PART_ROWS", 1)
    monkeypatch.setattr(rows, "WINDOW", 11)
    monkeypatch.setattr(rows, "WIDEST", 23)
    monkeypatch.setattr(rows, "NARROWEST", 1)
    connection = index.open_index(index.ensure(discover(tmp_path)))
    known = filters.vocabulary(connection)

    def every(choices: dict[str, str], cursor: str = "after") -> list[int]:
        seen: list[int] = []
        place: int | None = -1 if cursor == "after" else 10**6
        while place is not None:
            pairs = [*choices.items(), (cursor, str(max(place, 0)))] if place != -1 else [*choices.items()]
            page = rows.page(connection, filters.parse(pairs, [*choices, cursor], known, connection))
            found = [row["rid"] for row in page.rows]
            seen = seen + found if cursor == "after" else found + seen
            place = page.older if cursor == "after" else page.newer
        return seen

    for choices, total in [
        ({"q": "angle"}, 60),
        ({"q": '"step 1" angle'}, 60),
        ({"q": "word3 angle"}, 1),
        ({"q": '"step 1" 110'}, 1),
        ({"q": "nowhere"}, 0),
    ]:
        query = filters.parse(choices.items(), list(choices), known, connection)
        for budget in (10.0, 0.0):
            monkeypatch.setattr(rows, "BUDGET", budget)
            forth, back = every(choices), every(choices, "before")
            assert len(forth) == total and forth == back == sorted(forth)
            assert rows.count(connection, query) == (total, True) or not budget
        number, whole = rows.count(connection, query)
        assert number < total or total < 2
        assert not whole


@pytest.mark.parametrize("rows_per_second", [10_000_000, 300_000])
@pytest.mark.parametrize("cursor", ["after", "before"])
def test_a_search_ends_in_time_however_slow_the_texts_are(
    rows_per_second: int, cursor: str, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looked_through, number = 0.0, 0, 50_000_000
    monkeypatch.setattr("mathse.view.rows.time.monotonic", lambda: now)
    monkeypatch.setattr(rows, "last", lambda _: number - 1)
    ends = (0, None) if cursor == "after" else (None, number - 1)
    query = filters.Query({}, words=("angle",), after=ends[0], before=ends[1])
    for low, high, more in rows._windows(connection, query):
        now += (high - low + 1) / rows_per_second
        looked_through += high - low + 1
        assert more
    assert now < 1.1 * rows.BUDGET, "a page that waits for a search has a second"
    assert looked_through > 0.5 * rows.BUDGET * rows_per_second, "time was left"


def test_requests_at_once_share_an_index(connection: duckdb.DuckDBPyConnection) -> None:
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(20):
                assert len(rows.page(connection.cursor(), filters.Query({})).rows) == rows.PAGE
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize(
    ("error", "passed_on"),
    [
        (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), True),
        (duckdb.OutOfMemoryException("Out of Memory Error"), True),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), True),
        (duckdb.IOException('IO Error: Cannot open file "x.parquet": Input/output error'), True),
        (duckdb.IOException("IO Error: page checksum does not match"), False),
    ],
)
def test_only_what_is_wrong_with_a_table_is_its_damage(error: duckdb.Error, passed_on: bool, tmp_path: Path) -> None:
    file = write_run(tmp_path) / layout.PROBLEMS
    connection = duckdb.connect()
    connection.execute("create table labels (kind varchar, code integer, name varchar)")

    def add() -> None:
        raise type(error)(str(error))  # a parameter outlives its test, and would keep the connection

    if passed_on:
        with pytest.raises(type(error)):
            index._add(connection, file, add)
    else:
        index._add(connection, file, add)
        ((said,),) = connection.execute("select name from labels where kind = 'damage'").fetchall()
        assert said.startswith(f"{file}: cannot be read") and "dvc repro" in said
