import io
import re
from pathlib import Path

import PIL.Image
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from mathse import layout
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, Image, Prediction, Problem, Status
from mathse.view import live
from tests import rows
from tests.view.conftest import DRAWING, ITEM, PICTURES, SCRIPT, TRANSPARENT, client_of, prediction, write_run

EVERY_PAGE = (
    "/", "/paths", "/problems", "/compare", "/predictions", "/charts", "/path/r1", "/path/r3", "/path/r4", "/path/r5",
    "/problem/p1", "/problem/p2", "/problem/p3", "/problem/t1", "/paths?agree=differ", "/paths?round=1&q=angle",
    "/mixes", "/mix/1", "/mix/2?sort=-characters", "/paths?layout=table&column=question,answer,gold,text,subject",
    "/revisions", "/running", "/story",
)  # fmt: skip


def ids(text: str) -> list[str]:
    return re.findall(r'data-href="/path/([^"]+)"', text)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_page_stands_and_holds_no_markup_of_a_model(client: TestClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert "<script>" not in answer.text and "<img src=x" not in answer.text and "<b>areas" not in answer.text
    assert not re.search(r'\son\w+="|style="|javascript:', answer.text), "the policy forbids inline scripts and styles"


def test_a_path_with_a_script_in_it_shows_as_text(client: TestClient) -> None:
    assert "Step 1: &lt;script&gt;alert(1)&lt;/script&gt;" in client.get("/path/r3").text
    assert SCRIPT not in client.get("/problem/p2").text


def test_what_cannot_be_seen_is_written_out(tmp_path: Path) -> None:
    write_run(tmp_path)
    hidden = rows.path(
        "h1", "p1", text="So \x0crac{1}{2} \u202eevil\u202c\x1b[31m.\r\nNo\u200cjoin.\tEnd", answer="\x08eta"
    )
    store.write(tmp_path / layout.paths("1"), schemas.Path, [hidden])
    with client_of(tmp_path) as client:
        for page in ("/path/h1", "/paths?round=1", "/problem/p1"):
            text = client.get(page).text
            assert r"So \x0crac{1}{2} \u202eevil\u202c\x1b[31m." in text
            assert "\nNo\u200cjoin.\tEnd" in text
            assert r">\x08eta</b>" in text


def test_who_wrote_a_path_is_named_whole_and_weights_by_the_first_digits_of_their_hash(tmp_path: Path) -> None:
    write_run(tmp_path)
    written = [
        rows.path("w1", "p1", author="a-teacher-with-a-name"),
        rows.path("w2", "p1", author="0123456789abcdef" * 2),
    ]
    store.write(tmp_path / layout.paths("1"), schemas.Path, written)
    with client_of(tmp_path) as client:
        page = client.get("/paths?round=1").text
    assert "a-teacher-with-a-name" in page and "0123456789ab\n" not in page
    assert "0123456789ab" in page and "0123456789abc" not in page


def test_paths_that_nobody_judged_are_counted_apart(client: TestClient) -> None:
    page = client.get("/").text
    assert "verdict=none" in page and "not judged" in page  # r4 and r5


def test_of_very_many_names_the_first_are_listed_and_the_chosen_one(tmp_path: Path) -> None:
    write_run(tmp_path)
    problems = [rows.problem(f"q{number:03}", subject=f"subject {number:03}") for number in range(600)]
    store.write(tmp_path / layout.PROBLEMS, schemas.Problem, problems)
    with client_of(tmp_path) as client:
        page = client.get("/problems?subject=subject+550").text
    assert '<option value="subject 498">' in page and '<option value="subject 550" selected>' in page
    assert '<option value="subject 551">' not in page and "101 more: subject=… in the address" in page


def test_the_wrong_step_is_marked_and_its_analysis_below_it(client: TestClient) -> None:
    text = client.get("/path/r1").text
    wrong = re.findall(r'<div class="step wrong">(.*?)</div>', text)
    assert [re.sub("<.*?>", "", part) for part in wrong] == ["First wrong step: Step 2: 50 + 60 = 111. "]
    assert "calculation: 50 + 60 is not 111" in text
    assert "no such step in this path" in client.get("/path/r2").text


def test_mathematics_is_left_to_katex_with_its_source_in_place(client: TestClient) -> None:
    text = client.get("/path/r2").text
    assert r'<span class="tex" data-tex="\frac{1}{2}ab">$\frac{1}{2}ab$</span>' in text
    assert r'data-tex=" x^2 = 9 " data-display>' in text
    assert "it costs $5 and $7." in text
    assert r'data-tex="\frac{6}{2}"' in text, "an answer may be a formula without dollar signs"


def test_the_reflection_stands_beside_the_path_it_corrects(client: TestClient) -> None:
    text = client.get("/problem/p1").text
    pair = text[text.index('class="pair"') :]
    assert ids(pair)[:2] == ["r1", "f1"]
    assert ids(text).count("f1") == 1
    for path in ("r1", "f1"):
        assert ids(client.get(f"/path/{path}").text) == ["r1", "f1"]


def test_three_images_in_the_questions_order(client: TestClient) -> None:
    text = client.get("/problem/p1").text
    assert re.findall(r'<img src="/image/([^"]+)"', text) == [one.image_id for one in PICTURES]
    answer = client.get(f"/image/{PICTURES[0].image_id}")
    assert (answer.headers["content-type"], answer.content) == ("image/png", PICTURES[0].data)


@pytest.mark.parametrize("stored", TRANSPARENT)
def test_an_image_is_what_the_model_was_shown(client: TestClient, stored: Image) -> None:
    answer = client.get(f"/image/{stored.image_id}")
    assert answer.headers["content-type"] == "image/png"
    with PIL.Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.mode == "RGB"
        assert [shown.getpixel((x, 9)) for x in (5, 30)] == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize("image_id", [DRAWING.image_id, "0" * 64, "..%2f..%2fparams.yaml", "a'b", "%00"])
def test_no_drawing_no_file_no_unknown_image(client: TestClient, image_id: str) -> None:
    answer = client.get(f"/image/{image_id}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd", "/static/vendor", "/static/"]
)
def test_static_files_are_a_closed_set(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("round=1", ["r1", "r2", "r3", "r4", "r5"]),
        ("round=1&verdict=WRONG", ["r1", "r2"]),
        ("round=1&verdict=none", ["r4", "r5"]),
        ("agree=differ", ["r2"]),
        ("agree=rule_only", ["r2"]),
        ("agree=orm_only", []),
        ("kind=distilled", ["d1"]),
        ("kind=reflection&rule=CORRECT", ["f1"]),
        ("round=1&subject=%3Cb%3Eareas%3C%2Fb%3E", ["r2", "r3"]),
        ("level=3", ["d1", "r5"]),
        ("problem=p2&verdict=UNDECIDED", ["r3"]),
        ("q=111", ["r1"]),
        ("q=STEP+calculation", ["r1"]),
        ("q=%2250+%2B+60%22", ["r1", "f1"]),
        ("q=%2260+%2B+50%22", []),
        ("q=三角形", ["d1"]),
        ("q=角三", []),
        ("q=word7", ["s7"]),
        ("q=word", []),
        ("q=alert+script&round=1", ["r3"]),
        ("q=%3Cscript%3E", ["r3"]),
    ],
)  # fmt: skip
def test_filters_and_words(client: TestClient, asked: str, found: list[str]) -> None:
    assert ids(client.get(f"/paths?{asked}").text) == found
    number = client.get(f"/paths/count?{asked}").text.split()[0]
    assert int(number) == len(found)


@pytest.mark.parametrize("asked", ["", "round=2", "q=angle", 'q="1%3A+word"', "q=step&kind=rollout"])
def test_pages_forth_and_back_see_every_row_once(client: TestClient, asked: str) -> None:
    forth: list[list[str]] = []
    page = f"/paths?{asked}"
    while page:
        text = client.get(page).text
        forth.append(ids(text))
        page = next(iter(re.findall(r'rel="next" href="([^"]+)"', text)), "").replace("&amp;", "&")
        back = next(iter(re.findall(r'rel="prev" href="([^"]+)"', text)), "").replace("&amp;", "&")
        if len(forth) > 1:
            assert ids(client.get(back).text) == forth[-2]
    seen = [one for part in forth for one in part]
    assert len(seen) == len(set(seen)) == int(client.get(f"/paths/count?{asked}").text.split()[0])
    assert all(len(part) == 25 for part in forth[:-1])


def test_problems_by_words_split_and_language(client: TestClient) -> None:
    def found(asked: str) -> list[str]:
        return re.findall(r'data-href="/problem/([^"]+)"', client.get(f"/problems?{asked}").text)

    assert found("q=angle") == ["p1"]
    assert found("split=test") == ["t1", "t2"]
    assert found("language=zh&q=角") == ["p3"]


def test_two_rounds_compared(client: TestClient) -> None:
    text = client.get("/compare?a=1&b=2").text
    assert re.findall(r'class="(gained|lost|both|neither)" href="[^"]+">[^<]+<b>(\d+)', text) == [
        ("gained", "1"), ("lost", "0"), ("both", "0"), ("neither", "0"),
    ]  # fmt: skip
    assert "/problem/p1" in client.get("/compare?a=1&b=2&change=gained").text
    assert "No problem is like that" in client.get("/compare?a=1&b=2&change=lost").text


def test_two_models_compared(client: TestClient) -> None:
    gained = client.get("/predictions?a=base&b=final&change=gained").text
    assert "/problem/t1" in gained and "/problem/t2" not in gained
    assert "it is WRONG" in gained and "it is CORRECT" in gained


def test_the_items_of_benchmarks_are_problems_too(client: TestClient) -> None:
    assert "/problem/mathvision/17" in client.get("/predictions?source=mathvision&change=gained").text
    text = client.get("/problem/mathvision/17").text
    assert "Which item?" in text and PICTURES[1].image_id in text and "sample 1" in text
    assert "/problem/mathvision/17" in client.get("/problems?split=benchmark").text


def test_an_items_id_may_be_any_text(tmp_path: Path) -> None:
    write_run(tmp_path)
    item = ITEM.model_copy(update={"item_id": "图 7/a (1)#?&'\"<b>"})
    store.write(tmp_path / layout.BENCHMARK_ITEMS, BenchmarkItem, [item])
    predicted = prediction(item.problem_id, Status.WRONG, benchmark="mathvision")
    store.write(tmp_path / layout.predictions("base"), Prediction, [predicted])
    with client_of(tmp_path) as client:
        (link,) = re.findall(r'data-href="(/problem/[^"]+)"', client.get("/problems?split=benchmark").text)
        answer = client.get(link)
        assert answer.status_code == 200 and "it is WRONG" in answer.text


def test_a_problem_with_many_images_says_how_many_more(tmp_path: Path) -> None:
    write_run(tmp_path)
    ids = tuple(f"{number:064d}" for number in range(15))
    store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem("p1", image_ids=ids)])
    with client_of(tmp_path) as client:
        text = client.get("/problem/p1").text
        assert text.count("<img") == 12 and "and 3 more" in text


def test_predictions_of_an_earlier_schema_are_shown(tmp_path: Path) -> None:
    write_run(tmp_path)
    for model in ("base", "final"):
        file = tmp_path / layout.predictions(model)
        table = pq.read_table(file)
        first = table.slice(2, 2)  # without the benchmark's, which sort before
        first = first.drop_columns(["benchmark", "sample_idx", "scorer", "rule_status"])
        pq.write_table(first.replace_schema_metadata({"mathse.table": "Prediction", "mathse.version": "1"}), file)
    with client_of(tmp_path) as client:
        text = client.get("/predictions?change=gained").text
        assert "/problem/t1" in text and "cannot be read" not in text


@pytest.mark.parametrize("path", ["/path/none", "/problem/none", "/nonsense"])
def test_what_is_not_there_is_404(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_no_project_no_tables_says_what_to_run(tmp_path: Path) -> None:
    with client_of(tmp_path) as empty:
        for page in ("/", "/paths", "/problems", "/compare", "/predictions", "/charts"):
            answer = empty.get(page)
            assert answer.status_code == 200 and "dvc repro" in answer.text
        assert empty.get(f"/image/{'0' * 64}").status_code == 404


def test_problems_without_paths_say_so(tmp_path: Path) -> None:
    store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem()])
    with client_of(tmp_path) as early:
        assert "No table of paths is there yet: make it with" in early.get("/").text
        assert early.get("/problem/p1").status_code == 200


def test_a_damaged_table_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    write_run(tmp_path)
    broken = tmp_path / layout.paths("1")
    broken.write_bytes(b"PAR1 this is not a table PAR1")
    late = tmp_path / layout.paths("2")
    content = bytearray(late.read_bytes())
    content[200:240] = bytes(40)
    late.write_bytes(content)
    with client_of(tmp_path) as client:
        text = client.get("/paths").text
        assert str(broken) in text and "delete it and run" in text
        assert str(late) in text
        assert ids(text) == ["d1", "f1"]


def damaged(file: Path) -> Path:
    """Change bytes of a table's pages, and none of its footer."""
    content = bytearray(file.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for place in range(40, footer, 40):
        content[place] ^= 1
    file.write_bytes(content)
    return file


def test_damaged_verdicts_are_named_and_the_paths_are_shown(tmp_path: Path) -> None:
    write_run(tmp_path)
    file = damaged(tmp_path / layout.verdicts("1"))
    with client_of(tmp_path) as client:
        text = client.get("/paths?round=1").text
        assert f"{file}: damaged: its bytes are not those" in text and "run `dvc repro`" in text
        assert ids(text) == ["r1", "r2", "r3", "r4", "r5"]
        assert text.count(">not judged<") == 5


def test_what_is_damaged_beside_the_index_is_named_where_it_is_asked_for(tmp_path: Path) -> None:
    write_run(tmp_path)
    with client_of(tmp_path) as client:
        for file, page in ((layout.IMAGES, f"/image/{PICTURES[0].image_id}"), (layout.paths("1"), "/path/r1")):
            assert client.get(page).status_code == 200
            damaged(tmp_path / file)
            answer = client.get(page)
            assert answer.status_code == 503
            assert f"{tmp_path / file}: damaged (" in answer.text and "delete it and run `dvc repro`" in answer.text
        assert client.get("/paths?round=1").status_code == 200


def test_tables_that_change_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 1e9)
    write_run(tmp_path)
    with client_of(tmp_path) as client:
        assert "have changed" not in client.get("/running").text
        store.write(tmp_path / layout.PROBLEMS, Problem, [rows.problem("new")])
        shown = next((tmp_path / ".mathse/view").iterdir()).stem
        assert "Tables have changed: they are being read" in client.get(f"/running?tables={shown}").text
        assert ids(client.get("/paths?round=1").text) == ["r1", "r2", "r3", "r4", "r5"], (
            "what was indexed is still shown"
        )
    with client_of(tmp_path) as again:
        assert "/problem/new" in again.get("/problems").text
        assert len(list((tmp_path / ".mathse/view").iterdir())) == 1, "the old index is gone"


def test_nothing_of_the_data_is_written(shown: Path, client: TestClient) -> None:
    def stamps() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in shown.rglob("*") if file.is_file()}

    before = stamps()
    for page in EVERY_PAGE:
        client.get(page)
    assert stamps() == before
