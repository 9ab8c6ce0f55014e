"""The hub as far as a download needs it: the listing of a commit's files, and the files; on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPOSITORY, REVISION = "example/tiny-model", "5e" * 20


class Hub(ThreadingHTTPServer):
    """Serves one commit of one model.

    Attributes:
        files: Contents by name.
        asked: Methods and paths that were asked for.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        if path == f"/api/models/{REPOSITORY}/tree/{REVISION}":
            self._listing()
        elif path.startswith(f"/{REPOSITORY}/resolve/{REVISION}/"):
            self._file(path.rpartition("/")[2], body)
        else:
            known = path.startswith((f"/api/models/{REPOSITORY}/", f"/{REPOSITORY}/"))
            self._refuse("RevisionNotFound" if known else "RepoNotFound")

    def _listing(self) -> None:
        tree = [
            {"type": "file", "path": name, "size": len(content), "oid": _digest(content)}
            for name, content in self.server.files.items()
        ]
        self._send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: str) -> None:
        self._send(404, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})

    def _file(self, name: str, body: bool) -> None:
        content = self.server.files[name]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        about = {"ETag": f'"{_digest(content)}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if start:
            about["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], about, body)

    def _send(self, status: int, content: bytes, about: Mapping[str, str], body: bool = True) -> None:
        self.send_response(status)
        for name, value in {**about, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """A hub in a thread of its own, for as long as the block lasts."""
    hub = Hub(files)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
