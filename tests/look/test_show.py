import io
from pathlib import Path

import PIL.Image
import pytest

from mathse import layout
from mathse.look.ids import RowNotFound
from mathse.look.show import tell
from mathse.tables import store
from mathse.tables.schemas import Image, Prediction, Problem, Verdict
from tests.share.conftest import picture, problem


def test_a_reflection_stands_below_the_path_it_corrects(run: Path, tmp_path: Path) -> None:
    lines = tell(run, "1", tmp_path / "images").splitlines()
    corrected, reflection = (
        next(n for n, line in enumerate(lines) if f"path {name}" in line) for name in ("roll", "refl")
    )
    assert corrected < reflection
    assert lines[reflection].startswith("    path refl (reflection 0")
    assert "Reflections" not in lines
    assert "    judge  WRONG at Step 1: vision: B is not 40" in lines
    assert "    rule   WRONG (different option)" in lines


def test_question_choices_gold_and_image(run: Path, tmp_path: Path) -> None:
    told = tell(run, "1abc1", tmp_path / "images")
    for part in ("What is angle C of triangle 1?", "A. 60\nB. 70", "gold   B", "| 180 - 110 = 70.", "Apache-2.0"):
        assert part in told
    (image,) = (tmp_path / "images").iterdir()
    assert f"image  {image}" in told
    assert image.read_bytes().startswith(b"\x89PNG")


def test_an_image_is_saved_as_the_model_was_shown_it(run: Path, tmp_path: Path) -> None:
    drawn, encoded = PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0)), io.BytesIO()
    drawn.putpixel((5, 5), (0, 0, 0, 255))
    drawn.save(encoded, "PNG")
    store.write(run / layout.IMAGES, Image, [picture().model_copy(update={"data": encoded.getvalue()})])
    tell(run, "1abc1", tmp_path / "images")
    (file,) = (tmp_path / "images").iterdir()
    with PIL.Image.open(file) as image:
        assert (image.mode, image.getpixel((0, 0)), image.getpixel((5, 5))) == ("RGB", (255,) * 3, (0,) * 3)


def test_predictions_of_a_test_problem_by_model(run: Path, tmp_path: Path) -> None:
    told = tell(run, "2", tmp_path)
    assert told.index("  base: WRONG") < told.index("  + distilled: CORRECT") < told.index("  + reflection: CORRECT")


def test_any_id_leads_to_the_problem_and_is_marked(run: Path, tmp_path: Path) -> None:
    whole = tell(run, "1abc1", tmp_path).splitlines()
    (verdict,) = (row for row in store.read(run / layout.verdicts("final"), Verdict))
    for identifier in ("refl", "ref", verdict.row_hash[:9]):
        told = tell(run, identifier, tmp_path).splitlines()
        (marked,) = (number for number, line in enumerate(told) if line.startswith("  > path refl (reflection 0"))
        assert [*told[:marked], told[marked].replace(">", " "), *told[marked + 1 :]] == whole
    first, *_ = store.read(run / layout.predictions("0"), Prediction)
    assert "\n> + distilled: CORRECT (different option)\n" in tell(run, first.row_hash, tmp_path)


def test_lines_are_broken_between_words_and_quotations_go_on(run: Path, tmp_path: Path) -> None:
    told = tell(run, "1abc1", tmp_path, 24).splitlines()
    ends = [line for line in told if line.endswith("problem is A.")]
    assert ends and all(line.lstrip().startswith("| ") for line in ends)
    words = " ".join(tell(run, "1abc1", tmp_path).replace("|", "").split())
    assert " ".join("\n".join(told).replace("|", "").split()) == words


def test_a_question_keeps_its_own_lines(run: Path, tmp_path: Path) -> None:
    question = "A pool has two pipes:\nA fills it in 3 hours,\nB in 6."
    store.write(run / layout.PROBLEMS, Problem, [problem(1).model_copy(update={"question": question})])
    assert f"\n{question}\n" in tell(run, "1abc1", tmp_path, 60)


def test_an_unknown_or_ambiguous_id_is_an_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RowNotFound, match="no row's id begins with 'zz'"):
        tell(run, "zz", tmp_path)
    with pytest.raises(RowNotFound, match=r"more than one id begins with ''; give more digits:\n  path refl"):
        tell(run, "", tmp_path)
    (run / layout.PROBLEMS).unlink()
    with pytest.raises(RowNotFound, match="path refl is there, but not its problem 1abc1"):
        tell(run, "refl", tmp_path)


def test_no_problems_yet(tmp_path: Path) -> None:
    with pytest.raises(RowNotFound, match="there are no tables here yet"):
        tell(tmp_path, "1", tmp_path)
