"""The guard around sympy: what it refuses, and that neither time, memory, signals, threads nor forks upset it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mathse.answers import symbolic
from mathse.answers.symbolic import SymbolicPool, Verdict, default_pool, refusal

ROOT = Path(__file__).parents[2]
SUM = r"\sum_{k=1}^{n} k"
CLOSED = r"\frac{n(n+1)}{2}"
ENDLESS = r"\int \frac{\sqrt{\sin(x^7) + \tan(x^5)}}{\ln(x^{11} + e^{x^3})} dx"


@pytest.fixture(scope="module")
def pool() -> Iterator[SymbolicPool]:
    pool = SymbolicPool(workers=1)
    pool.verify(SUM, CLOSED)
    yield pool
    pool.close()


def process_of(pool: SymbolicPool) -> int:
    worker = pool._idle.get()
    pool._idle.put(worker)
    assert worker is not None
    return worker.process.pid


def children_of(process: int) -> list[int]:
    output = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(child) for child in output.split()]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9^{9^{9^9}}", "a tower of powers"),
        ("x^{y^{z^{w}}}", "a tower of powers"),
        ("9**9**9", "a tower of powers"),
        ("2^{99999999999}", "a large power"),
        ("2^(-100000)", "a large power"),
        ("2^{1,000,000}", "a large power"),
        ("100000!", "a large factorial"),
        ("(5!)!", "a large factorial"),
        ("5!!", "a large factorial"),
        (r"\binom{1000000}{500000}", "a large binomial"),
        ("9" * 61, "a number of over 60 digits"),
        ("x" * 1001, "too long"),
        ("(" * 31 + "x" + ")" * 31, "nested too deep"),
    ],
)
def test_what_is_plainly_too_large_is_refused_before_it_is_sent(text: str, reason: str) -> None:
    assert reason in str(refusal(text))
    never_started = SymbolicPool()
    for pair in ((text, "5"), ("5", text)):
        verdict = never_started.verify(*pair)
        assert verdict.equal is None
        assert reason in verdict.reason
    assert never_started._idle.get() is None


@pytest.mark.parametrize(
    "text", [SUM, CLOSED, "2^{100}", "20!", r"\binom{40}{20}", "x^2 + y^2", "3^{n+1}", "1,234,567"]
)
def test_school_mathematics_is_not_refused(text: str) -> None:
    assert refusal(text) is None


def test_equal_different_and_unreadable(pool: SymbolicPool) -> None:
    assert pool.verify(SUM, CLOSED) == Verdict(True, "equal by math-verify")
    assert pool.verify(SUM, r"\frac{n(n-1)}{2}") == Verdict(False, "different by math-verify")
    assert pool.verify(SUM, "").equal is None


def test_what_runs_for_ever_is_undecided_and_the_next_pair_is_answered_at_once(pool: SymbolicPool) -> None:
    before = process_of(pool)
    for _ in range(3):
        start = time.monotonic()
        assert pool.verify(ENDLESS, "5") == Verdict(None, "symbolic grading timed out")
        assert time.monotonic() - start < 8 * symbolic.SECONDS  # the machine may be busy
        assert pool.verify(SUM, CLOSED).equal
    assert process_of(pool) == before
    assert not children_of(before)


def test_a_killed_worker_is_replaced(pool: SymbolicPool) -> None:
    before = process_of(pool)
    os.kill(before, signal.SIGKILL)
    assert pool.verify(SUM, CLOSED) == Verdict(None, "symbolic grading died")
    assert pool.verify(SUM, CLOSED).equal
    assert process_of(pool) != before


def test_a_worker_that_does_not_answer_is_replaced(pool: SymbolicPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbolic, "WALL_SECONDS", 0.2)
    os.kill(process_of(pool), signal.SIGSTOP)
    assert pool.verify(SUM, CLOSED) == Verdict(None, "symbolic grading timed out")
    monkeypatch.undo()
    assert pool.verify(SUM, CLOSED).equal


def test_memory_is_limited() -> None:
    program = (
        "import sys; from mathse.answers import symbolic_worker as worker; worker.limit_memory(400)\n"
        "print(worker.compare_in_fork('5', '5', 5.0, lambda *_, **__: bytearray(2**30))['reason'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "symbolic grading ran out of memory\n"


def test_a_fork_that_crashes_is_undecided() -> None:
    program = (
        "import ctypes; from mathse.answers import symbolic_worker as worker\n"
        "for crash in (lambda *_, **__: ctypes.string_at(0), lambda *_, **__: __import__('os')._exit(0)):\n"
        "    print(worker.compare_in_fork('5', '5', 5.0, crash)['reason'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "symbolic grading died\n" * 2


def test_eight_threads_at_once() -> None:
    pairs = [(SUM, CLOSED), (SUM, "n"), (r"\int_0^2 x dx", "2"), (r"\int_0^2 x dx", "3")] * 8
    pool = SymbolicPool(workers=2)
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda pair: pool.verify(*pair).equal, pairs))
    pool.close()
    assert verdicts == [True, False, True, False] * 8


def test_from_asyncio(pool: SymbolicPool) -> None:
    async def both() -> list[Verdict]:
        return await asyncio.gather(*(asyncio.to_thread(pool.verify, SUM, other) for other in (CLOSED, "n")))

    assert [verdict.equal for verdict in asyncio.run(both())] == [True, False]


def test_a_forked_child_has_its_own_pool() -> None:
    program = f"""if True:
        import os, warnings
        from mathse.answers.symbolic import default_pool
        warnings.simplefilter("ignore", DeprecationWarning)
        pool = default_pool()
        assert pool.verify({SUM!r}, {CLOSED!r}).equal
        child = os.fork()
        if child == 0:
            os._exit(0 if default_pool() is not pool and default_pool().verify({SUM!r}, {CLOSED!r}).equal else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert default_pool() is pool
        assert pool.verify({SUM!r}, {CLOSED!r}).equal
        print("both")
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "both\n", done.stderr


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(3)", "os.kill(os.getpid(), 9)"])
def test_no_worker_is_left_when_the_process_ends(end: str) -> None:
    program = f"""if True:
        import os
        from mathse.answers.symbolic import default_pool
        pool = default_pool()
        pool.verify({SUM!r}, {CLOSED!r})
        worker = None
        while worker is None:
            worker = pool._idle.get()
            pool._idle.put(worker)
        print(worker.process.pid, flush=True)
        {end}
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    worker = int(done.stdout)
    for _ in range(100):
        if not is_alive(worker):
            break
        time.sleep(0.05)
    assert not is_alive(worker)


def is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_process_has_one_pool() -> None:
    assert default_pool() is default_pool()
