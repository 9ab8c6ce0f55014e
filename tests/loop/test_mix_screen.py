"""What leaves a mix after its query has chosen: quotations of benchmark items, and near-duplicates."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mathse.loop import mix
from mathse.loop.mix import Tables
from mathse.loop.mix_screen import NOTHING, Screens
from mathse.loop.selection import Selected
from mathse.params import NearDuplicates
from mathse.tables import schemas, store
from mathse.tables.schemas import BenchmarkItem, MixRow
from tests import rows
from tests.loop.test_mix import CUMULATIVE, PROMPT, step
from tests.sources.leakage.test_planted import QUESTION
from tests.sources.leakage.test_text import filler

LONG = "Angle A is 40 and angle B is 60 by the figure. Their sum is 100. So angle C is 180 minus 100, which is 80."
ALL = CUMULATIVE.model_copy(update={"parameters": {"max_per_problem": 9}})


def items(folder: Path, *questions: str) -> Path:
    file = folder / "items.parquet"
    told = [
        BenchmarkItem(
            benchmark="bench", item_id=str(number), question=question, answer="A", licence="CC0-1.0",
            subject="angles", level=1, official="{}",
        )
        for number, question in enumerate(questions)
    ]  # fmt: skip
    store.write(file, BenchmarkItem, told)
    return file


def written(folder: Path, texts: Sequence[tuple[str, str]], questions: dict[str, str] | None = None) -> Tables:
    """Correct paths a0, a1, ... of (problem, text)."""
    paths = [rows.path(f"a{number}", problem_id, text=text) for number, (problem_id, text) in enumerate(texts)]
    verdicts = [rows.verdict(path.path_id, path.problem_id) for path in paths]
    asked = {problem_id: f"What is {problem_id}?" for problem_id, _ in texts} | (questions or {})
    return step(folder, paths, verdicts, [rows.problem(name, question=text) for name, text in asked.items()])


def kept(tables: Tables) -> list[str]:
    return [row.path_id for row in store.read(tables.mix, MixRow)]


def test_a_solution_that_quotes_an_item_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = [("p1", f"The problem says: {QUESTION} So it is 65."), ("p1", LONG), ("p2", "Other.")]
    tables = written(tmp_path, texts)
    caplog.set_level("INFO")
    counts = mix.build(ALL, PROMPT, tables, Screens(items(tmp_path, QUESTION)))

    assert counts == Selected(3, 2, {"leak": 1}) and kept(tables) == ["a1", "a2"]
    assert "path a0 quotes bench 0: the triangle below has an angle of 47 degree" in caplog.text
    assert str(tmp_path / "items.parquet") in store.metadata(tables.mix).inputs


def test_all_rows_of_a_question_that_is_an_item_leave(tmp_path: Path) -> None:
    tables = written(tmp_path, [("p1", "One."), ("p1", "Two."), ("p2", "Three.")], {"p1": QUESTION})
    counts = mix.build(ALL, PROMPT, tables, Screens(items(tmp_path, QUESTION)))

    assert counts == Selected(3, 1, {"leak": 2}) and kept(tables) == ["a2"]


def test_a_row_of_the_mix_before_leaves_too(tmp_path: Path) -> None:
    before = written(tmp_path / "0", [("p1", f"{QUESTION} It is 65.")])
    mix.build(ALL, PROMPT, before)
    after = step(
        tmp_path / "1", [rows.path("b1", "p2")], [rows.verdict("b1", "p2")], [rows.problem("p1"), rows.problem("p2")]
    )
    tables = Tables(after.problems, after.paths, after.verdicts, after.mix, before.mix)
    counts = mix.build(ALL, PROMPT, tables, Screens(items(tmp_path, QUESTION)))

    assert counts == Selected(2, 1, {"leak": 1}) and kept(tables) == ["b1"]


def test_without_items_or_likeness_the_bytes_stay(tmp_path: Path) -> None:
    tables = written(tmp_path, [(f"p{number}", text) for number, (_, text, _) in enumerate(filler(30))])
    made = []
    for screens in (NOTHING, Screens(items(tmp_path)), Screens(items(tmp_path), near=NearDuplicates())):
        mix.build(ALL, PROMPT, tables, screens)
        made.append(tables.mix.read_bytes())
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    ("within", "left"), [("mix", ["a0", "a2", "a4"]), ("problem", ["a0", "a2", "a3", "a4"])], ids=str
)
def test_of_near_duplicates_the_first_stays(tmp_path: Path, within: str, left: list[str]) -> None:
    texts = [
        ("p1", LONG), ("p1", LONG.replace("So angle", "so, angle").replace("80.", "eighty.")), ("p1", "Short."),
        ("p2", LONG + " Done."), ("p2", LONG.replace("40", "35").replace("60", "55").replace("100", "90")),
    ]  # fmt: skip
    tables = written(tmp_path, texts)
    near = NearDuplicates.model_validate({"within": within})
    counts = mix.build(ALL, PROMPT, tables, Screens(near=near))

    assert kept(tables) == left
    assert counts.left_out == {"near duplicate": 5 - len(left)}


def test_the_mix_before_stays_whatever_its_ids(tmp_path: Path) -> None:
    before = written(tmp_path / "0", [("p1", LONG)])
    paths: list[schemas.Path] = [rows.path("A", "p1", text=LONG + " Done."), rows.path("B", "p1", text="Another way.")]
    mix.build(ALL, PROMPT, before)
    after = step(tmp_path / "1", paths, [rows.verdict("A"), rows.verdict("B")], [rows.problem("p1")])
    tables = Tables(after.problems, after.paths, after.verdicts, after.mix, before.mix)

    mix.build(ALL, PROMPT, tables, Screens(near=NearDuplicates()))
    assert sorted(kept(tables)) == ["B", "a0"]
