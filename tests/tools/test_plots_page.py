"""The page of `dvc plots show` needs no network."""

import configparser
import re

import pytest

from tests.test_architecture import ROOT
from tools import plots_page

PAGE = ROOT / plots_page.PAGE


def test_dvc_finds_the_page_and_the_page_fetches_nothing() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc" / "config")
    assert ROOT / ".dvc" / config["plots"]["html_template"] == PAGE
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("{plot_divs}") == 1
    assert "{scripts}" not in page, "what DVC would fetch"
    assert not re.search(r"<(?:script|link)\s[^>]*(?:src|href)=", page)


@pytest.mark.slow
def test_the_page_is_what_its_tool_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == plots_page.page()
