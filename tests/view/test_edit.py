"""Decisions on paths: what is written, what counts, and who may not write."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.tables import schemas, store
from mathse.tables.files import CannotWrite
from mathse.tables.schemas import Tag
from mathse.view import guard, server
from tests import rows
from tests.view.conftest import PORT, SCRIPT, TOKEN, client_of, write_run

EDIT = "edit-token"
ORIGIN = f"http://127.0.0.1:{PORT}"
RIGHT = {"Origin": ORIGIN, guard.EDIT_HEADER: EDIT, "Sec-Fetch-Site": "same-origin"}


def editor_of(root: Path) -> TestClient:
    """Somebody who knows both tokens."""
    client = TestClient(server.application(root, PORT, TOKEN, EDIT, "Ada"), base_url=ORIGIN)
    client.cookies.set(f"mathse-view-{PORT}", TOKEN)
    return client


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_run(tmp_path)


@pytest.fixture
def editor(project: Path) -> Iterator[TestClient]:
    with editor_of(project) as client:
        yield client


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TestClient]]:
    root = write_run(tmp_path_factory.mktemp("pristine"))
    with editor_of(root) as client:
        yield root, client


@pytest.fixture
def untouched(pristine: tuple[Path, TestClient]) -> Iterator[TestClient]:
    """Somebody who knows both tokens, in a test by which nothing may be written."""
    root, client = pristine
    yield client
    assert not (root / layout.CURATION).exists()


def test_a_decision_is_written_shown_and_found(project: Path, editor: TestClient) -> None:
    answer = editor.post("/edit/decide/r1", json={"tag": "bad", "note": SCRIPT}, headers=RIGHT)
    assert answer.status_code == 200
    assert '<span class="tag bad">' in answer.text and SCRIPT not in answer.text and "&lt;script&gt;" in answer.text
    decision = decisions.current(project)["r1"]
    assert (decision.tag, decision.note, decision.step, decision.problem_id) == (Tag.BAD, SCRIPT, "1", "p1")
    assert decision.who == "Ada"
    for page in ("/path/r1", "/paths?tag=bad", "/paths?tag=any", "/problem/p1", "/paths?tag=bad&layout=table"):
        text = editor.get(page).text
        assert 'class="tag bad"' in text and SCRIPT not in text, page
    assert editor.get("/paths/count?tag=bad").text == "1 path"
    assert editor.get("/paths/count?tag=none").text == "66 paths"


def test_the_first_page_tells_of_a_decision_at_once(project: Path, editor: TestClient) -> None:
    (project / "params.yaml").write_bytes((Path(__file__).parents[2] / "params.yaml").read_bytes())
    assert "Ada" not in editor.get("/story?a=1&b=2").text
    assert editor.post("/edit/decide/r1", json={"tag": "bad"}, headers=RIGHT).status_code == 200
    assert "Ada: 1 bad (r1)" in editor.get("/story?a=1&b=2").text


def test_a_correction_stands_beside_what_was_written(project: Path, editor: TestClient) -> None:
    text = "Step 1: 50 + 60 = 110.\nStep 2: so $x = 70$."
    answer = editor.post("/edit/decide/r1", json={"tag": "fixed", "text": text, "note": "adds up"}, headers=RIGHT)
    assert 'data-tex="x = 70"' in answer.text
    assert decisions.current(project)["r1"].text == text
    assert editor.get("/text/r1").json() == {"text": text, "note": "adds up"}
    assert "Step 2: 50 + 60 = 111." in editor.get("/path/r1").text
    assert editor.post("/edit/decide/r1", json={"tag": "note", "note": "twice"}, headers=RIGHT).status_code == 200
    noted = decisions.current(project)["r1"]
    assert (noted.tag, noted.text, noted.note) == (Tag.FIXED, text, "adds up"), "a note takes nothing back"
    for page in ("/path/r1", "/paths"):
        shown = editor.get(page).text
        assert "adds up" in shown and "twice" in shown, page
    assert editor.get("/text/r1").json() == {"text": text, "note": "adds up"}
    assert "adds up\ntwice" in editor.get("/rows/csv?column=path_id,note").text


def test_what_is_not_there_is_said_in_words(untouched: TestClient) -> None:
    answer = untouched.post("/edit/decide/none", json={"tag": "bad"}, headers=RIGHT)
    assert (answer.status_code, answer.text) == (404, "No path has the id none")


def test_a_correction_that_changes_nothing_is_refused(untouched: TestClient) -> None:
    written = untouched.get("/text/r1").json()["text"]
    answer = untouched.post("/edit/decide/r1", json={"tag": "fixed", "text": written}, headers=RIGHT)
    assert answer.status_code == 400 and "already" in answer.text


def test_what_trains_an_orm_is_not_decided_on(tmp_path: Path) -> None:
    write_run(tmp_path)
    store.write(tmp_path / layout.paths("student"), schemas.Path, [rows.path("l1", "p1")])
    with editor_of(tmp_path) as client:
        answer = client.post("/edit/decide/l1", json={"tag": "bad"}, headers=RIGHT)
    assert answer.status_code == 400 and "only those of steps" in answer.text


def test_undo_brings_back_what_counted_before(project: Path, editor: TestClient) -> None:
    for tag in ("good", "bad"):
        editor.post("/edit/decide/r2", json={"tag": tag}, headers=RIGHT)
    assert 'class="tag good"' in editor.post("/edit/undo/r2", json={}, headers=RIGHT).text
    assert 'class="tag' not in editor.post("/edit/undo/r2", json={}, headers=RIGHT).text
    answer = editor.post("/edit/undo/r2", json={}, headers=RIGHT)
    assert (answer.status_code, answer.text) == (
        400,
        "path r2: Ada has nothing to take back there; a note is taken back by its author alone",
    )
    assert len((project / layout.CURATION).read_text().splitlines()) == 4, "nothing is ever taken out of the file"


def test_what_others_write_is_shown(project: Path, editor: TestClient) -> None:
    assert 'class="tag' not in editor.get("/path/r3").text
    decisions.append(project, Decision(path_id="r3", problem_id="p2", step="1", round=1, tag=Tag.GOOD, who="Grace"))
    assert "Grace" in editor.get("/path/r3").text


def test_a_decision_on_a_path_that_is_gone_harms_nothing(project: Path, editor: TestClient) -> None:
    decisions.append(project, Decision(path_id="x", problem_id="p", step="1", round=1, tag=Tag.BAD, who="Ada"))
    assert editor.get("/paths/count?tag=bad").text == "0 paths"


def test_a_damaged_file_of_decisions_is_named_and_the_pages_stand(project: Path, editor: TestClient) -> None:
    (project / layout.CURATION).write_text("{\n")
    answer = editor.get("/paths")
    assert answer.status_code == 200 and "curation.jsonl: line 1" in answer.text
    refused = editor.post("/edit/undo/r1", json={}, headers=RIGHT)
    assert refused.status_code == 507 and "line 1" in refused.text
    refused = editor.post("/edit/decide/r1", json={"tag": "bad"}, headers=RIGHT)
    assert refused.status_code == 507 and "line 1" in refused.text
    assert (project / layout.CURATION).read_text() == "{\n", "nothing is written behind what cannot be read"


def test_a_draft_is_drawn_as_the_path_will_be_and_written_nowhere(untouched: TestClient) -> None:
    answer = untouched.post("/edit/draft/text", json={"text": rf"Step 1: {SCRIPT} $\frac12$"}, headers=RIGHT)
    assert r'data-tex="\frac12"' in answer.text and "<script>" not in answer.text


NO_DECISIONS = [
    {}, {"tag": "worst"}, {"tag": "fixed"}, {"tag": "fixed", "text": " "}, {"tag": "note"}, {"tag": "bad", "x": 1},
    {"tag": "bad", "text": "a correction"}, {"tag": "bad", "note": "n" * 4001}, {"tag": "bad", "who": "another"},
    [], "bad", None, 1,
]  # fmt: skip


@pytest.mark.parametrize("content", NO_DECISIONS)
def test_what_is_no_decision_is_refused(untouched: TestClient, content: object) -> None:
    headers = {**RIGHT, "Content-Type": "application/json"}
    answer = untouched.post("/edit/decide/r1", content=json.dumps(content), headers=headers)
    assert answer.status_code == 400 and answer.text


@pytest.mark.parametrize(
    ("address", "status"),
    [("/edit/decide/none", 404), ("/edit/decide/a'b", 400), ("/edit/erase/r1", 404), ("/edit/decide", 404),
     ("/edit/decide/..%2f..%2fetc", 404), ("/paths", 405), ("/", 405), ("/text/r1", 405)],
)  # fmt: skip
def test_no_other_route_writes(untouched: TestClient, address: str, status: int) -> None:
    assert untouched.post(address, json={"tag": "bad"}, headers=RIGHT).status_code == status


ATTACKS: dict[str, dict[str, str | None]] = {
    "read-only token alone": {guard.EDIT_HEADER: None},
    "a wrong token": {guard.EDIT_HEADER: EDIT[:-1]},
    "the token of reading": {guard.EDIT_HEADER: TOKEN},
    "no origin": {"Origin": None},
    "another site": {"Origin": "https://evil.example"},
    "a page of another port": {"Origin": "http://127.0.0.1:9999"},
    "the other name of this machine": {"Origin": f"http://localhost:{PORT}"},
    "a file": {"Origin": "null"},
    "https": {"Origin": f"https://127.0.0.1:{PORT}"},
    "another port, as the browser says": {"Sec-Fetch-Site": "same-site"},
    "another site, as the browser says": {"Sec-Fetch-Site": "cross-site"},
    "typed in": {"Sec-Fetch-Site": "none"},
    "another host's name": {"Host": f"evil.example:{PORT}", "Origin": f"http://evil.example:{PORT}"},
    "no cookie": {"Cookie": ""},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "a form's plain text": {"Content-Type": "text/plain"},
    "too long": {"Content-Length": str(guard.MOST_BYTES + 1)},
    "of unknown length": {"Content-Length": None, "Transfer-Encoding": "chunked"},
    "of a length that is none": {"Content-Length": "-1"},
    "of a length that its chunks may exceed": {"Transfer-Encoding": "chunked"},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_is_written_for_a_stranger(untouched: TestClient, attack: str) -> None:
    content = json.dumps({"tag": "bad"}).encode()
    headers = {**RIGHT, "Content-Type": "application/json", "Content-Length": str(len(content)), **ATTACKS[attack]}
    client = untouched if "Cookie" not in headers else TestClient(untouched.app, base_url=ORIGIN)
    kept = {name: value for name, value in headers.items() if value is not None}
    request = client.build_request("POST", "/edit/decide/r1", content=content, headers=kept)
    for name in [name for name, value in headers.items() if value is None]:
        request.headers.pop(name, None)
    answer = client.send(request)
    assert answer.status_code in (403, 411, 413, 415, 421), answer.text


def test_the_tokens_in_an_address_write_nothing(untouched: TestClient) -> None:
    stranger = TestClient(untouched.app, base_url=ORIGIN, follow_redirects=False)
    answer = stranger.post(f"/edit/decide/r1?token={TOKEN}", json={"tag": "bad"}, headers=RIGHT)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_no_other_method_writes(untouched: TestClient, method: str) -> None:
    assert untouched.request(method, "/edit/decide/r1", headers=RIGHT).status_code == 405


def test_without_edit_nobody_writes(project: Path) -> None:
    with client_of(project) as reader:
        assert reader.post("/edit/decide/r1", json={"tag": "bad"}, headers=RIGHT).status_code == 405
        page = reader.get("/paths").text
    assert "data-act" not in page and "edit.js" not in page
    assert not (project / layout.CURATION).exists()


def test_no_page_and_no_cookie_has_the_token_that_writes(untouched: TestClient) -> None:
    for page in ("/", "/paths", "/path/r1", "/running", "/static/edit.js"):
        answer = untouched.get(page)
        assert EDIT not in answer.text and EDIT not in str(answer.headers)


def test_a_full_disk_is_said_and_nothing_is_lost(
    project: Path, editor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.post("/edit/decide/r1", json={"tag": "good"}, headers=RIGHT)
    before = (project / layout.CURATION).read_bytes()

    def full(root: Path, *_: Decision) -> None:
        raise CannotWrite("data/curation.jsonl: No space left on device")

    monkeypatch.setattr(decisions, "append", full)
    answer = editor.post("/edit/decide/r1", json={"tag": "bad"}, headers=RIGHT)
    assert (answer.status_code, answer.text) == (507, "data/curation.jsonl: No space left on device")
    assert (project / layout.CURATION).read_bytes() == before
