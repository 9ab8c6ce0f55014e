"""Every benchmark in its own field names, damaged ones, and the real ones where they are."""

import copy
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mathse.benchmarks.benchmark import benchmark, benchmark_of, columns_of_table_2
from mathse.benchmarks.items import Gathered, Loaded, load
from mathse.errors import UserError
from mathse.params import BenchmarkSource
from mathse.params.benchmarks import benchmark_names
from mathse.sources.licences import licence
from mathse.sources.reading import SourceError
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Image, Reject
from tests.benchmarks.samples import SAMPLES, verse, vision, vista
from tests.shared_data import shared
from tests.sources.adapters.test_damage import ODD, damage

DAMAGES = 500


def source(title: str, path: Path, **others: Any) -> BenchmarkSource:
    name = benchmark_of(title).name
    subset = title.removeprefix(name).removeprefix("_") or None
    return BenchmarkSource.model_validate({"name": name, "subset": subset, "path": path, **others})


def items(title: str, folder: Path, rows: list[Any] | None = None) -> list[BenchmarkItem]:
    sample = SAMPLES[title] if title in SAMPLES else SAMPLES[title.split("_")[0]]
    found = list(load(source(title, sample.put(folder, rows))))
    assert not [row for row in found if isinstance(row, Reject)]
    return [row.item for row in found if isinstance(row, Loaded)]


@pytest.mark.parametrize("name", benchmark_names())
def test_every_benchmark_declares_itself(name: str) -> None:
    declared = benchmark(name)
    for subset, part in declared.subsets.items():
        one = BenchmarkSource.model_validate({"name": name, "subset": subset, "path": "x"})
        assert declared.titles[one.title] is part
        assert one.published == part.size
        assert benchmark_of(one.title) is declared
    assert None in declared.subsets
    assert licence(name).training == "no" or name in ("chartqa", "mathvl_test")


def test_what_no_benchmark_is_called() -> None:
    with pytest.raises(UserError, match=r"no benchmark is called 'gsm8k'; there are .*mathverse"):
        benchmark("gsm8k")
    with pytest.raises(UserError, match=r"'mathvista_test'; there are .*mathverse"):
        benchmark_of("mathvista_test")
    with pytest.raises(ValueError, match="subset: mathvista has gps; found 'test'"):
        BenchmarkSource.model_validate({"name": "mathvista", "subset": "test", "path": "x"})
    with pytest.raises(ValueError, match=r"Input should be .*'mathvista'"):
        BenchmarkSource.model_validate({"name": "gsm8k", "path": "x"})


def test_the_columns_of_the_papers_table_2() -> None:
    headings = {title: column.heading for title, column in columns_of_table_2().items()}
    assert list(headings.items()) == [
        ("mathvista_gps", "MathVista GPS"), ("mathvista", "MathVista"), ("mathverse", "MathVerse"),
        ("mathvision", "MATH-Vision"),
    ]  # fmt: skip


def test_mathvista(tmp_path: Path) -> None:
    angle, cup, cubes, several = items("mathvista", tmp_path)
    assert (angle.item_id, angle.choices, angle.answer, angle.language) == ("1", ("40°", "140°"), "B", "en")
    assert angle.problem_id == "mathvista/1"
    assert (cup.question, cup.answer) == ("How much is in the cup? (Unit: l)", "1.25")
    assert json.loads(cup.official)["precision"] == 2
    assert json.loads(cubes.official)["metadata"]["skills"] == ["geometry reasoning"]
    assert several.answer == "[1, 2]"
    assert angle.licence == "CC-BY-SA-4.0"


def test_gps_is_a_part_of_mathvista(tmp_path: Path) -> None:
    (angle,) = items("mathvista_gps", tmp_path)
    assert (angle.benchmark, angle.item_id) == ("mathvista_gps", "1")


def test_mathverse(tmp_path: Path) -> None:
    found = items("mathverse", tmp_path)
    assert [item.item_id for item in found] == ["1", "2", "3", "4", "5"]
    assert (found[0].choices, found[0].answer) == (("40°", "140°"), "B")
    assert found[0].question == "AB is parallel to CD and angle 1 is 40. Find angle 2."
    assert (found[4].question, found[4].answer) == ("Solve the problem that the image shows.", "B")
    assert [len(item.image_ids) for item in found] == [1] * 5


def test_a_version_of_mathverse_by_itself(tmp_path: Path) -> None:
    assert [item.item_id for item in items("mathverse_vision_only", tmp_path)] == ["5"]


def test_text_only_stands_apart(tmp_path: Path) -> None:
    both = [*SAMPLES["mathverse"].rows, *SAMPLES["mathverse_text_only"].rows]
    SAMPLES["mathverse"].put(tmp_path, both)
    assert len(list(load(source("mathverse", tmp_path)))) == 5
    (alone,) = items("mathverse_text_only", tmp_path)
    assert alone.image_ids == ()


def test_mathvision(tmp_path: Path) -> None:
    digits, letters, half = items("mathvision", tmp_path)
    assert digits.question == "How many digits are in (image 1)?"
    assert (letters.question, letters.answer, letters.level, letters.subject) == ("Which one is it?", "D", 3, "logic")
    assert half.answer == "C"
    assert json.loads(half.official)["options"][2] == r"$\frac{1}{2}$"


def test_chartqa(tmp_path: Path) -> None:
    number, word = items("chartqa", tmp_path)
    assert (number.answer, json.loads(number.official)) == ("14", {"label": "14", "type": "human"})
    assert word.answer == "Yes"
    assert not list(load(source("chartqa_augmented", tmp_path)))


def test_mathvl_test(tmp_path: Path) -> None:
    chosen, free = items("mathvl_test", tmp_path)
    assert (chosen.item_id, chosen.question, chosen.answer, chosen.language) == ("a", "求x。", "B", "zh")
    assert (free.item_id, free.image_ids, free.official) == ("7", (), "{}")


@pytest.mark.parametrize(
    ("title", "row", "reason"),
    [
        ("mathvision", vision(4, "How many?", "C", []), None),
        ("mathvision", vision(4, "How many?", "6", ["1", "2"]), "not scorable by the official rule"),
        ("mathvision", vision(5, "How many?", "6", []), "missing image"),
        ("mathvision", vision(4, "<image1>", "6", []), None),
        ("mathvision", vision(4, " ", "6", []), "empty question"),
        ("mathvision", vision(4, "How many?", "6", [], image=None), "missing field"),
        ("mathvista", vista("1", "How many?", "", question_type="free_form"), "empty answer"),
        ("mathvista", vista("1", "How many?", "2", answer_type="float"), "not scorable by the official rule"),
        ("mathvista", vista("1", "How many?", "2", task=None), "missing field"),
        ("mathverse", verse(1, "Text Heavy", "How many?", "2"), "unknown version"),
        ("mathverse", verse(1, "Text Lite", "", "2"), "empty question"),
    ],
)
def test_what_cannot_be_asked_or_scored_is_a_reject(
    title: str, row: dict[str, Any], reason: str | None, tmp_path: Path
) -> None:
    (found,) = load(source(title, SAMPLES[title].put(tmp_path, [row])))
    assert (found.reason if isinstance(found, Reject) else None) == reason


def test_a_gold_answer_that_only_our_grader_cannot_read_stays(tmp_path: Path) -> None:
    (item,) = items("mathvista", tmp_path, [vista("1", "Which?", "∠∠∠", answer_type="text")])
    assert item.answer == "∠∠∠"


def test_an_id_counts_once(tmp_path: Path) -> None:
    rows = [SAMPLES["mathvision"].rows[0]] * 2
    first, second = load(source("mathvision", SAMPLES["mathvision"].put(tmp_path, rows)))
    assert isinstance(first, Loaded)
    assert (
        (second.reason, second.source_id) == ("id occurs twice", "4@test.jsonl:1")
        if isinstance(second, Reject)
        else False
    )


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    some = source("mathvision", SAMPLES["mathvision"].put(tmp_path), limit=2)
    assert len(list(load(some))) == some.expected == 2


def test_a_folder_without_the_split_is_an_error(tmp_path: Path) -> None:
    SAMPLES["mathvision"].put(tmp_path)
    with pytest.raises(SourceError, match=r"holds no testmini\.json"):
        list(load(source("mathvision_testmini", tmp_path)))
    with pytest.raises(SourceError, match="no such file"):
        list(load(source("mathvision", tmp_path / "elsewhere")))


@pytest.mark.parametrize("title", SAMPLES)
def test_every_row_comes_out_once(title: str, tmp_path: Path) -> None:
    counts: Counter[type] = Counter()
    for seed in range(DAMAGES):
        chance = random.Random(f"{title} {seed}")
        rows = [copy.deepcopy(chance.choice(SAMPLES[title].rows)) for _ in range(chance.randint(1, 3))]
        for _ in range(chance.randint(1, 2)):
            damage(rows, ODD, chance)
        found = list(load(source(title, SAMPLES[title].put(tmp_path, rows))))

        assert len(found) == len(rows), rows
        keys = [row.source_id if isinstance(row, Reject) else row.item.item_id for row in found]
        assert len(set(keys)) == len(keys)
        assert all((row if isinstance(row, Reject) else row.item).row_hash for row in found)
        counts.update(type(row) for row in found)
    assert counts[Loaded] > DAMAGES / 10
    assert counts[Reject] > DAMAGES / 10


def test_tables_of_several_benchmarks(tmp_path: Path) -> None:
    places = {title: SAMPLES[title].put(tmp_path / title) for title in ("mathvision", "chartqa", "mathverse_text_only")}
    (tmp_path / "mathvision" / "images" / "9.jpg").unlink()
    gathered = Gathered([source(title, place) for title, place in places.items()])
    assert store.write(tmp_path / "images.parquet", Image, gathered.images()) == 2  # red and green, each stored once
    assert store.write(tmp_path / "items.parquet", BenchmarkItem, gathered.items) == 5
    assert [(reject.source, reject.source_id, reject.reason) for reject in gathered.rejects] == [
        ("mathvision", "9", "missing image")
    ]
    assert gathered.incomplete().startswith("; mathvision has 2 of 3040 items; chartqa has 2 of 2500")
    stored = store.read(tmp_path / "items.parquet", BenchmarkItem)
    assert {item.benchmark for item in stored} == set(places)


def test_an_image_that_an_item_names_twice_is_stored_once(tmp_path: Path) -> None:
    rows = [{**SAMPLES["mathvl_test"].rows[0], "images": ["1.png", "1.png"]}]
    gathered = Gathered([source("mathvl_test", SAMPLES["mathvl_test"].put(tmp_path, rows))])
    assert store.write(tmp_path / "images.parquet", Image, gathered.images()) == 1
    assert len(gathered.items[0].image_ids) == 2


def test_no_benchmark_is_three_empty_tables(tmp_path: Path) -> None:
    gathered = Gathered(())
    assert store.write(tmp_path / "images.parquet", Image, gathered.images()) == 0
    assert store.write(tmp_path / "items.parquet", BenchmarkItem, gathered.items) == 0
    assert store.read(tmp_path / "items.parquet", BenchmarkItem) == []


@pytest.mark.parametrize(
    ("title", "path", "loaded", "reasons"),
    [
        ("mathvision_testmini", "mathvision", 304, {}),
        ("mathvision", "mathvision", 304, {"missing image": 2736}),
        ("mathverse_text_only", "mathverse", 788, {}),
        ("mathvista", "mathvista", 0, {"missing image": 1000}),
        ("mathvista_gps", "mathvista", 0, {"missing image": 208}),
    ],
)
def test_the_real_ones(title: str, path: str, loaded: int, reasons: dict[str, int]) -> None:
    one = source(title, shared(path))
    found = list(load(one))
    assert Counter(row.reason for row in found if isinstance(row, Reject)) == reasons
    assert sum(isinstance(row, Loaded) for row in found) == loaded
    assert len(found) == one.expected
