"""Rows by column, sorted, and as a file."""

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from mathse import layout
from mathse.tables import schemas, store
from mathse.tables.schemas import MixRow
from mathse.view import listing
from tests import rows
from tests.view.conftest import PATHS, client_of, mix_row, write_run


def listed(text: str) -> list[str]:
    return re.findall(r'data-path="(\w+)"', text)


def test_a_mix_has_its_rows_and_what_they_are_made_of(client: TestClient) -> None:
    page = client.get("/mix/2").text
    assert "43 rows" in page and listed(page)[:3] == ["r1", "r2", "r3"]
    assert listed(client.get("/mix/2?round=1&verdict=UNDECIDED").text) == ["r3"]
    assert client.get("/paths/count?mix=2").text == "43 paths"
    assert "43" in client.get("/mixes").text
    assert client.get("/mix/none").status_code == 404


def test_a_path_names_the_mixes_it_is_in(client: TestClient) -> None:
    page = client.get("/path/r1").text
    assert 'href="/mix/1"' in page and 'href="/mix/2"' in page and 'href="/mix/final"' not in page
    assert "In no mix" in client.get("/path/f1").text


def test_no_mix_is_left_out_however_many_there_are(tmp_path: Path) -> None:
    write_run(tmp_path)
    for number in range(3, 80):
        mixed = PATHS["1"][:1] if number % 2 else PATHS["2"][:5]
        store.write(tmp_path / layout.mix(str(number)), MixRow, map(mix_row, mixed))
    with client_of(tmp_path) as client:
        assert client.get("/mixes").text.count('data-href="/mix/') == 79
        assert listed(client.get("/mix/78").text) == [path.path_id for path in PATHS["2"][:5]]
        assert [client.get(f"/paths/count?mix={name}").text for name in ("2", "79")] == ["43 paths", "1 path"]
        links = re.findall(r'href="/mix/(\d+)"', client.get("/path/r1").text)
        assert set(links) == {"1", "2", *map(str, range(3, 80, 2))}
        names = client.get("/rows/csv?round=1&column=path_id,mixes").text.splitlines()[1:]
        assert names[0].split(",")[1].split() == sorted(set(links), key=int) and names[3] == "r4,"


@pytest.mark.parametrize("sort", ["characters", "-characters", "level", "-step", "verdict", "confidence", "-tokens"])
def test_sorted_pages_have_every_row_once_in_order_and_go_back(client: TestClient, sort: str) -> None:
    address, seen, pages = f"/paths?sort={sort}", [], []
    while True:
        text = client.get(address).text
        pages.append(listed(text))
        seen += pages[-1]
        found = re.search(r'rel="next" href="([^"]+)"', text)
        if found is None:
            break
        address = found[1].replace("&amp;", "&")
    everything = [path.path_id for step in PATHS.values() for path in step]
    assert sorted(seen) == sorted(everything) and len(seen) == len(set(seen))
    if "characters" in sort:
        length = {path.path_id: len(path.text) for step in PATHS.values() for path in step}
        lengths = [length[path_id] for path_id in seen]
        assert lengths == sorted(lengths, reverse=sort.startswith("-"))
    back = re.search(r'rel="prev" href="([^"]+)"', text)
    assert back and listed(client.get(back[1].replace("&amp;", "&")).text) == pages[-2]


def test_columns_are_those_that_were_chosen(client: TestClient) -> None:
    page = client.get("/mix/1?column=path_id&column=gold&column=mixes").text
    heads = re.findall(r"<th scope=\"col\"[^>]*>(?:<a[^>]*>)?([^<]+)", page.split('class="rows"')[1])
    assert heads == ["path", "gold", "in mixes"]
    assert client.get("/mix/1?column=sql").status_code == 400


@pytest.mark.parametrize("form", listing.FORMS)
@pytest.mark.parametrize(
    "asked", ["mix=2&sort=-characters", "mix=2", "q=angle", "round=final", "verdict=WRONG&rule=UNDECIDED"]
)
def test_a_file_has_all_rows_of_the_filter(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, form: str, asked: str
) -> None:
    monkeypatch.setattr(listing, "BATCH", 7)
    answer = client.get(f"/rows/{form}?{asked}&column=path_id,text,level,mixes")
    if form == "csv":
        found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    elif form == "jsonl":
        found = [json.loads(line) for line in answer.text.splitlines()]
    else:
        found = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    count = int(client.get(f"/paths/count?{asked}").text.split()[0])
    assert len(found) == count == len({row["path_id"] for row in found})
    written: dict[str, schemas.Path] = {path.path_id: path for step in PATHS.values() for path in step}
    assert all(row["text"] == written[row["path_id"]].text for row in found)
    shown = listed(client.get(f"/paths?{asked}").text)
    assert [row["path_id"] for row in found][:25] == shown
    assert "attachment" in answer.headers["content-disposition"]


def test_an_id_is_found_by_its_first_digits(tmp_path: Path) -> None:
    root = write_run(tmp_path)
    ids = ("0005ac0a90922ca9", "0005ac0b00000000", "deadbeef00000000")
    store.write(root / layout.paths("1"), schemas.Path, [rows.path(path_id, "p1") for path_id in ids])
    with client_of(root) as client:
        client.follow_redirects = False
        assert client.get("/find?q=DEADBEEF").headers["location"] == "/path/deadbeef00000000"
        assert client.get("/find?q=0005ac0").headers["location"] == "/paths?q=0005ac0"
        page = client.get("/paths?q=0005ac0").text
        assert "path 0005ac0a9092" in page and "path 0005ac0b0000" in page and "deadbeef" not in page
        assert client.get("/find?q=mathvision/17").headers["location"] == "/problem/mathvision/17"


def test_letters_have_their_options_beside_them(client: TestClient) -> None:
    page = client.get("/problem/p2").text
    assert re.search(r'<span class="letter">A</span> <span dir="auto">60</span>', page)
    assert 'data-tex="\\pi"' in page


def test_what_is_not_there_yet_is_not_red(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        for page in ("/", "/paths", "/mixes", "/problems", "/compare", "/predictions", "/charts"):
            text = client.get(page).text
            assert "notice bad" not in text and "dvc repro" in text, page
