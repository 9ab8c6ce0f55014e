"""Ten ways to leak a problem and one that is none, each by text and image together, on a drawn figure."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from mathse.sources.leakage import Kind, pictures, text
from mathse.sources.leakage.pictures import Shown
from mathse.synthetic.figures import Figure, figure
from tests.sources.leakage import test_pictures as change
from tests.sources.leakage.test_text import FULL_WIDTH, filler

GIVEN = "The triangle below has an angle of 47 degrees at its left corner and another one of 68 degrees beside it;"
CHOICES = ("65", "75", "55", "115")
FIGURE = figure("triangle_angle-3-4")
OTHER = figure("triangle_angle-3-11")
QUESTION = f"{GIVEN} {FIGURE.question}"
TEXT, IMAGE = {Kind.EQUAL_TEXT}, {Kind.NEAR_IMAGE}
ELSE = "Which of the corners is closest to the top of the page, if the page is 297 mm high?"


def same_image(image: change.Picture) -> change.Picture:
    return image


PLANTED: dict[str, tuple[str, Sequence[str], Figure | None, Callable[[change.Picture], change.Picture], set[Kind]]] = {
    "verbatim": (QUESTION, CHOICES, FIGURE, same_image, TEXT | IMAGE),
    "lightly reworded": (QUESTION.replace("below", "here"), CHOICES, None, same_image, {Kind.SHARED_GRAMS}),
    "choices reordered": (QUESTION, CHOICES[::-1], None, same_image, TEXT),
    "full-width digits": (QUESTION.translate(FULL_WIDTH), CHOICES, None, same_image, TEXT),
    "image resized": (ELSE, (), FIGURE, change.resized, IMAGE),
    "cropped 3 %": (ELSE, (), FIGURE, change.cropped, IMAGE),
    "re-encoded": (ELSE, (), FIGURE, change.encoded_anew, IMAGE),
    "greyed": (ELSE, (), FIGURE, change.greyed, IMAGE),
    "recoloured background": (ELSE, (), FIGURE, change.on_other_paper, IMAGE),
    "same image, another question": (ELSE, (), FIGURE, same_image, IMAGE),
    "same template, other numbers, other image": (
        QUESTION.replace("47", "52").replace("68", "71"), ("57", "67", "47", "123"), OTHER, same_image, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", PLANTED)
def test_each_way(way: str) -> None:
    question, choices, shown, changed, wanted = PLANTED[way]
    schema: dict[str, Any] = {"problem_id": pl.String, "question": pl.String, "choices": pl.List(pl.String)}
    rows = [*filler(200), ("planted", question, list(choices))]
    items = pl.DataFrame([("item", QUESTION, list(CHOICES))], schema, orient="row").rename({"problem_id": "item_id"})
    items = items.with_columns(pl.lit("bench").alias("benchmark"), pl.lit("A").alias("answer"))
    found = text.find([pl.DataFrame(rows, schema, orient="row")], items)
    if shown is not None:
        image = changed(shown.image().convert("RGB"))
        found += pictures.find([Shown("planted", "a", image)], [Shown("item", "b", FIGURE.image(), "bench")])
    assert {leak.problem_id for leak in found} <= {"planted"}
    assert {leak.kind for leak in found} == wanted
