"""Programs as forks of a process that has loaded what they need: to load torch is most of a small program."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

# A fork leaves the loop and runs the program to the end of the interpreter, as a process of its own would.
_LOOP = """
import atexit, gc, os, sys
{load}
gc.freeze()  # a fork that looked through what is loaded would copy it
atexit.register(gc.unfreeze)  # what is frozen at the interpreter's end is not taken apart, and DuckDB complains
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        break
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.setsid()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
sys.argv[1:] = line.split()
{program}
"""


class Forked:
    """Runs a program again and again, one fork at a time, within a `with` block.

    Args:
        load: What is done once, as Python.
        program: What each fork does, as Python; its arguments are in `sys.argv`.
        folder: Where it runs.
        log: Takes what it prints.
        environment: Its own.
    """

    def __init__(self, load: str, program: str, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _LOOP.format(load=load, program=program)],
                cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def start(self, *arguments: object) -> int:
        """Begin; returns the fork's process id, which is its process group's too."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, arguments)) + "\n")
        self._process.stdin.flush()
        return self._number()

    def end(self) -> int:
        """Wait for the fork to end; returns its exit code, or that of the signal that has ended it with a minus."""
        return self._number()

    def finish(self, *arguments: object) -> int:
        """Run one to its end, which is a good one; returns the process id that it had."""
        process = self.start(*arguments)
        assert self.end() == 0, self._log.read_text(encoding="utf-8")
        return process

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def lives(process: int) -> bool:
    """Whether a process runs: it is there, and has not only been left for its parent to take note of."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
