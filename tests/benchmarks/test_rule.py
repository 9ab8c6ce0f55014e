"""Replies to the items of each benchmark, scored as its official script would."""

from pathlib import Path

import pytest

from mathse.benchmarks.benchmark import benchmark_of
from mathse.benchmarks.items import Loaded, load
from mathse.benchmarks.official import official_fields
from mathse.benchmarks.rule import Rule
from mathse.params import BenchmarkSource
from mathse.tables.schemas import BenchmarkItem, Status
from tests.benchmarks.samples import SAMPLES

RIGHT, WRONG, UNDECIDED = Status.CORRECT, Status.WRONG, Status.UNDECIDED


def items(title: str, folder: Path) -> dict[str, BenchmarkItem]:
    name = benchmark_of(title).name
    subset = title.removeprefix(name).removeprefix("_") or None
    place = SAMPLES[title].put(folder)
    source = BenchmarkSource.model_validate({"name": name, "subset": subset, "path": place})
    return {row.item.item_id: row.item for row in load(source) if isinstance(row, Loaded)}


def rule_of(title: str) -> Rule:
    rule = benchmark_of(title).rule
    assert rule is not None
    return rule


@pytest.mark.parametrize(
    ("title", "item_id", "reply", "extraction", "status"),
    [
        ("mathvista", "1", "The answer to this problem is B.", "(B)", RIGHT),
        ("mathvista", "1", "The answer to this problem is 140°.", "140°", RIGHT),
        ("mathvista", "1", "140°", "140°", RIGHT),
        ("mathvista", "1", "The answer to this problem is A.", "(A)", WRONG),
        ("mathvista", "1", "I do not know", None, UNDECIDED),
        ("mathvista", "2", "The answer is 1.2500 l.", "1.2500", RIGHT),
        ("mathvista", "2", "1.251", "1.251", RIGHT),
        ("mathvista", "3", "The answer is 4 cubes.", "4", RIGHT),
        ("mathvista", "3", "4", "4", RIGHT),
        ("mathvista", "3", "The answer is 5.", "5", WRONG),
        ("mathvista", "4", "The answer is [1, 2].", "[1, 2]", RIGHT),
        ("mathverse", "1", "The answer is B.", "B", RIGHT),
        ("mathverse", "1", "The answer is 140°.", "B", RIGHT),
        ("mathverse", "3", "The answer is 14.", "14", RIGHT),
        ("mathverse", "3", "The answer is 14.0.", "14.0", WRONG),
        ("mathverse_text_only", "1", "The answer is A.", "A", WRONG),
        ("mathvision", "4", "The answer is 6.", "6", RIGHT),
        ("mathvision", "9", r"So \boxed{0.5}", "0.5", RIGHT),
        ("chartqa", "test/test_human.json:0", "The answer is 14.5.", "14.5", RIGHT),
        ("chartqa", "test/test_human.json:0", "The answer is 15.", "15", WRONG),
        ("chartqa", "test/test_human.json:1", "yes", "yes", RIGHT),
    ],
)
def test_a_reply_is_scored(
    title: str, item_id: str, reply: str, extraction: str | None, status: Status, tmp_path: Path
) -> None:
    item = items(title, tmp_path)[item_id]
    assert rule_of(title).extract(item, reply) == extraction
    score = rule_of(title).score(item, reply, extraction)
    assert score.status is status
    if title != "mathvision":
        assert score.answer == extraction


def test_mathvision_reads_the_reply_itself(tmp_path: Path) -> None:
    item = items("mathvision", tmp_path)["6"]
    score = rule_of("mathvision").score(item, "So it is (D).", None)
    assert (score.answer, score.status) == ("d", RIGHT)


@pytest.mark.parametrize("title", [title for title in SAMPLES if title != "mathvl_test"])
def test_every_gold_answer_is_right(title: str, tmp_path: Path) -> None:
    for item in items(title, tmp_path).values():
        reply = f"The answer to this problem is {official_fields(item).get('answer', item.answer)}."
        rule = rule_of(title)
        assert rule.score(item, reply, rule.extract(item, reply)).status is RIGHT, item.item_id


def test_an_endless_number_is_no_error(tmp_path: Path) -> None:
    item = items("mathvista", tmp_path)["3"]
    rule = rule_of("mathvista")
    assert rule.score(item, "", rule.extract(item, "9" * 10_000)).status is not RIGHT
    assert rule.score(item, "", "1e999").status is WRONG


def test_what_has_no_rule_is_graded() -> None:
    assert benchmark_of("mathvl_test").scorer == "grade"
    assert benchmark_of("mathvision_testmini").scorer == "mathvision@1"
