"""What a person meets: the pages in a real browser. Skips where there is no Chromium."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathse.view.guard import redirection
from tests.browser import Browser, chromium
from tests.view.conftest import DRAWING

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


PAGES = ("/", "/paths", "/problems", "/problem/p1", "/problem/p2", "/path/r3", "/compare", "/predictions", "/charts")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_breaks_its_policy_or_its_width(window: tuple[Browser, str], width: int) -> None:
    browser, at = window
    browser.size(width, 900)
    for page in PAGES:
        browser.open(at + page)
        browser.wait("document.readyState == 'complete'")
        assert browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, (
            page
        )
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
    browser.run("localStorage.clear()")
    browser.dark(False)


def test_charts_are_drawn_with_their_numbers_beside_them(window: tuple[Browser, str]) -> None:
    browser, at = window
    browser.open(f"{at}/charts")
    browser.wait(
        "document.querySelectorAll('[data-chart] svg').length == document.querySelectorAll('[data-chart]').length"
    )
    assert browser.run("return document.querySelectorAll('[data-chart] table tr').length") > 3
