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


def test_damage_in_the_middle_is_noticed_on_opening(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "j.sqlite"
    with Journal(file) as journal:
        journal.put({str(n): {"text": "x" * 500} for n in range(200)})
    content = bytearray(file.read_bytes())
    content[8192:16384] = random.Random(0).randbytes(8192)
    file.write_bytes(content)

    with caplog.at_level(logging.WARNING), Journal(file) as journal:
        whole = known(journal)
    assert 150 < len(whole) < 200
    assert all(payload == {"text": "x" * 500} for payload in whole.values())
    assert f"set aside as j.sqlite.damaged-1; {len(whole)} of its rows are whole and stay" in caplog.text


def harmed(content: bytes, seed: int) -> bytes:
    """A file after what a disk may do to it: bits or bytes changed, a page of zeros, an end cut off."""
    draw, changed = random.Random(seed), bytearray(content)
    at = draw.randrange(len(changed)) if seed % 3 else draw.randrange(4096)  # the head and the schema matter most
    match draw.randrange(5):
        case 0:
            changed[at] ^= 1 << draw.randrange(8)
        case 1:
            changed[at] = draw.randrange(256)
        case 2:
            changed[at : at + 40] = draw.randbytes(40)[: len(changed) - at]
        case 3:
            page = at // 4096 * 4096
            changed[page : page + 4096] = bytes(len(changed[page : page + 4096]))
        case 4:
            del changed[at:]
    return bytes(changed)


@pytest.mark.parametrize("block", range(2))
def test_a_damaged_journal_gives_the_right_result_or_is_named(tmp_path: Path, block: int) -> None:
    asked = [Request(f"p{n}", 0, "solve@1", turn(f"What is {n}?"), (), Sampling(), 0) for n in range(60)]
    file = tmp_path / "j.sqlite"
    right = list(generate(Scripted(lambda one: f"It is {one.problem_id}. " * 9), asked, file, "t"))
    with Journal(file) as journal:
        journal.hold({"lost": 0.5})
        journal.lose("lost", 0.25)
    content, named, noticed = file.read_bytes(), 0, 0
    for seed in range(50 * block, 50 * block + 50):
        folder = tmp_path / str(seed)
        folder.mkdir()
        damaged = folder / "j.sqlite"
        damaged.write_bytes(harmed(content, seed))
        engine = Scripted(lambda one: f"It is {one.problem_id}. " * 9)
        try:
            assert list(generate(engine, asked, damaged, "t")) == right
        except JournalError as error:
            named += 1
            assert str(damaged) in str(error)
            assert "move it away" in str(error)
        noticed += bool(engine.asked)
    assert noticed > 5, "nothing was ever damaged enough to ask again"
    assert named < 15


def test_a_row_that_is_not_as_it_was_written_is_completed_anew(tmp_path: Path) -> None:
    asked = [Request(f"p{n}", 0, "solve@1", turn("?"), (), Sampling(), 0) for n in range(5)]
    file = tmp_path / "j.sqlite"
    right = list(generate(Scripted(lambda one: f"It is {one.problem_id}."), asked, file, "t"))
    content = file.read_bytes()
    assert content.count(b"It is p3") == 1
    file.write_bytes(content.replace(b"It is p3", b"It is p4"))
    engine = Scripted(lambda one: f"It is {one.problem_id}.")
    assert list(generate(engine, asked, file, "t")) == right
    assert [one.problem_id for one in engine.asked] == ["p3"]


def test_what_is_held_or_lost_is_known_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    program = (
        "import os, sys, pathlib; from mathse.loop.ask.journal import Journal\n"
        "with Journal(pathlib.Path(sys.argv[1])) as j:\n"
        "    j.hold({'a': 1.0, 'b': 2.0, 'c': 4.0, 'd': 8.0}); j.lose('a', 0.5); j.put({'b': {'cost': 0.25}})\n"
        "    j.lose('d', 8.0); j.hold({'d': 16.0}); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], check=False)
    with Journal(file) as journal:
        assert journal.billed() == 0.5 + 0.0 + 4.0 + 8.0 + 16.0
        journal.hold({"c": 1.0})
        assert journal.billed() == 0.5 + 4.0 + 1.0 + 8.0 + 16.0


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
