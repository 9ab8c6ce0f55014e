from collections.abc import Mapping
from pathlib import Path

import PIL.Image
import PIL.ImageChops
import pytest

from mathse.errors import UserError
from mathse.params import FigureSource
from mathse.sources import figures
from mathse.synthetic import sheet
from mathse.synthetic.pictures import SIDE
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


def written(problem: Problem) -> list[str]:
    """The lines below a picture."""
    return [
        "".join(" " * (word.space and place > 0) + word.text for place, word in enumerate(line.words)).strip()
        for line in sheet._lines(problem)
    ]


def test_a_row_is_as_tall_as_its_longest_text(drawn: tuple[list[Problem], Mapping[str, Image]], tmp_path: Path) -> None:
    short, *_ = drawn[0]
    question = "How large is the exterior angle at R, if all that is known of it stands in the figure? " * 4
    long = short.model_copy(update={"question": question, "choices": ("7" * 60, "8" * 60)})
    lines = written(long)
    assert "".join(lines[1:-1]).replace(" ", "") == (question + "A" + "7" * 60 + "B" + "8" * 60).replace(" ", "")
    assert lines[-1] == f"Answer: {short.answer}"
    heights = []
    for place, problem in enumerate((short, long)):
        sheet.contact_sheet([problem], drawn[1], tmp_path / f"{place}.png", columns=1, rows=1)
        with PIL.Image.open(tmp_path / f"{place}.png") as shown:
            heights.append(shown.height)
            below = shown.convert("L").crop((2, shown.height - 14, shown.width - 2, shown.height - 2))
            assert below.getextrema() == (255, 255), "the frame is not reached"
    assert heights[1] - heights[0] == 19 * (len(lines) - len(written(short)))


def test_a_question_without_an_end_is_marked(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    problem = drawn[0][0].model_copy(update={"question": "word " * 400, "choices": ()})
    lines = written(problem)
    assert len(lines) == 1 + sheet.MOST_LINES + 1 and lines[-2].endswith("word ...")
    assert lines[-1] == f"Answer: {problem.answer}"


def test_no_line_is_wider_than_its_picture(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    texts = (
        r"Let $\frac{\alpha+\beta+\gamma+\delta+\epsilon+\zeta+\eta}{1+2+3+4+5+6+7+8+9}$ be.",
        "x" * 90,
        "如图,在三角形ABC中," * 9,
    )
    for question in texts:
        for line in sheet._lines(drawn[0][0].model_copy(update={"question": question})):
            width = sum(word.width for word in line.words)
            assert width <= 2 * SIDE + sheet._GAP - 2


def test_mathematics_is_drawn_and_keeps_its_words(drawn: tuple[list[Problem], Mapping[str, Image]]) -> None:
    problem = drawn[0][0].model_copy(
        update={"question": r"Is $\frac{1}{2}$, or \(x^2\)?", "choices": (r"$\sqrt{2}$", "3")}
    )
    words = [word for line in sheet._lines(problem) for word in line.words]
    assert [word.text for word in words if word.formula] == [r"$\frac{1}{2}$", r"\(x^2\)", r"$\sqrt{2}$"]
    (half,) = (line for line in sheet._lines(problem) if any("frac" in word.text for word in line.words))
    assert half.height > 19, "the line makes room for it"
    (comma,) = (word for word in words if word.text == ",")
    assert not comma.space


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
