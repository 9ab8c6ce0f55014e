"""Pushing to a hub on this machine: the real client over HTTP, and what it sends."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, constants

from mathse.errors import UserError
from mathse.share import hub
from mathse.share.export import export

TOKEN = "hf_secret"


class Hub(ThreadingHTTPServer):
    """Remembers what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen: list[tuple[str, str, Any]] = []
        self.private = True
        self.refuses = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self, ending: str) -> Any:
        return next(body for _, path, body in self.seen if path.split("?")[0].endswith(ending))


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        lines: list[Any] = [json.loads(line) for line in raw.decode().splitlines() if line.strip()] if raw else []
        body: Any = lines[0] if len(lines) == 1 else lines
        self.server.seen.append(("POST", self.path, body))
        authorised = self.headers.get("authorization") == f"Bearer {TOKEN}"
        if self.server.refuses or not authorised:
            self._reply({"error": "no"}, 403)
        elif self.path == "/api/repos/create":
            self._reply({"url": f"{self.server.address}/datasets/me/mix", "name": "me/mix", "id": "me/mix"})
        elif self.path == "/api/validate-yaml":
            self._reply({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in body["files"]]
            self._reply({"files": files})
        elif "/commit/" in self.path:
            self._reply(
                {
                    "commitOid": "c" * 40,
                    "commitUrl": f"{self.server.address}/datasets/me/mix/commit/{'c' * 40}",
                    "success": True,
                    "hookOutput": "",
                }
            )
        else:
            self._reply({}, 404)

    def do_GET(self) -> None:
        self.server.seen.append(("GET", self.path, None))
        if "/tree/" in self.path:
            old = {"type": "file", "path": "data/train-00001-of-00002.parquet", "size": 1, "oid": "a" * 40}
            self._reply([old])
        else:
            found = {"id": "me/mix", "private": self.server.private, "sha": "b" * 40, "siblings": [], "tags": []}
            found["siblings"] = [{"rfilename": "data/train-00001-of-00002.parquet"}]
            self._reply(found)

    def _reply(self, content: Any, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.address)  # what HF_ENDPOINT sets when the client is imported
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def push(server: Hub, folder: Path, private: bool = True) -> str:
    return hub.push(folder, "me/mix", private, HfApi(endpoint=server.address, token=TOKEN))


def test_one_commit_holds_the_folder_and_drops_old_shards(mixed: Path, tmp_path: Path, server: Hub) -> None:
    export(mixed, "0", tmp_path / "out")
    assert push(server, tmp_path / "out").endswith("/datasets/me/mix")
    created = server.sent("/repos/create")
    assert (created["name"], created["organization"], created["type"]) == ("mix", "me", "dataset")
    assert created.get("private", created.get("visibility") == "private")
    header, *actions = server.sent("/commit/main")
    assert header["value"]["summary"].startswith("mathse export, sums ")
    files = {a["value"]["path"]: base64.b64decode(a["value"]["content"]) for a in actions if a["key"] == "file"}
    assert files == {
        str(file.relative_to(tmp_path / "out")): file.read_bytes()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    assert [a["value"]["path"] for a in actions if a["key"] == "deletedFile"] == ["data/train-00001-of-00002.parquet"]


def test_a_public_repository_when_asked_for(mixed: Path, tmp_path: Path, server: Hub) -> None:
    export(mixed, "0", tmp_path / "out")
    push(server, tmp_path / "out", private=False)
    assert not server.sent("/repos/create").get("private")


def test_what_may_not_be_shared_does_not_become_public(mixed: Path, tmp_path: Path, server: Hub) -> None:
    export(mixed, "0", tmp_path / "out", everything=True)
    server.private = False
    with pytest.raises(UserError, match=r"me/mix: is public, and .* nothing was pushed"):
        push(server, tmp_path / "out", private=False)
    assert not [path for _, path, _ in server.seen if "/commit/" in path]


def test_a_refusal_is_explained_and_shows_no_token(mixed: Path, tmp_path: Path, server: Hub) -> None:
    export(mixed, "0", tmp_path / "out")
    server.refuses = True
    with pytest.raises(UserError, match=r"the hub refuses.*403.*HF_TOKEN") as caught:
        push(server, tmp_path / "out")
    assert TOKEN not in str(caught.value)


def test_no_hub(mixed: Path, tmp_path: Path, server: Hub) -> None:
    export(mixed, "0", tmp_path / "out")
    server.server_close()
    with pytest.raises(UserError, match="cannot be reached"):
        push(server, tmp_path / "out")


@pytest.mark.parametrize("name", ["mix", "a/b/c", "../x", "a b/c", "https://x/y"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(UserError, match="OWNER/NAME"):
        hub.require_name(name)
