import array
import socket
import subprocess

import pytest

from tests.pipeline.forks import STREAMS, Forks

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("said", [None, b"", b'[["stages'], ids=["nothing", "a length", "a part"])
def test_a_stage_killed_before_it_has_said_what_it_is_ends_nothing_else(forks: Forks, said: bytes | None) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.connect(str(forks.all.parent / "server"))
        if said is not None:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", STREAMS))]
            killed.sendmsg([(100).to_bytes(8, "big")], rights)
            killed.sendall(said)
    command = [str(forks.all / "python"), "-m", "stages.nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "No module named stages.nothing" in done.stderr) == (1, True)
