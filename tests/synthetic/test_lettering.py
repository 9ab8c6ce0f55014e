"""Text of any script: the right font, and how long it is."""

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


def test_a_length_is_that_of_the_ink() -> None:
    for text in ("Find x", "∠A = 60°", "Angle C = 50"):
        left, _, right, _ = ink(text)
        assert abs(lettering.length(text) - (right - left)) <= 3
