import html
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from mathse import cli
from mathse.view import server

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


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_token_is_in_no_command_line(shown: Path, tmp_path: Path, ending: signal.Signals) -> None:
    """Everybody on the machine can read the command line of a browser that starts."""
    browser, words, temporary = tmp_path / "browser", tmp_path / "words", tmp_path / "temporary"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {words}.part && mv {words}.part {words}\nsleep 60\n')
    browser.chmod(0o700)
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": f"{browser} %s", "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "mathse.cli", "-C", str(shown), "view", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            url = running.stdout.readline().strip()
            token = url.partition("token=")[2]
            end = time.monotonic() + 20
            while not words.exists():
                assert time.monotonic() < end
                time.sleep(0.05)
            asked = words.read_text().strip()
            assert token and token not in asked
            page = Path(urllib.parse.urlsplit(asked).path)
            assert [path.stat().st_mode & 0o777 for path in (page, page.parent)] == [0o600, 0o700]
            assert html.escape(url) in page.read_text(encoding="utf-8")
            request = urllib.request.Request(url, headers={"Sec-Fetch-Site": "cross-site"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status == 200, "it serves while its browser is open"
            running.send_signal(ending)
            assert running.wait(timeout=20) == (0 if ending is signal.SIGINT else 128 + signal.SIGTERM)
        finally:
            running.kill()
    assert list(temporary.iterdir()) == []


def test_a_taken_port_is_a_clear_error(shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["-C", str(shown), "view", "--no-browser", "--port", str(port)]) == cli.USER_ERROR
    said = capsys.readouterr().err
    assert f"port {port}: Address already in use; without --port any free one" in said


def test_each_start_is_an_origin_of_its_own(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a port that was served before, a page or a service worker may have been left that reads both tokens."""
    ports = []
    monkeypatch.setattr(server, "serve", lambda root, port, *rest: ports.append(port))
    for chosen in ([], ["--port", "8377"]):
        assert cli.main(["-C", str(shown), "view", "--no-browser", *chosen]) == 0
    assert ports == [0, 8377]


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
