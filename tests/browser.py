"""A headless Chromium for tests, spoken to by WebDriver (W3C) alone; tests skip where there is none.

Sample: `with chromium() as browser: browser.open(url); browser.run("return document.title")`
"""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DRIVER, BROWSER = "chromedriver", "chromium"
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
PATIENCE = 20.0
KEYS = {"Escape": "\ue00c", "Enter": "\ue007", "Tab": "\ue004"}


class Browser:
    """One window.

    Args:
        address: Of its WebDriver session.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def open(self, url: str) -> None:
        """Open an address, and wait until the page has the keyboard: a moment after it is loaded."""
        self._send("POST", "url", {"url": url})
        self.run("window.focus()")
        self.wait("document.hasFocus()")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns."""
        return self._send("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition: str) -> Any:
        """Wait until a script's expression is true."""
        end = time.monotonic() + PATIENCE
        while not (found := self.run(f"return {condition}")):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)
        return found

    def press(self, *keys: str) -> None:
        """Press keys one after another, as a person does."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("POST", "actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def size(self, width: int, height: int) -> None:
        self._send("POST", "window/rect", {"width": width, "height": height})

    def dark(self, on: bool) -> None:
        """What the system prefers."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        given = {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}}
        self._send("POST", "goog/cdp/execute", given)

    def picture(self, file: Path) -> None:
        """Save what the window shows as a PNG."""
        file.write_bytes(base64.b64decode(self._send("GET", "screenshot")))

    def messages(self) -> list[str]:
        """What the page's console has said since it was last asked: errors, refused scripts and styles."""
        return [entry["message"] for entry in self._send("POST", "se/log", {"type": "browser"})]

    def quit(self) -> None:
        self._send("DELETE", "")

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return _send(method, f"{self._address}/{path}".rstrip("/"), body)


@contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """A window of a fresh browser."""
    driver, browser = shutil.which(DRIVER), shutil.which(BROWSER)
    if driver is None or browser is None:
        pytest.skip("no Chromium: `apt-get install chromium chromium-driver` brings it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            window = Browser(_session(f"http://127.0.0.1:{port}", browser))
            window.size(width, height)
            yield window
            window.quit()
        finally:
            running.terminate()


def _session(address: str, browser: str) -> str:
    options = {"binary": browser, "args": OPTIONS}
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    end = time.monotonic() + PATIENCE
    while True:
        try:
            made = _send("POST", f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})
        except ConnectionError:
            assert time.monotonic() < end, "the driver does not start"
            time.sleep(0.1)
        else:
            return f"{address}/session/{made['sessionId']}"


def _send(method: str, url: str, body: dict[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.read().decode()[:500]}") from error
    except urllib.error.URLError as error:
        raise ConnectionError(str(error)) from error
