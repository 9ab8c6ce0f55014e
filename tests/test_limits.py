"""Foreign SQL is bounded in memory, and a Ctrl-C ends whatever a command is in the middle of."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mathse import cli
from mathse.limits import INTERRUPTED, bounded_memory, ending_at_interrupt
from tests.test_cli import ROOT

AT_ONCE = 10.0
"""Seconds, on a busy machine."""
ENDLESS = "select count(*) from range(100000) a(i), range(1000000) b(i) where a.i + b.i = 3"


def query(sql: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mathse.cli", "query", sql], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("sql", ["select range(1000000000)", "select repeat('x', 100000000) from range(1000)"])
def test_a_query_that_takes_too_much_is_an_error(sql: str, tmp_path: Path) -> None:
    with query(sql, tmp_path) as process:
        complaint = process.communicate(timeout=120)[1]
    assert process.returncode == cli.USER_ERROR
    assert complaint == "mathse: query: takes more than the 2GB there are; ask for less at once\n"


def test_ctrl_c_ends_a_query_that_does_not_look_up(tmp_path: Path) -> None:
    with query(ENDLESS, tmp_path) as process:
        time.sleep(3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (INTERRUPTED, "")
    assert time.monotonic() - start < AT_ONCE


def test_what_duckdb_makes_of_a_ctrl_c_is_a_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), ending_at_interrupt():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None


def test_afterwards_all_is_as_it_was() -> None:
    before = signal.getsignal(signal.SIGINT), resource.getrlimit(resource.RLIMIT_DATA)
    with ending_at_interrupt(), bounded_memory(2**30):
        assert signal.getsignal(signal.SIGINT) is not before[0]
        with pytest.raises(MemoryError):
            bytearray(2**31)
    assert (signal.getsignal(signal.SIGINT), resource.getrlimit(resource.RLIMIT_DATA)) == before


def test_blocks_of_several_threads_leave_no_bound_behind() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first_in, second_in = threading.Event(), threading.Event()

    def first() -> None:
        with bounded_memory(2**30):
            first_in.set()
            second_in.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    first_in.wait(10)
    with bounded_memory(2**31):
        bound = resource.getrlimit(resource.RLIMIT_DATA)[0]
        second_in.set()
        thread.join()  # the block that began first ends first
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == bound
        with pytest.raises(MemoryError):
            bytearray(3 * 2**30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
