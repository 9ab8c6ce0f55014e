"""What leaves a mix after its query has chosen: quotations of benchmark items, and near-duplicates."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mathse import layout
from mathse.loop import mix
from mathse.loop.mix_screen import screens_of
from mathse.params import NearDuplicates, Params
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, MixRow, PathKind, Status
from tests import rows
from tests.loop.test_mix import LOADED, PAIRED, SQL, drafted, mixed_by, step
from tests.sources.leakage.test_planted import QUESTION
from tests.sources.leakage.test_text import filler

LONG = "Angle A is 40 and angle B is 60 by the figure. Their sum is 100. So angle C is 180 minus 100, which is 80."
ALL = mixed_by(SQL / "cumulative.sql", max_per_problem=9)


def screened(settings: Params = ALL, near: NearDuplicates | None = None, items: bool = True) -> Params:
    """Settings by which a mix is held against benchmark items."""
    problems = LOADED.problems if items else settings.problems
    mixes = settings.mix.model_copy(update={"near_duplicates": near})
    return settings.model_copy(update={"problems": problems, "mix": mixes})


def items(root: Path, *questions: str) -> None:
    told = [
        BenchmarkItem(
            benchmark="bench", item_id=str(number), question=question, answer="A", licence="CC0-1.0",
            subject="angles", level=1, official="{}",
        )
        for number, question in enumerate(questions)
    ]  # fmt: skip
    store.write(root / layout.BENCHMARK_ITEMS, BenchmarkItem, told)


def written(folder: Path, texts: Sequence[tuple[str, str]], questions: dict[str, str] | None = None) -> Path:
    """Correct paths a0, a1, ... of (problem, text)."""
    paths = [rows.path(f"a{number}", problem_id, text=text) for number, (problem_id, text) in enumerate(texts)]
    verdicts = [rows.verdict(path.path_id, path.problem_id) for path in paths]
    asked = {problem_id: f"What is {problem_id}?" for problem_id, _ in texts} | (questions or {})
    return step(folder, paths, verdicts, [rows.problem(name, question=text) for name, text in asked.items()])


def kept(file: Path) -> list[str]:
    return [row.path_id for row in store.read(file, MixRow)]


def test_a_solution_that_quotes_an_item_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = [("p1", f"The problem says: {QUESTION} So it is 65."), ("p1", LONG), ("p2", "Other.")]
    file = written(tmp_path, texts)
    items(tmp_path, QUESTION)
    caplog.set_level("INFO")
    report = mix.build(screened(), "0", tmp_path)

    assert (report.rows, report.left_out) == (2, {"leak": 1}) and kept(file) == ["a1", "a2"]
    assert "path a0 quotes bench 0: the triangle below has an angle of 47 degree" in caplog.text


def test_a_row_whose_wrong_path_quotes_an_item_leaves(tmp_path: Path) -> None:
    paths = [rows.path("a0", text="Right."), rows.path("a1", text=f"{QUESTION} It is 66.")]
    file = step(tmp_path, paths, [rows.verdict("a0"), rows.verdict("a1", status=Status.WRONG)], [rows.problem()])
    items(tmp_path, QUESTION)

    assert mix.build(screened(PAIRED), "0", tmp_path).left_out == {"judged WRONG": 1, "leak": 1} and kept(file) == []


@pytest.mark.parametrize("quoting", ["draft", "critique"])
def test_a_row_whose_draft_quotes_an_item_leaves_and_leaves_again(tmp_path: Path, quoting: str) -> None:
    said = f"{QUESTION} It is 66."
    text, critique = (said, None) if quoting == "draft" else ("It is 66.", said)
    problems = [rows.problem("p1"), rows.problem("p2")]
    step(
        tmp_path,
        [rows.path("w", text=text)],
        [rows.verdict("w", status=Status.WRONG, error_analysis=critique)],
        problems,
    )
    mix.build(drafted(ALL), "0", tmp_path)
    reflection = rows.path("r", text="Right.", kind=PathKind.REFLECTION, parent_path_id="w")
    file = step(tmp_path, [reflection], [rows.verdict("r")], problems, "1")
    items(tmp_path, QUESTION)

    assert mix.build(screened(ALL), "1", tmp_path).left_out == {} and kept(file) == ["r"], "its prompt has no draft"
    assert mix.build(drafted(screened(ALL)), "1", tmp_path).left_out == {"leak": 1} and kept(file) == []
    mix.build(drafted(ALL), "1", tmp_path)
    later = step(tmp_path, [rows.path("b", "p2")], [rows.verdict("b", "p2")], problems, "2")
    assert mix.build(drafted(screened(ALL)), "2", tmp_path).left_out == {"leak": 1} and kept(later) == ["b"]


def test_all_rows_of_a_question_that_is_an_item_leave(tmp_path: Path) -> None:
    file = written(tmp_path, [("p1", "One."), ("p1", "Two."), ("p2", "Three.")], {"p1": QUESTION})
    items(tmp_path, QUESTION)
    report = mix.build(screened(), "0", tmp_path)

    assert (report.rows, report.left_out) == (1, {"leak": 2}) and kept(file) == ["a2"]


def test_a_row_of_the_mix_before_leaves_too(tmp_path: Path) -> None:
    written(tmp_path, [("p1", f"{QUESTION} It is 65.")])
    mix.build(ALL, "0", tmp_path)
    problems = [rows.problem("p1"), rows.problem("p2")]
    file = step(tmp_path, [rows.path("b1", "p2")], [rows.verdict("b1", "p2")], problems, "1")
    items(tmp_path, QUESTION)
    report = mix.build(screened(), "1", tmp_path)

    assert (report.candidates, report.left_out) == (2, {"leak": 1}) and kept(file) == ["b1"]


def test_without_items_or_likeness_the_bytes_stay(tmp_path: Path) -> None:
    file = written(tmp_path, [(f"p{number}", text) for number, (_, text, _) in enumerate(filler(30))])
    items(tmp_path)
    made = []
    for settings in (ALL, screened(), screened(near=NearDuplicates())):
        mix.build(settings, "0", tmp_path)
        made.append(file.read_bytes())
    assert made[0] == made[1] == made[2]


def test_only_a_project_that_is_looked_at_does_without_items(tmp_path: Path) -> None:
    written(tmp_path, [("p1", "One.")])

    assert screens_of(screened(), tmp_path, partial=True).items is None
    with pytest.raises(store.StoreError, match=r"items\.parquet: not found"):
        mix.build(screened(), "0", tmp_path)


@pytest.mark.parametrize(
    ("within", "left"), [("mix", ["a0", "a2", "a4"]), ("problem", ["a0", "a2", "a3", "a4"])], ids=str
)
def test_of_near_duplicates_the_first_stays(tmp_path: Path, within: str, left: list[str]) -> None:
    texts = [
        ("p1", LONG), ("p1", LONG.replace("So angle", "so, angle").replace("80.", "eighty.")), ("p1", "Short."),
        ("p2", LONG + " Done."), ("p2", LONG.replace("40", "35").replace("60", "55").replace("100", "90")),
    ]  # fmt: skip
    file = written(tmp_path, texts)
    near = NearDuplicates.model_validate({"within": within})
    report = mix.build(screened(near=near, items=False), "0", tmp_path)

    assert kept(file) == left
    assert report.left_out == {"near duplicate": 5 - len(left)}


def test_the_mix_before_stays_whatever_its_ids(tmp_path: Path) -> None:
    written(tmp_path, [("p1", LONG)])
    paths: list[schemas.Path] = [rows.path("A", "p1", text=LONG + " Done."), rows.path("B", "p1", text="Another way.")]
    mix.build(ALL, "0", tmp_path)
    file = step(tmp_path, paths, [rows.verdict("A"), rows.verdict("B")], [rows.problem("p1")], "1")

    mix.build(screened(near=NearDuplicates(), items=False), "1", tmp_path)
    assert sorted(kept(file)) == ["B", "a0"]
