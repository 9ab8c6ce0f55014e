from collections.abc import Mapping
from pathlib import Path

import PIL.Image
import PIL.ImageChops
import pytest

from mathse.errors import UserError
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.synthetic import sheet
from mathse.tables.schemas import Image, Problem


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Problem], dict[str, Image]]:
    problems, images = figures.load(FigureSource(name="figures", seed=5, train=76, orm=2, test=2))
    return problems, {image.image_id: image for image in images}


def kind(problem: Problem) -> tuple[str, str, int]:
    return problem.subject, problem.source_id.rsplit("-", 2)[0], problem.level


def test_every_kind_has_its_turn_before_any_has_a_second(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    problems, _ = drawn
    kinds = {kind(problem) for problem in problems}
    assert len(kinds) < len(problems)
    assert {kind(problem) for problem in sheet.chosen(problems, len(kinds))} == kinds
    assert len(sheet.chosen(problems, len(kinds) + 3)) == len(kinds) + 3


def test_the_order_of_problems_changes_nothing(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    problems, _ = drawn
    assert sheet.chosen(problems, 20) == sheet.chosen(problems[::-1], 20)


def test_the_same_problems_give_the_same_bytes(
    drawn: tuple[list[Problem], Mapping[str, Image]], tmp_path: Path
) -> None:
    problems, images = drawn
    sheet.contact_sheet(problems, images, tmp_path / "a" / "one.png", columns=3, rows=2)
    sheet.contact_sheet(problems[::-1], images, tmp_path / "two.png", columns=3, rows=2)
    assert (tmp_path / "a" / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["one.png"]


def test_a_cell_shows_the_picture_at_twice_its_size(
    drawn: tuple[list[Problem], Mapping[str, Image]], tmp_path: Path
) -> None:
    problems, images = drawn
    sheet.contact_sheet(problems[:1], images, tmp_path / "with.png", columns=1, rows=1)
    sheet.contact_sheet(problems[:1], {}, tmp_path / "without.png", columns=1, rows=1)
    with PIL.Image.open(tmp_path / "with.png") as shown, PIL.Image.open(tmp_path / "without.png") as bare:
        assert shown.size == bare.size
        left, top, right, bottom = PIL.ImageChops.difference(shown, bare).getbbox() or (0, 0, 0, 0)
    assert 112 < right - left <= 224
    assert 112 < bottom - top <= 224


def test_a_long_question_does_not_push_the_answer_out(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    problem = drawn[0][0].model_copy(update={"question": "word " * 200, "choices": ("7" * 60, "8" * 60, "9" * 60)})
    lines = [line for line, _ in sheet._lines(problem)]
    assert lines[-1] == f"Answer: {problem.answer}"
    assert len(lines) <= sheet._LINES
    assert "word ..." in lines[2]


def test_a_failed_write_leaves_the_old_sheet(
    drawn: tuple[list[Problem], Mapping[str, Image]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "sheet.png").write_bytes(b"old")
    monkeypatch.setattr(PIL.Image.Image, "save", full)
    with pytest.raises(UserError, match=r"sheet\.png: no space left"):
        sheet.contact_sheet(drawn[0], drawn[1], tmp_path / "sheet.png", columns=1, rows=1)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("sheet.png", b"old")]
