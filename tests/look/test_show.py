from pathlib import Path

import pytest

from mathse.errors import UserError
from mathse.look.show import ProblemNotFound, tell


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


def test_predictions_of_a_test_problem_by_model(run: Path, tmp_path: Path) -> None:
    told = tell(run, "2", tmp_path)
    assert told.index("  base: WRONG") < told.index("  + distilled: CORRECT") < told.index("  + reflection: CORRECT")


def test_an_unknown_or_ambiguous_id_is_an_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemNotFound, match="no problem's id begins with 'zz'"):
        tell(run, "zz", tmp_path)
    with pytest.raises(ProblemNotFound, match=r"3 ids begin with ''.*give more digits"):
        tell(run, "", tmp_path)


def test_no_problems_yet(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"problems\.parquet: not there yet"):
        tell(tmp_path, "1", tmp_path)
