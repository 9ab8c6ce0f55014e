import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mathse import cli

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_serves_and_ends_cleanly(shown: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "mathse.cli", "-C", str(shown), "view", "--no-browser", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout and running.stderr
        url = running.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}", url)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url.split("?")[0], timeout=20)
        running.send_signal(ending)
        assert running.wait(timeout=20) == (0 if ending is signal.SIGINT else -signal.SIGTERM)
        assert "Traceback" not in running.stderr.read()


def test_a_taken_port_is_a_clear_error(shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["-C", str(shown), "view", "--no-browser", "--port", str(port)]) == cli.USER_ERROR
    said = capsys.readouterr().err
    assert f"port {port}: Address already in use; --port N takes another" in said


@pytest.mark.parametrize("port", ["65536", "-1", "x"])
def test_no_such_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["view", "--port", port])
    assert "must be" in capsys.readouterr().err


def test_no_such_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(tmp_path / "none"), "view", "--no-browser", "--port", "0"]) == cli.USER_ERROR
    assert "not a folder" in capsys.readouterr().err


def test_nothing_heavy_is_loaded() -> None:
    program = "import sys, mathse.view.server; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not {"torch", "transformers", "polars", "matplotlib"} & set(loaded.split())
