import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mathse.report import columns

WIDTHS = (60, 80, 200)
NUMBERS = ("1,056", "24.1 (21.4 to 27.0)", "541 of 1,647", "126.5", "99.7 (98.4 to 99.9) of 352")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_cut_and_every_part_names_its_rows(width: int) -> None:
    heads = ("model", *(f"what is measured {place}" for place in range(15)))
    rows = [(name, *(NUMBERS[(place + shift) % 5] for place in range(15))) for shift, name in enumerate(("a", "+ b"))]
    lines = columns.table(heads, rows, width)
    assert max(map(len, lines)) <= width
    for name, *numbers in rows:
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert len(own) == sum(line.startswith("model") for line in lines)
        assert re.sub(r" {2,}", "  ", "  ".join(line.removeprefix(name).strip() for line in own)).split("  ") == numbers


def test_numbers_end_where_their_heading_ends() -> None:
    assert columns.table(("step", "rows", "p"), [("a", "1,056", "0.5"), ("bb", "3", "1e-09")], 80) == [
        "step   rows      p",
        "──────────────────",
        "a     1,056    0.5",
        "bb        3  1e-09",
    ]


@given(
    st.lists(st.lists(st.text("ab 1数\n", max_size=40), min_size=3, max_size=3), max_size=4),
    st.integers(30, 120),
)
def test_nothing_of_a_text_is_lost_and_no_line_is_too_long(rows: list[list[str]], width: int) -> None:
    lines = columns.texts(("one", "two", "three"), rows, width, (False, False, False))
    assert max(map(cell_len, lines)) <= width
    shown = "".join(lines)
    for row in rows:
        for letter in "ab1数":
            assert shown.count(letter) >= "".join(row).count(letter)


def test_texts_wrap_between_words_and_ids_stay_whole() -> None:
    heads, right = ("id", "n", "text"), (False, True, False)
    identifier, text = "0123456789abcdef" * 2, "60 + 38 = 98. " * 6
    lines = columns.texts(heads, [(identifier, "45", text), (identifier, "7", "short")], 70, right)
    assert sum(identifier in line for line in lines) == 2
    assert lines[2].startswith(f"{identifier}  45  60 + 38")
    listed = columns.texts((*heads, "other"), [(identifier, "45", text, identifier)], 70, (*right, False))
    assert listed[1] == f"id     {identifier}" and listed[2] == "n      45"
    assert max(map(len, listed)) <= 70


def test_a_line_goes_on_below_what_follows_its_label() -> None:
    labelled = columns.wrapped(["  disk    386 GiB and more of it"], 20)
    assert labelled == ["  disk    386 GiB", "          and more", "          of it"]
    assert columns.wrapped(["a " * 5, "", "/a/path/as/long"], 8) == ["a a a a", "a", "", "/a/path/as/long"]


CHINESE = "第一步：三角形的内角和等于180°，所以角C等于70°。（见图）因此答案是70。"


def test_chinese_breaks_between_its_signs_as_punctuation_allows() -> None:
    lines = columns.wrapped([f"step 1  {CHINESE}"], 30)
    assert max(map(cell_len, lines)) <= 30 and min(map(cell_len, lines[:-1])) >= 26
    assert "".join(line.strip() for line in lines).replace("step 1  ", "") == CHINESE
    assert not any(line.strip()[0] in "，。：）" or line[-1] in "（" for line in lines)
    assert all(line.startswith(" " * 8) for line in lines[1:])


def test_a_column_of_chinese_is_a_column_and_no_list_of_rows() -> None:
    lines = columns.texts(("编号", "n", "text"), [("a1", "45", CHINESE), ("a2", "7", "短")], 50, (False, True, False))
    assert lines[0].split() == ["编号", "n", "text"]
    assert max(map(cell_len, lines)) <= 50
    assert "".join(line[len("a1    45  ") :].strip() for line in lines[2 : lines.index("")]) == CHINESE


def test_a_word_that_is_wider_than_a_line_is_folded_where_it_must_be() -> None:
    assert columns.broken("ab " + "x" * 10 + " c", 6) == ["ab", "x" * 10, "c"]
    assert columns.broken("ab " + "x" * 10 + " c", 6, fold=True) == ["ab", "xxxxxx", "xxxx c"]
