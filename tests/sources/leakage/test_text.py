"""Leaks of text, planted in every way the module names, and what it says it does not find."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from mathse.sources.leakage import Kind, Leak
from mathse.sources.leakage.dress import plain, readable, segments
from mathse.sources.leakage.grams import SEPARATOR, words
from mathse.sources.leakage.index import Rule
from mathse.sources.leakage.text import Questions, find
from mathse.tables import store
from mathse.tables.schemas import Problem, Split
from tests.shared_data import load

ITEM = (
    r"As shown in the figure, in $\triangle ABC$, $\angle A = 80^{\circ}$, $\angle B = 60^{\circ}$, point D is on AB "
    r"and point E is on AC with DE parallel to BC; what is the size of $\angle CED$?"
)
SIGNS = ITEM.upper().replace(r"\TRIANGLE", "△").replace(r"\ANGLE", "∠").replace(r"^{\CIRC}", "°")
CHOICES = ("40°", "60°", "120°", "140°")
BOILERPLATE = "As shown in the figure, in triangle ABC, it is known that"
FULL_WIDTH = str.maketrans("0123456789,?", "０１２３４５６７８９，？")  # noqa: RUF001


def asked(*rows: tuple[str, str, Sequence[str]]) -> pl.DataFrame:
    schema: dict[str, Any] = {"problem_id": pl.String, "question": pl.String, "choices": pl.List(pl.String)}
    return pl.DataFrame([(name, text, list(choices)) for name, text, choices in rows], schema, orient="row")


def bench(*rows: tuple[str, str, Sequence[str], str]) -> pl.DataFrame:
    told = asked(*[(name, text, choices) for name, text, choices, _ in rows]).rename({"problem_id": "item_id"})
    return told.with_columns(pl.lit("bench").alias("benchmark"), pl.Series("answer", [row[3] for row in rows]))


def filler(count: int) -> list[tuple[str, str, Sequence[str]]]:
    """Questions that begin alike and go on in their own ways."""
    rng = random.Random(7)
    nouns = [
        "ladder",
        "river",
        "circle",
        "chord",
        "train",
        "garden",
        "kite",
        "cube",
        "square",
        "median",
        "bridge",
        "tower",
        "ribbon",
        "dial",
        "pond",
    ]
    verbs = ["meets", "crosses", "bisects", "follows", "touches", "leaves", "doubles", "contains", "divides", "holds"]
    made: list[tuple[str, str, Sequence[str]]] = []
    for number in range(count):
        said = (f"the {rng.choice(nouns)} {rng.choice(verbs)} {rng.randint(2, 9999)}" for _ in range(8))
        made.append((f"filler {number:04d}", f"{BOILERPLATE} {' '.join(said)}", ()))
    return made


def leaks(
    text: str, choices: Sequence[str] = CHOICES, item: str = ITEM, item_choices: Sequence[str] = CHOICES
) -> list[Leak]:
    """What is found of one question among five hundred, against one item among others."""
    others = [(name.replace("filler", "other"), question, (), "1") for name, question, _ in filler(550)[500:]]
    rows = [*filler(500), ("planted", text, choices)]
    return find([asked(*rows[:200]), asked(*rows[200:])], bench(("item", item, item_choices, "A"), *others))


def kinds(found: list[Leak]) -> list[Kind]:
    assert {(leak.problem_id, leak.item_id) for leak in found} <= {("planted", "item")}
    return [Kind(leak.kind) for leak in found]


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        pytest.param(ITEM, CHOICES, id="verbatim"),
        pytest.param(ITEM, CHOICES[::-1], id="choices reordered"),
        pytest.param(ITEM.translate(FULL_WIDTH), CHOICES, id="full-width digits"),
        pytest.param(SIGNS, CHOICES, id="signs"),
        pytest.param(ITEM.replace("80^", "80.0^").replace("$", " $$ "), ["40 degrees", *CHOICES[1:]], id="dress"),
        pytest.param("<image>\n" + ITEM + "\nChoices:\nA:40°\nB:60°\nC:120°\nD:140°", (), id="choices in the question"),
    ],
)
def test_a_copy_is_found(text: str, choices: Sequence[str]) -> None:
    found = leaks(text, choices)
    assert kinds(found) == [Kind.EQUAL_TEXT]
    assert (found[0].score, found[0].benchmark) == (1, "bench")
    assert found[0].question.startswith(text)
    assert found[0].item_question.startswith(ITEM)
    assert "point d is on ab and point e is on ac" in found[0].shared


def test_light_rewording_is_found_by_the_words_left_as_they_were() -> None:
    text = ITEM.replace("As shown in the figure", "See the drawing").replace("what is the size of", "find")
    found = leaks(text)
    assert kinds(found) == [Kind.SHARED_GRAMS]
    assert found[0].score > 5
    assert found[0].shared.startswith("in triangle abc angle a equals 80")


def test_a_single_rare_gram_is_enough() -> None:
    quoted = "point D is on AB and point E"
    assert kinds(leaks(f"A boat sails while {quoted} drifts away.", ())) == [Kind.SHARED_GRAMS]
    assert kinds(leaks("A boat sails while point D is on AB and drifts away.", ())) == []


def test_heavy_rewording_is_not_found() -> None:
    text = "In triangle ABC we have A = 80 and B = 60. D lies on AB, E lies on AC, and DE is parallel to BC. Find CED."
    assert kinds(leaks(text)) == []


def test_a_number_spelled_out_is_a_word_changed() -> None:
    assert kinds(leaks("Eighty of 60 birds fly", (), "80 of 60 birds fly", ())) == []


def test_a_template_with_other_numbers_is_none() -> None:
    assert kinds(leaks(ITEM.replace("80", "75").replace("60", "65"), ("35°", "65°", "115°", "145°"))) == []
    assert kinds(leaks(ITEM.replace("80", "75"))) == []


def test_other_numbers_in_the_choices_alone_are_none() -> None:
    text = "In the drawing above, AB is a chord that meets CD; which of these is the angle between them?"
    assert kinds(leaks(text, ("10°", "20°"), text, ("30°", "40°"))) == []
    assert kinds(leaks(text, ("30°", "10°"), text, ("30°", "40°"))) == [Kind.SHARED_GRAMS]


def test_boilerplate_does_not_count() -> None:
    assert kinds(leaks(f"{BOILERPLATE} nothing else is as before", ())) == []
    assert not find([asked(*filler(300))], bench(("item", f"{BOILERPLATE} all roads lead to Rome", (), "1")))


def test_the_end_of_boilerplate_does_not_count() -> None:
    assert kinds(leaks(f"{BOILERPLATE} zebras run", (), f"{BOILERPLATE} zebras sleep while it rains", ())) == []


def test_the_same_boilerplate_counts_where_it_is_rare() -> None:
    rows = [("planted", f"{BOILERPLATE} nothing else is as before", ())]
    found = find([asked(*rows)], bench(("item", f"{BOILERPLATE} all roads lead to Rome", (), "1")))
    assert kinds(found) == [Kind.SHARED_GRAMS]


def test_copies_of_a_leak_do_not_make_it_boilerplate() -> None:
    reworded = ITEM.replace("As shown in the figure", "See the drawing")
    rows = [(f"copy {number:03d}", reworded, CHOICES) for number in range(300)]
    found = find([asked(*filler(100), *rows)], bench(("item", ITEM, CHOICES, "A")))
    assert [leak.problem_id for leak in found] == [row[0] for row in rows]
    assert {leak.kind for leak in found} == {Kind.SHARED_GRAMS}


def test_a_plain_question_says_nothing_without_its_image() -> None:
    assert kinds(leaks("What is the size of angle C?", (), "What is the size of angle C?", ())) == []
    assert kinds(leaks("What is 15 % of 240?", (), "What is 15 % of 240?", ())) == [Kind.EQUAL_TEXT]


def test_a_question_with_several_answers_says_nothing_without_its_image() -> None:
    text = "Which number should be written in place of the question mark?"
    question = [asked(("p", text, ()))]
    assert find(question, bench(("1", text, (), "60"), ("2", text, (), "7"))) == []
    assert len(find(question, bench(("1", text, (), "60"), ("2", text, (), "60")))) == 2


def test_chinese_is_compared_by_characters() -> None:
    item = "如图所示，点D在线段AB上，过点D作直线与AC平行，求角BDE的度数是多少。"  # noqa: RUF001
    assert kinds(leaks(item.replace("，", ","), (), item, ())) == [Kind.EQUAL_TEXT]  # noqa: RUF001
    assert kinds(leaks("已知过点D作直线与AC平行，请写出证明。", (), item, ())) == [Kind.SHARED_GRAMS]  # noqa: RUF001
    assert kinds(leaks("已知过点D作垂线，请写出证明。", (), item, ())) == []  # noqa: RUF001


def test_nothing_asked_and_nothing_to_compare_with() -> None:
    assert find([], bench(("item", ITEM, CHOICES, "A"))) == []
    assert find([asked(("p", ITEM, CHOICES))], bench()) == []
    assert find([asked(("p", "", ()), ("q", "<image>", ()))], bench(("item", "", (), ""), ("b", "?", (), ""))) == []


def test_batches_and_their_order_change_nothing() -> None:
    rows = [*filler(60), ("planted", ITEM, CHOICES), ("again", ITEM.replace("As shown", "See"), ())]
    items = bench(("item", ITEM, CHOICES, "A"), ("other", filler(61)[60][1], (), "2"))
    whole = find([asked(*rows)], items, Rule(rare=3))
    assert [leak.problem_id for leak in whole] == ["again", "planted"]
    assert find([asked(row) for row in reversed(rows)], items, Rule(rare=3)) == whole


def test_problems_come_from_their_table_and_leaks_go_to_one(tmp_path: Path) -> None:
    common = {"source": "s", "licence": "MIT", "split": Split.TRAIN, "answer": "A", "subject": "angles", "level": 1}
    made = [
        Problem.model_validate(
            {"problem_id": f"id{place}", "source_id": "1", "question": text, "choices": CHOICES} | common
        )
        for place, text in enumerate([ITEM, "How many apples are left of 17?"])
    ]
    store.write(tmp_path / "problems.parquet", Problem, made)
    questions = Questions(lambda: pq.ParquetFile(tmp_path / "problems.parquet").iter_batches())
    found = find(questions, bench(("item", ITEM, CHOICES, "A")))
    assert [leak.problem_id for leak in found] == ["id0"]
    store.write(tmp_path / "leaks.parquet", Leak, found)
    assert store.read(tmp_path / "leaks.parquet", Leak) == found


def test_words_for_a_reader_are_the_words_that_are_hashed() -> None:
    texts = plain(asked(("p", ITEM + " 3.50 如图²", CHOICES), ("q", "x-2 = -3, right-angled 1,000", ())))
    for text in texts:
        said = [word for segment in segments(text) for word in segment]
        assert len(said) == len(words(pl.Series([text])).hashes)
    assert readable(segments(texts[1])[0]) == "x minus 2 equals minus 3 right angled 1000"
    assert SEPARATOR in texts[0]


def test_real_benchmarks_share_items() -> None:
    verse = load("mathverse/testmini_text_only.json")
    vista = load("mathvista/testmini.json")
    items = bench(*[(row["sample_index"], row["question"], (), row["answer"]) for row in verse])
    found = find([asked(*[(name, row["question"], row["choices"] or ()) for name, row in vista.items()])], items)
    strong = {leak.problem_id for leak in found if leak.kind == "equal_text" or leak.score >= 8}
    # Both have drawn on GeoQA.
    assert len(strong) >= 10


def test_real_questions_leak_when_planted() -> None:
    vision = load("mathvision/test.jsonl")
    items = bench(*[(row["id"], row["question"], row["options"], str(row["answer"])) for row in vision])
    k12 = [(row["id"], row["question"], ()) for row in load("k12/k12.json")]
    answers: dict[str, set[str]] = {}
    for row in vision:
        answers.setdefault(row["question"], set()).add(row["answer"])
    long = [row for row in vision if len(row["question"].split()) >= 20 and len(answers[row["question"]]) == 1][::10]
    planted = [(f"planted {row['id']}", row["question"].translate(FULL_WIDTH), row["options"][::-1]) for row in long]
    found = find([asked(*k12, *planted)], items)
    missed = {f"planted {row['id']}" for row in long} - {leak.problem_id for leak in found if leak.kind == "equal_text"}
    assert len(long) > 100
    assert not missed
