import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.loop.ask.generate import generate
from mathse.loop.ask.journal import Journal, JournalError
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import Completion, Request, Sampling
from tests.loop.scripted import Scripted

ENTRIES_A_PUT = 5

WRITER = f"""
import sys
from pathlib import Path
from mathse.loop.ask.journal import Journal

with Journal(Path(sys.argv[1])) as journal:
    for put in range(int(sys.argv[2]), 10**6):
        journal.put({{f"{{put}}-{{n}}": {{"text": "x" * 2000, "put": put}} for n in range({ENTRIES_A_PUT})}})
        print(put, flush=True)
"""


def known(journal: Journal) -> dict[str, Any]:
    """All that is journaled."""
    return {key: json.loads(payload) for key, payload in journal._db.execute("select key, payload from completions")}


def test_what_was_put_is_known_in_a_later_session(tmp_path: Path) -> None:
    entries: dict[str, dict[str, Any]] = {"a": {"text": "é\ud800\0", "cost": 0.1}, "b": {"text": ""}}
    with Journal(tmp_path / "deep" / "j.sqlite") as journal:
        journal.put(entries)
    with Journal(tmp_path / "deep" / "j.sqlite") as journal:
        assert known(journal) == entries


def test_a_journal_of_an_earlier_version_still_serves(tmp_path: Path) -> None:
    asked = Request("p1", 0, "solve@1", turn("?"), (), Sampling(), 0)
    file = tmp_path / "j.sqlite"
    with closing(sqlite3.connect(file)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table completions (key text primary key, payload text not null) without rowid")
        payload: dict[str, Any] = {"text": "4", "finish_reason": "stop", "tokens_in": 1, "tokens_out": 1, "cost": 0.5}
        db.execute("insert into completions values (?, ?)", (asked.key("scripted's rules"), json.dumps(payload)))
        db.commit()
    engine = Scripted(lambda _: "asked again")
    assert list(generate(engine, [asked], file, "t")) == [(asked.label, Completion(**payload))]
    assert not engine.asked


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers() | st.text()), max_size=20))
def test_payloads_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, dict[str, object]]
) -> None:
    with Journal(tmp_path_factory.mktemp("journal") / "j.sqlite") as journal:
        journal.put(entries)
        assert known(journal) == entries


def test_a_put_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put({"a": {"n": 1}})
        with pytest.raises(TypeError):
            journal.put({"b": {"n": 2}, "c": {"n": object()}})
        journal._db.execute("pragma max_page_count = 10")
        with pytest.raises(JournalError, match=r"j\.sqlite: cannot be written"):
            journal.put({f"d{n}": {"text": "x" * 9000} for n in range(50)})
        assert len(known(journal)) == 1


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "j.sqlite"),
        pytest.raises(JournalError, match=rf"process {os.getpid()} is still writing"),
        Journal(tmp_path / "j.sqlite"),
    ):
        pass
    with Journal(tmp_path / "j.sqlite") as journal:
        assert not known(journal)


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be looked at" * 100, b"SQLite format 3\0" * 400]
)
def test_a_damaged_journal_is_set_aside(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "j.sqlite"
    for number in (1, 2):
        file.write_bytes(content)
        with caplog.at_level(logging.WARNING), Journal(file) as journal:
            journal.put({"a": {}})
            assert len(known(journal)) == 1
        assert (tmp_path / f"j.sqlite.damaged-{number}").read_bytes() == content
        assert f"set aside as j.sqlite.damaged-{number}" in caplog.text


def test_damage_in_the_middle_is_noticed_on_opening(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    with Journal(file) as journal:
        journal.put({str(n): {"text": "x" * 500} for n in range(200)})
    content = bytearray(file.read_bytes())
    content[8192:16384] = random.Random(0).randbytes(8192)
    file.write_bytes(content)

    with Journal(file) as journal:
        assert not known(journal)
    assert (tmp_path / "j.sqlite.damaged-1").exists()


def test_a_database_of_something_else_is_an_error(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "j.sqlite") as other:
        other.execute("create table completions (something text)")
    other.close()

    with pytest.raises(JournalError, match=r"j\.sqlite: cannot be opened"), Journal(tmp_path / "j.sqlite"):
        pass


def killed_after(seconds: float, file: Path, first: int) -> int:
    """Kill a writer -9 at some moment; the last put that it knew to be written, or `first - 1`."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file), str(first)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    said = writer.communicate()[0].split()
    return int(said[-1]) if said else first


def test_kill_at_random_moments_loses_nothing_and_halves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    moments = random.Random(5)
    first = 0
    for _ in range(6):
        last = killed_after(moments.uniform(0, 0.05), file, first)
        with Journal(file) as journal:
            rows = [payload["put"] for payload in known(journal).values()]
        puts = {put: rows.count(put) for put in set(rows)}
        assert set(puts.values()) == {ENTRIES_A_PUT}
        assert set(puts) >= set(range(last + 1))
        first = max(puts) + 1
    assert not list(tmp_path.glob("*.damaged-*"))
