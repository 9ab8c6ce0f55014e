from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mathse.view import changes, filters, pages

NAMES = sorted({*pages.OF_PATHS, *pages.OF_PROBLEMS, *changes.OF_PAIRS, "token", "sql", "limit", "order"} - {"token"})
HOSTILE = [
    "' or 1=1 --", "1; drop table rows", "'); copy rows to '/tmp/x' --", "%' escape '", "read_parquet('/etc/passwd')",
    "\x00", "\ud83d", "../../etc/passwd", "-1", "1e9", "99999999999999999999", "²", "١",
    '"', '""', '" "', "(", "[a-z]+", "$1", "?", "{}", "none",
]  # fmt: skip
GOOD = [
    "1",
    "2",
    "-characters",
    "confidence",
    "table",
    "text,tag",
    "bad",
    "rollout",
    "WRONG",
    "differ",
    "gained",
    "angles",
    "figures",
    "base",
    "final",
    "p1",
    "angle",
    "角",
]
VALUES = st.one_of(st.sampled_from(HOSTILE + GOOD), st.text(max_size=30))
GIVEN = st.sampled_from(NAMES) | st.text(max_size=8)
LISTS = (
    "/paths", "/paths/count", "/problems", "/compare", "/predictions", "/", "/charts", "/mixes", "/mix/1", "/rows/csv",
    "/find", "/story", "/revisions",
)  # fmt: skip


@settings(max_examples=300)
@given(
    page=st.sampled_from(LISTS),
    asked=st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), VALUES), max_size=4),
)
def test_any_request_is_answered_or_refused(client: TestClient, page: str, asked: list[tuple[str, str]]) -> None:
    pairs = [(name.encode("utf-8", "replace"), value.encode("utf-8", "surrogatepass")) for name, value in asked]
    answer = client.get(f"{page}?{urlencode(pairs)}")
    assert answer.status_code in (200, 400, 403)
    assert "Error" not in answer.text


@settings(max_examples=100)
@given(kind=st.sampled_from(["path", "problem", "image", "static"]), name=VALUES)
def test_any_id_is_found_or_not(client: TestClient, kind: str, name: str) -> None:
    answer = client.get(f"/{kind}/{quote(name.encode('utf-8', 'surrogatepass'), safe='')}")
    assert answer.status_code in (200, 400, 404) or (answer.status_code == 307 and not name)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("x=1", "this page knows q, round"),
        ("round=9", "there are 0, 1, 2, final"),
        ("round=1&round=2", "round is given twice"),
        ("after=1&before=2", "exclude each other"),
        ("after=x", "must be a whole number"),
        ("q=" + "a" * 201, "at most 200 characters"),
        ("problem=a'b", "must be an id"),
        ("verdict=wrong", "CORRECT, WRONG, UNDECIDED, none"),
        ("sort=rid", "there are characters, tokens"),
        ("sort=--level", "unknown sort"),
        ("layout=wide", "there are cards, table"),
        ("column=text,1", "unknown column '1'"),
        ("tag=worst", "there are any, bad, good, fixed, note, none"),
        ("mix=9", "unknown mix '9'; there are 1, 2"),
    ],
)
def test_a_refusal_says_what_can_be_asked(client: TestClient, asked: str, said: str) -> None:
    answer = client.get(f"/paths?{asked}")
    assert answer.status_code == 400
    assert said in answer.text.replace("&#39;", "'")


def test_empty_choices_are_none(client: TestClient) -> None:
    plain, empty = client.get("/paths").text, client.get("/paths?round=&verdict=&q=+").text
    assert plain == empty


def test_digits_are_folded_and_an_items_id_is_not() -> None:
    asked = ("MathVista/Q7b", " DEADBEEF ", "word", "abc")
    assert [filters.prefix(text) for text in asked] == ["MathVista/Q7b", "deadbeef", None, None]
