"""Text of any script: the right font, lines that fit."""

import PIL.Image
import pytest
from PIL import ImageDraw

from mathse.synthetic import lettering


def ink(text: str) -> tuple[int, int, int, int]:
    picture = PIL.Image.new("L", (400, 30), "white")
    lettering.write(ImageDraw.Draw(picture), (4, 4), text, "black")
    box = PIL.Image.eval(picture, lambda value: 255 - value).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("text", ["Find x.", "∠A = 60°, π ≈ 3", "Найдите угол"])
def test_each_character_has_a_font(text: str) -> None:
    assert all(lettering._has(lettering._font(character), character) for character in text)
    left, top, right, bottom = ink(text)
    assert 4 <= left < right < 400
    assert top >= 4
    assert bottom < 28


def test_latin_text_is_written_as_before() -> None:
    plain, here = (PIL.Image.new("L", (200, 30), "white") for _ in range(2))
    ImageDraw.Draw(plain).text((4, 4), "Angle C = 50", fill="black", font=lettering._plain())
    lettering.write(ImageDraw.Draw(here), (4, 4), "Angle C = 50", "black")
    assert plain.tobytes() == here.tobytes()


@pytest.mark.parametrize("text", ["如图,在三角形ABC中,求∠C的度数是多少度?", "x" * 70, "", "短"])
def test_lines_without_spaces_are_broken(text: str) -> None:
    lines = lettering.wrapped(text, 20, 2)
    assert len(lines) <= 2
    assert all(sum(1 + lettering.is_wide(character) for character in line) <= 21 for line in lines)
    assert "".join(lines).startswith(text[:8])


def test_what_is_left_out_is_marked() -> None:
    assert lettering.wrapped("一二三四五六七八九十一二三四五六七八九十", 10, 2)[-1].endswith(" ...")
    assert not lettering.wrapped("一二三四五", 10, 2)[-1].endswith("...")
