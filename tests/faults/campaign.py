"""Kill what writes before each of its system calls, let each of them fail, and look at what is left.

Runs with `faults.c` preloaded (`preloaded`). Each case is a child of its own, forked from a process that has loaded
everything, on a copy of the scenario's files:

    kill      the process ends before the call, as by SIGKILL or a power cut
    EIO       the call fails once
    ENOSPC    the call and every changing one after it fail: the disk is full
    EROFS     likewise, removing included: the disk has become read-only

Afterwards each part of the state is the old one or the new one; an error was one message for the user; and the same
run again, undisturbed, gives what it gives without faults, with nothing left beside it.
"""

import ctypes
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mathse.errors import UserError

SOURCE = Path(__file__).with_name("faults.c")
FAULTS: Mapping[str, tuple[int, bool]] = {
    "kill": (0, False),
    "EIO": (errno.EIO, False),
    "ENOSPC": (errno.ENOSPC, True),
    "EROFS": (errno.EROFS, True),
}
SECONDS = 60
"""Longer than any case takes: what does not end hangs."""
STRAY = re.compile(r"\..+\.(partial|spill|old|new|wal)$|^\.\d+\.duckdb")

DONE, REFUSED, CRASHED = 0, 2, 3


class NoCompiler(Exception):
    """There is no C compiler, or this is not Linux."""


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit status (negative: a signal), and what it printed."""

    status: int
    output: str
    calls: int = 0


def preloaded(folder: Path) -> dict[str, str]:
    """Compile the library into `folder`; returns an environment that preloads it.

    Raises:
        NoCompiler: It cannot be made here.
        RuntimeError: The compiler finds an error in it.
    """
    library = folder / "faults.so"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        raise NoCompiler("no C compiler, or not Linux")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"{SOURCE}: {made.stderr}")
    # Libraries that start threads when they are loaded could not be forked safely.
    single = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "ARROW_IO", "POLARS_MAX")}
    return {**os.environ, **single, "LD_PRELOAD": str(library), "MATHSE_FAULTS": str(library)}


class Campaign:
    """The cases of the scenarios, run one after another."""

    def __init__(self, folder: Path) -> None:
        """Work below `folder`; the library must be preloaded."""
        from tests.faults.scenarios import SCENARIOS  # with everything that the children need

        self.scenarios, self._folder = SCENARIOS, folder
        self._library = ctypes.CDLL(os.environ["MATHSE_FAULTS"])
        self._library.faults_calls.restype = ctypes.c_long

    def cases(self, name: str) -> int:
        """Prepare a scenario, and run it once without a fault.

        Returns:
            How many system calls it makes that can fail.
        """
        scenario, before, after = self.scenarios[name], self._folder / name / "before", self._folder / name / "after"
        before.mkdir(parents=True)
        self._require(name, self._child(before, scenario.prepare))
        shutil.copytree(before, after)
        ending = self._child(after, scenario.act)
        self._require(name, ending)
        if not ending.calls:
            raise AssertionError(f"{name}: no system call is seen: the library is not preloaded")
        if scenario.state(before) == scenario.state(after):
            raise AssertionError(f"{name}: changes nothing")
        return ending.calls

    def run(self, name: str, fault: str, at: int) -> str | None:
        """One case; returns what is wrong, if anything."""
        scenario, before, after = self.scenarios[name], self._folder / name / "before", self._folder / name / "after"
        root = self._folder / name / "case"
        shutil.copytree(before, root)
        try:
            ending = self._child(root, scenario.act, at, *FAULTS[fault])
            if ending.status not in (DONE, REFUSED, -signal.SIGKILL):
                return f"ended with status {ending.status}: {ending.output[-2000:]}"
            if ending.status == REFUSED and not re.search(r"\S+: .+", ending.output):
                return f"an error that names nothing: {ending.output}"
            old, new, state = scenario.state(before), scenario.state(after), scenario.state(root)
            wrong = [part for part in state if state[part] not in (old[part], new[part])]
            if ending.status == DONE:
                wrong += [part for part in state if state[part] != new[part]]
            if wrong:
                return f"status {ending.status}, and these are neither as before nor as they should be: {wrong}"
            again = self._child(root, scenario.act)
            if again.status != DONE:
                return f"run again: status {again.status}: {again.output[-2000:]}"
            if scenario.state(root) != new:
                return "run again: another result"
            left = sorted(path.name for path in root.rglob("*") if STRAY.search(path.name))
            return f"run again: left behind {left}" if left else None
        except Exception:
            return traceback.format_exc()
        finally:
            shutil.rmtree(root)

    def _child(
        self, root: Path, act: Callable[[Path], object], at: int = 0, error: int = 0, lasting: bool = False
    ) -> Ending:
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                signal.alarm(SECONDS)
                status = CRASHED
                try:
                    self._library.faults_arm(os.fsencode(root), ctypes.c_long(at), error, int(lasting))
                    act(root)
                    status = DONE
                except UserError as refused:
                    print(refused, flush=True)
                    status = REFUSED
                except OSError as refused:  # a stage and the command say it so, where it names a file
                    print(f"{refused.filename}: {refused.strerror}" if refused.filename else traceback.format_exc())
                    sys.stdout.flush()
                    status = REFUSED if refused.filename else CRASHED
                except BaseException:
                    traceback.print_exc()
                finally:
                    calls = self._library.faults_calls()
                    os.write(1, f"\n{calls}".encode())
                    os._exit(status)
            _, waited = os.waitpid(child, 0)
            output.seek(0)
            text, _, calls = output.read().decode(errors="replace").rpartition("\n")
            return Ending(os.waitstatus_to_exitcode(waited), text, int(calls) if calls.isdigit() else 0)

    def _require(self, name: str, ending: Ending) -> None:
        if ending.status != DONE:
            raise AssertionError(f"{name}: fails without a fault: {ending.output}")


def failures(folder: Path, wanted: Mapping[str, int | None]) -> Iterator[tuple[str, str | None]]:
    """The cases of some scenarios, each with what is wrong.

    Args:
        wanted: Cases by scenario, drawn by a fixed seed; None: all of it.
    """
    campaign = Campaign(folder)
    for name, most in (wanted or dict.fromkeys(campaign.scenarios)).items():
        faults = campaign.scenarios[name].faults
        cases = [(fault, at + 1) for at in range(campaign.cases(name)) for fault in faults]
        if most is not None and most < len(cases):
            cases = sorted(random.Random(name).sample(cases, most))
        for fault, at in cases:
            yield f"{name} {fault} at call {at}", campaign.run(name, fault, at)


def main() -> int:
    """Run the cases of the scenarios that the command line names (`store`, `mix:20`: 20 of its cases); print faults."""
    wanted = {name: int(most) if most else None for name, _, most in (word.partition(":") for word in sys.argv[1:])}
    count, wrong = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for case, failure in failures(Path(folder), wanted):
            count += 1
            if failure is not None:
                wrong += 1
                print(f"{case}: {failure}\n", flush=True)
    print(f"{count} cases, {wrong} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
