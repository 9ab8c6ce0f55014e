import io
from pathlib import Path

import pytest
from rich.console import Console

from mathse.diff.document import Document
from mathse.diff.printing import markdown, show
from mathse.diff.text import cell, entities, plain
from tests.diff.tables import compared, parquet

HOSTILE = "\x1b[31mred [bold]x[/bold] <script>alert(1)</script> | @somebody #12 `code` \u202eabc 角"


@pytest.fixture
def document(tmp_path: Path) -> Document:
    old = parquet(tmp_path / "a.parquet", k=["x", HOSTILE], text=[f"{HOSTILE} one", HOSTILE])
    new = parquet(tmp_path / "b.parquet", k=["x"], text=[f"{HOSTILE} two\nlines"])
    return compared(old, new, "k")


def printed(document: Document, **options: object) -> str:
    out = io.StringIO()
    show(document, Console(file=out, highlight=False, markup=False, emoji=False, **options))  # type: ignore[arg-type]
    return out.getvalue()


def test_what_stands_in_the_data_reaches_a_terminal_as_letters(document: Document) -> None:
    shown = printed(document, width=200)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31mred [bold]x[/bold]" in shown
    assert "角" in shown


def test_a_difference_is_marked_with_and_without_colours(document: Document) -> None:
    assert "[-one-]{+two⏎ lines+}" in printed(document, width=200)
    coloured = printed(document, width=200, force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[9;31mone" in coloured
    assert "\x1b[32m two⏎ lines" in coloured


def test_a_narrow_terminal_is_kept_to(document: Document) -> None:
    narrow = printed(document, width=40, force_terminal=True, color_system=None)
    assert max(map(len, narrow.splitlines())) <= 40


def test_markdown_finds_nothing_to_read_in_the_data(document: Document) -> None:
    shown = markdown(document)
    assert "<script" not in shown
    assert "@somebody" not in shown
    assert "<del>one</del><ins>two⏎ lines</ins>" in shown
    tables = [line for line in shown.splitlines() if line.startswith("|")]
    assert tables
    assert all(line.endswith("|") for line in tables)


def test_cells() -> None:
    assert [plain(value) for value in (None, 1234, True, 1.5, b"ab", ["a"], "a\tb\nc")] == [
        "", "1234", "true", "1.5", "<2 bytes>", '["a"]', "a\\x09b⏎ c"
    ]  # fmt: skip
    assert [cell(value) for value in (1234, True, None, "x" * 100)][:3] == ["1,234", "true", ""]
    assert entities("a|<b>&c") == "a&#124;&#60;b&#62;&#38;c"


def test_columns_that_changed_alike_stand_on_one_line(tmp_path: Path) -> None:
    old = parquet(tmp_path / "a.parquet", k=[1], status=["WRONG"], rule_status=["WRONG"], text=["a"])
    new = parquet(tmp_path / "b.parquet", k=[1], status=["CORRECT"], rule_status=["CORRECT"], text=["b"])
    shown = printed(compared(old, new, "k"), width=200)
    assert "    status, rule_status: [-WRONG-]{+CORRECT+}\n" in shown
    assert "    text: [-a-]{+b+}\n" in shown
