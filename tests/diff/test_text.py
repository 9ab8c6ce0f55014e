from hypothesis import given
from hypothesis import strategies as st

from mathse.diff.text import pieces, shortened

TEXTS = st.text(st.sampled_from("ab 1.\n×角")) | st.text()


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts(old: str, new: str) -> None:
    found = pieces(old, new)
    assert "".join(piece.text for piece in found if piece.kind != "new") == old
    assert "".join(piece.text for piece in found if piece.kind != "old") == new
    assert all(piece.text for piece in found)


@given(TEXTS)
def test_a_text_is_the_same_as_itself(text: str) -> None:
    assert all(piece.kind == "same" for piece in pieces(text, text))


def test_words_are_not_cut() -> None:
    assert pieces("50 + 60 = 111.", "50 + 60 = 110.") == [
        ("same", "50 + 60 = "), ("old", "111"), ("new", "110"), ("same", ".")
    ]  # fmt: skip


def test_chinese_differs_by_its_signs() -> None:
    assert pieces("所以角C等于70度。", "所以角C等于60度。") == [
        ("same", "所以角C等于"), ("old", "70"), ("new", "60"), ("same", "度。")
    ]  # fmt: skip
    assert [piece.text for piece in pieces("三角形是直角的", "三角形是钝角的") if piece.kind != "same"] == ["直", "钝"]


def test_long_common_stretches_are_left_out() -> None:
    found = shortened(pieces(f"{'a ' * 100}x{' b' * 100}", f"{'a ' * 100}y{' b' * 100}"), 10)
    assert [len(piece.text) <= 14 for piece in found] == [True] * 4
    assert [piece.text for piece in found if piece.kind != "same"] == ["x", "y"]


def test_very_long_texts_are_replaced_whole() -> None:
    assert [piece.kind for piece in pieces("a " * 5000, "b " * 5000)] == ["old", "new"]
