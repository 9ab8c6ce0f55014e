"""Runs stages in forks of a process that has loaded torch and the rest once, as starting up is most of a small stage.

`dvc repro` calls `python -m stages.train 0`. With `Forks`, the first `python` on its path is a script that hands
command, folder, environment and the three streams to a server, waits for the fork to end and takes its status. The fork
imports the clone's own `mathse` and `stages`; only what others have written is loaded before. In the loop that shows
that stages start by themselves, the first of each kind (`STARTED`) is a process of its own.

    python -m tests.pipeline.forks dvc repro    runs a command, all of its stages as forks
"""

import array
import atexit
import gc
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
OURS = ("mathse", "stages")
STREAMS = (0, 1, 2)
STARTED = (
    "stages.accuracy",
    "stages.benchmarks",
    "stages.problems",
    "stages.base",
    "stages.student_mix",
    "stages.train student",
    "stages.orm_paths orm",
    "stages.orm_mix orm",
    "stages.evaluate_orm orm",
    "stages.curation orm",
    "stages.paths 0",  # of a teacher
    "stages.judge 0",
    "stages.mix 0",
    "stages.paths 1",  # of a model
    "stages.evaluate base",
    "stages.report",
)
"""Every kind of stage once, in the smoke preset's loop."""

_SHIM = """\
#!{python} -IS
import array, json, os, socket, sys
if sys.argv[1:2] != ["-m"] or not sys.argv[2].startswith("stages.") or " ".join(sys.argv[2:]) in {started!r}:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
told = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", (0, 1, 2))
server.sendmsg([len(told).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(told)
status = server.recv(8)
sys.exit(int(status) if status else 1)
"""


class Forks:
    """The server, running within a `with` block; one of its folders of a `python` goes in front of PATH.

    `all` forks every stage, `repeated` those that are not in `STARTED`.
    """

    def __enter__(self) -> Self:
        """Start it; it listens once all is loaded."""
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        folder = Path(self._folder.name)
        address = str(folder / "server")
        self.all, self.repeated = folder / "all", folder / "repeated"
        for place, started in ((self.all, ()), (self.repeated, STARTED)):
            place.mkdir()
            text = _SHIM.format(python=sys.executable, address=address, started=started)
            (place / "python").write_text(text, encoding="utf-8")
            (place / "python").chmod(0o755)
        command = [sys.executable, "-c", f"from tests.pipeline.forks import serve; serve({address!r})"]
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": ""}
        self._server = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, env=environment)
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n", "the server of forks did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()
        self._folder.cleanup()


def serve(address: str) -> None:
    """Load everything, then fork for whoever comes, one at a time, as `dvc repro` asks."""
    import stages  # noqa: F401 (what torch reads from the environment is set there)

    _load()
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]  # a fork has those of the clone it runs in
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(ROOT))]
    gc.freeze()  # a fork that looked through what is loaded would copy it
    atexit.register(gc.unfreeze)  # what is frozen at the interpreter's end is not taken apart, and DuckDB complains
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        # The end of its input is the end of whoever started it.
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            client, _ = listener.accept()
            with client:
                _answer(client)


def _load() -> None:
    import datasets  # noqa: F401
    import duckdb  # noqa: F401
    import polars  # noqa: F401
    import vl_convert  # noqa: F401

    import mathse.loop.ask.engines.runtimes.transformers
    import mathse.training.train  # noqa: F401


def _answer(client: socket.socket) -> None:
    """Run what a client asks for, and tell it how that ended; whoever asks may be killed at any time."""
    head, rights, _, _ = client.recvmsg(8, socket.CMSG_SPACE(len(STREAMS) * array.array("i").itemsize))
    if not rights:
        return
    streams = array.array("i")
    streams.frombytes(rights[0][2])
    size, told = int.from_bytes(head, "big"), bytearray()
    while len(told) < size and (piece := client.recv(size - len(told))):
        told += piece
    child = os.fork() if len(told) == size else None
    if child == 0:
        command, folder, environment = json.loads(told)
        os._exit(_run(command, folder, environment, list(streams)))
    for stream in streams:
        os.close(stream)
    if child is not None:
        _, status = os.waitpid(child, 0)
        with suppress(ConnectionError):
            client.sendall(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())


def _run(command: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> int:
    """Be the stage; returns its exit status."""
    for own, given in zip(STREAMS, streams, strict=True):
        os.dup2(given, own)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = command
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    with Forks() as forks:
        path = os.pathsep.join([str(forks.all), os.environ["PATH"]])
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "PATH": path}, check=False).returncode)
