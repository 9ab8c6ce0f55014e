"""What a person meets: the pages in a real browser. Skips where there is no Chromium."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mathse.curation import decisions
from mathse.view.guard import redirection
from tests.browser import Browser, chromium
from tests.view.conftest import DRAWING, write_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def window(shown: Path) -> Iterator[tuple[Browser, str]]:
    command = [sys.executable, "-m", "mathse.cli", "-C", str(shown), "view", "--no-browser", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    serving = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with serving as running, chromium() as browser:
        try:
            assert running.stdout is not None
            url = running.stdout.readline().strip()
            browser.open(url)
            assert browser.run("return location.search") == "", "the token has left the address"
            yield browser, url.split("/?")[0]
        finally:
            running.terminate()


def test_a_file_leads_in(shown: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mathse.cli", "-C", str(shown), "view", "--no-browser", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running,
        chromium() as browser,
    ):
        try:
            assert running.stdout is not None
            page = tmp_path / "open.html"
            page.write_text(redirection(running.stdout.readline().strip()), encoding="utf-8")
            browser.open(page.as_uri())
            browser.wait("location.protocol == 'http:' && location.search == '' && document.querySelector('main h1')")
            assert browser.run("return document.title") == "Overview · MathSE"
        finally:
            running.terminate()


PAGES = (
    "/", "/paths", "/paths?layout=table", "/problems", "/problem/p1", "/problem/p2", "/path/r3", "/mixes", "/mix/2",
    "/compare", "/predictions", "/revisions", "/charts", "/paths?q=nowhere",
)  # fmt: skip
CUT = """
    const cut = [];
    for (const place of document.querySelectorAll("body *")) {
        const style = getComputedStyle(place);
        if (style.clipPath !== "none" || place.closest(".unseen, thead, dialog, .katex")) continue;
        if (style.overflowX !== "visible" && place.scrollWidth > place.clientWidth + 1) cut.push(place.outerHTML);
        const {left, right, width} = place.getBoundingClientRect();
        if (width && !place.matches(".skip") && (left < -1 || right > innerWidth + 1)) cut.push(place.outerHTML);
    }
    return cut.map((text) => text.slice(0, 120));
"""
"""What is wider than its place, and so has a label that is cut or has to be scrolled to."""


@pytest.mark.parametrize("width", [400, 1400])
def test_no_page_breaks_its_policy_or_cuts_a_label(window: tuple[Browser, str], width: int) -> None:
    browser, at = window
    browser.size(width, 900)
    for page in PAGES:
        browser.open(at + page)
        browser.wait("document.readyState == 'complete'")
        assert browser.run(CUT) == [], page
        assert [message for message in browser.messages() if DRAWING.image_id not in message] == [], page
        assert browser.run("return document.querySelectorAll('main h1').length") == 1, page
        unlabelled = "return [...document.querySelectorAll('input:not([type=hidden]), select, button, img')].filter("
        unlabelled += "e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel || e.alt)).length"
        assert browser.run(unlabelled) == 0, page
    browser.size(1280, 900)


def test_formulas_are_drawn_and_scripts_are_not_run(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/path/r2")
    browser.wait("document.querySelectorAll('.katex').length >= 3")
    assert "it costs $5 and $7." in browser.run("return document.querySelector('.card .text').innerText")
    browser.open(f"{at}/path/r3")
    assert "<script>alert(1)</script>" in browser.run("return document.querySelector('.card .text').innerText")
    assert browser.run("return document.querySelectorAll('main script, main img[src=x]').length") == 0


def test_a_filter_changes_the_rows_and_the_address_in_place(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/paths")
    browser.run("window.same = true; const s = document.querySelector('[name=verdict]'); s.value = 'WRONG';"
                "s.dispatchEvent(new Event('change', {bubbles: true}))")  # fmt: skip
    browser.wait("document.querySelectorAll('#results [data-row]').length == 2")
    browser.wait("document.querySelector('.count').textContent == '2 paths'")
    assert browser.run("return [window.same, location.search]") == [True, "?verdict=WRONG"]
    browser.run("history.back()")
    browser.wait("location.search == '' && document.querySelectorAll('#results [data-row]').length == 25")
    browser.open(at + "/paths?verdict=WRONG")
    assert browser.run("return document.querySelectorAll('#results [data-row]').length") == 2


def test_columns_are_chosen_in_place(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/mix/2")
    assert browser.run("return document.querySelectorAll('.rows thead th').length") == 10
    browser.run(
        "for (const name of ['text', 'gold', 'mixes']) document.querySelector(`[name=column][value=${name}]`).click()"
    )
    browser.wait("document.querySelectorAll('.rows thead th').length == 9")
    browser.wait("document.querySelector('.rows .of-mixes')?.textContent.trim() == '1 2'")
    assert browser.run("return location.search").startswith("?column=path_id%2Cstep%2Cverdict")


def test_a_choice_keeps_the_keyboard(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/compare?a=1&b=2")
    browser.run("const s = document.getElementById('choose-a'); s.focus(); s.value = '0';"
                "s.dispatchEvent(new Event('change', {bubbles: true}))")  # fmt: skip
    browser.wait("location.search.includes('a=0') && document.querySelector('.tabs b').textContent == '0'")
    assert browser.run("return document.activeElement.id") == "choose-a"


def test_rows_are_walked_by_key(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/paths?round=1")
    browser.press("j", "j")
    assert browser.run("return document.activeElement.dataset.href") == "/path/r2"
    browser.press("k", "Enter")
    browser.wait("location.pathname == '/path/r1'")
    browser.open(f"{at}/paths?round=2")
    browser.press("n")
    browser.wait("location.search.includes('after=')")
    browser.press("/", "j")
    assert browser.run("return document.getElementById('q').value") == "j", "letters are letters in the search"
    browser.press("Escape")
    assert browser.run("return document.activeElement.tagName") == "BODY"
    browser.press("?")
    assert browser.run("return document.getElementById('help').open")


def test_the_first_tab_leads_past_the_header(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/paths")
    browser.press("Tab")
    assert browser.run("return document.activeElement.className") == "skip"
    browser.press("Enter")
    assert browser.run("return document.activeElement.id") == "main"


def test_light_and_dark(window: tuple[Browser, str]) -> None:
    browser, at = window
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.dark(True)
    browser.open(at)
    dark = browser.run(ground)
    browser.press("t")
    light = browser.run(ground)
    browser.open(f"{at}/charts")
    assert browser.run(ground) == light != dark, "the choice is kept"
    browser.run("document.cookie = 'mathse-theme=; path=/; max-age=0'")
    browser.dark(False)


def test_charts_are_drawn_with_their_numbers_beside_them(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/charts")
    browser.wait(
        "document.querySelectorAll('[data-chart] svg').length == document.querySelectorAll('[data-chart]').length"
    )
    assert browser.run("return document.querySelectorAll('[data-chart] table tr').length") > 3


@pytest.fixture
def editing(tmp_path: Path) -> Iterator[tuple[Browser, str, Path]]:
    root = write_run(tmp_path)
    command = [sys.executable, "-m", "mathse.cli", "-C", str(root), "view", "--no-browser", "--port", "0"]
    command += ["--edit", "--who", "Ada"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    serving = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with serving as running, chromium() as browser:
        try:
            assert running.stdout is not None
            url = running.stdout.readline().strip()
            page = tmp_path / "open.html"
            page.write_text(redirection(url), encoding="utf-8")
            browser.open(page.as_uri())
            browser.wait("location.protocol == 'http:' && document.querySelector('main h1')")
            assert browser.run("return location.href").endswith("/"), "both tokens have left the address"
            yield browser, url.split("/?")[0], tmp_path
        finally:
            running.terminate()


def test_three_paths_are_decided_on_by_key(editing: tuple[Browser, str, Path]) -> None:
    browser, at, root = editing
    browser.open(f"{at}/paths?round=1")
    browser.press("j", "b")
    browser.wait("document.querySelector('[data-path=r1] .tag.bad')")
    browser.press("j", "g")
    browser.wait("document.querySelector('[data-path=r2] .tag.good')")
    browser.press("j", "c")
    browser.wait("document.querySelector('#editor[open]')")
    browser.press(*"a key", "Enter")
    browser.wait("document.querySelector('[data-path=r3] .tag.note')")
    browser.press("k", "u")
    browser.wait("!document.querySelector('[data-path=r2] .tag')")
    current = decisions.current(root)
    assert {path: (one.tag.value, one.note) for path, one in current.items()} == {
        "r1": ("bad", ""), "r3": ("note", "a key"),
    }  # fmt: skip
    assert browser.messages() == []


def test_a_correction_is_drawn_while_it_is_typed(editing: tuple[Browser, str, Path]) -> None:
    browser, at, root = editing
    browser.open(f"{at}/path/f1")
    browser.press("j", "j", "e")
    browser.wait("document.getElementById('editor-text').value.startsWith('Step 1: 50 + 60')")
    browser.run("const t = document.getElementById('editor-text'); t.setSelectionRange(t.value.length, t.value.length)")
    browser.press(*" $x^2$ <b>")
    browser.wait("document.querySelector('#editor-draft .katex')")
    assert browser.run("return document.querySelectorAll('#editor-draft b').length") == 0
    browser.press("Escape")
    browser.wait("!document.querySelector('#editor[open]')")
    browser.open(f"{at}/path/f1")
    browser.press("j", "j", "e")
    browser.wait("document.getElementById('editor-text').value.endsWith('$x^2$ <b>')")
    browser.run("document.querySelector('#editor [value=save]').click()")
    browser.wait("document.querySelector('[data-path=f1] .corrected .katex')")
    assert decisions.current(root)["f1"].text.endswith("$x^2$ <b>")
    assert browser.messages() == []


def test_a_draft_is_discarded_and_brought_back(editing: tuple[Browser, str, Path]) -> None:
    browser, at, root = editing
    offered = "!document.getElementById('discard').hidden"
    reads = "document.getElementById('editor-text').value"
    for _ in range(2):  # what was typed outlives the page
        browser.open(f"{at}/path/r2")
        browser.press("e")
        browser.wait("document.querySelector('#editor[open]')")
        if browser.run(f"return {reads}.endsWith(' 70')"):
            break
        assert not browser.run(f"return {offered}"), "nothing is typed yet"
        written = browser.run(f"return {reads}")
        browser.run("const t = document.getElementById('editor-text'); t.setSelectionRange(1e6, 1e6)")
        browser.press(*" or 70")
    assert browser.run(f"return {offered}")
    browser.run("document.getElementById('discard').click()")
    assert browser.run(f"return [{reads}, {offered}]") == [written, False]
    browser.run("document.execCommand('undo')")
    browser.wait(f"{reads}.endsWith(' or 70') && {offered}")
    browser.run("document.getElementById('discard').click()")
    browser.press("Escape")
    browser.open(f"{at}/path/r2")
    browser.press("e")
    browser.wait("document.querySelector('#editor[open]')")
    assert browser.run(f"return [{reads}, {offered}]") == [written, False]
    assert decisions.read(root) == [] and browser.messages() == []


def test_what_is_refused_is_seen_over_the_dialog(editing: tuple[Browser, str, Path]) -> None:
    browser, at, root = editing
    browser.open(f"{at}/paths?round=1")
    browser.press("j", "e")
    browser.wait("document.querySelector('#editor[open]')")
    browser.run("document.querySelector('#editor [value=save]').click()")
    browser.wait("document.getElementById('toast').textContent.includes('already')")
    seen = "const place = document.getElementById('toast'), {left, top} = place.getBoundingClientRect();"
    assert browser.run(f"{seen} return document.elementFromPoint(left + 20, top + 10) === place")
    browser.press("Escape")
    browser.wait("!document.querySelector('#editor[open]')")
    assert decisions.read(root) == []


def test_a_key_that_is_held_down_decides_once(editing: tuple[Browser, str, Path]) -> None:
    browser, at, root = editing
    browser.open(f"{at}/paths?round=1")
    browser.press("j")
    browser.run(
        "for (const repeat of [false, true, true]) document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'b', repeat, bubbles: true}))"
    )
    browser.wait("document.querySelector('[data-path=r1] .tag.bad')")
    browser.press("g")
    browser.wait("document.querySelector('[data-path=r1] .tag.good')")
    assert [decision.tag.value for decision in decisions.read(root)] == ["bad", "good"]


def test_another_page_of_this_machine_writes_nothing(editing: tuple[Browser, str, Path]) -> None:
    """A browser sends the cookie to every port of the machine: whoever serves a page on one may ask with it."""
    browser, at, root = editing
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / "evil").mkdir()
    (root / "evil" / "index.html").write_text("<!doctype html><title>evil</title><h1>evil</h1>")
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(root / "evil")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
        try:
            for _ in range(100):
                with suppress(AssertionError, OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            browser.open(f"http://127.0.0.1:{port}/")
            asking = """
                const [address] = arguments;
                const content = '{"tag": "bad"}';
                const form = document.createElement("form");
                form.method = "POST"; form.action = address; form.enctype = "text/plain"; form.target = "_blank";
                document.body.append(form); form.submit();
                Promise.allSettled([
                    fetch(address, {method: "POST", body: content, credentials: "include", mode: "no-cors"}),
                    fetch(address, {method: "POST", body: content, credentials: "include",
                        headers: {"Content-Type": "application/json", "X-MathSE-Edit": "guessed"}}),
                ]).then((results) => { window.asked = results.map((result) => result.status); });
            """
            browser.run(asking, f"{at}/edit/decide/r1")
            assert browser.wait("window.asked")[1] == "rejected"
        finally:
            serving.terminate()
    assert decisions.read(root) == []
