import pytest
from starlette.testclient import TestClient

from tests.view.conftest import PICTURES, PORT, TOKEN

COOKIE = f"mathse-view-{PORT}"


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    return TestClient(client.app, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)


@pytest.mark.parametrize(
    "path", ["/", "/paths", "/paths/count", f"/image/{PICTURES[0].image_id}", "/static/view.css", "/x"]
)
def test_without_the_token_there_is_nothing(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 403
    assert len(answer.content) < 100


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é", "%ff"])
def test_a_wrong_token_is_refused(stranger: TestClient, token: str) -> None:
    assert stranger.get(f"/?token={token}").status_code == 403
    stranger.cookies.set(COOKIE, token.encode().hex())
    assert stranger.get("/").status_code == 403


def test_the_token_moves_into_a_strict_cookie(stranger: TestClient) -> None:
    answer = stranger.get(f"/paths?round=1&token={TOKEN}&q=a+b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/paths?round=1&q=a+b")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "domain" not in cookie
    assert stranger.get("/paths").status_code == 200


def test_who_comes_from_a_file_gets_the_cookie_with_a_page_that_goes_on(stranger: TestClient) -> None:
    answer = stranger.get(f"/paths?round=1&token={TOKEN}&q=%22%3Cb%3E", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "samesite=strict" in answer.headers["set-cookie"].lower()) == (200, True)
    assert '<meta http-equiv="refresh" content="0; url=/paths?round=1&amp;q=%22%3Cb%3E">' in answer.text
    assert TOKEN not in answer.text
    assert stranger.get("/paths").status_code == 200


def test_the_way_in_leads_nowhere_else(stranger: TestClient) -> None:
    for path in ("//evil.example/", "/\\evil.example", "///evil.example"):
        location = stranger.get(f"http://127.0.0.1:{PORT}{path}?token={TOKEN}").headers["location"]
        assert location.startswith("/") and location[1:2] not in ("/", "\\")


@pytest.mark.parametrize(
    "cookies",
    ['a={"x": 1}; {}', "a b=1; {}", "{}; x=[1,2]", f"{COOKIE}=another; {{}}", f"{{}}; {COOKIE}=another", "=;;{}"],
)
def test_cookies_of_other_programs_do_no_harm(stranger: TestClient, cookies: str) -> None:
    right = f"{COOKIE}={TOKEN}"
    assert stranger.get("/", headers={"Cookie": cookies.replace("{}", right)}).status_code == 200
    assert stranger.get("/", headers={"Cookie": cookies.replace("{}", f"x{right}")}).status_code == 403
    assert stranger.get("/", headers={"Cookie": cookies.replace("{}", f"{right}x")}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "", f"127.0.0.1:{PORT}.evil"]
)
def test_another_hosts_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MKCOL"])
def test_only_reading(client: TestClient, method: str) -> None:
    assert client.request(method, "/paths").status_code == 405


@pytest.mark.parametrize(
    "path", ["/", "/paths", "/static/view.js", "/nonsense", "/paths?x=1", f"/image/{PICTURES[0].image_id}"]
)
def test_every_answer_has_its_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_head_is_get_without_a_body(client: TestClient) -> None:
    answer = client.head("/paths")
    assert answer.status_code == 200 and not answer.content
