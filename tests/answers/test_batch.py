"""Grading of tables: nulls and missing columns, repeated pairs, bounded memory, and the same verdicts as one by one."""

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.answers import batch
from mathse.answers.batch import Grader
from mathse.answers.grade import Grade, grade
from mathse.tables.schemas import Status

ROWS: list[dict[str, Any]] = [
    {"gold": "1/2", "answer": r"So \boxed{0.5}.", "choices": None, "precision": None},
    {"gold": "B", "answer": "The answer to this problem is 45.", "choices": ["40", "45"], "precision": None},
    {"gold": "3.14", "answer": "3.1416", "choices": [], "precision": 2},
    {"gold": "3.14", "answer": "3.1416", "choices": [], "precision": None},
    {"gold": "7", "answer": "8", "choices": None, "precision": None},
    {"gold": "7", "answer": "I cannot see it.", "choices": None, "precision": None},
    {"gold": "7", "answer": None, "choices": None, "precision": None},
    {"gold": None, "answer": "7", "choices": None, "precision": None},
    {"gold": "A", "answer": "B", "choices": ["7", None], "precision": None},
    {"gold": "7", "answer": "\ud800", "choices": None, "precision": None},
]
SCHEMA: dict[str, Any] = {"gold": pl.String, "answer": pl.String, "choices": pl.List(pl.String), "precision": pl.Int64}


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The calls of the grader behind."""
    calls: list[tuple[object, ...]] = []

    def counted(*arguments: object) -> Grade:
        calls.append(arguments)
        return Grade(Status.CORRECT, str(arguments[1]), "counted")

    monkeypatch.setattr(batch, "grade", counted)
    return calls


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def test_rows_keep_their_order_and_columns_and_get_verdicts() -> None:
    made = Grader().frame(table(ROWS[:9]).with_columns(id=pl.int_range(9)))
    assert made.columns == ["gold", "answer", "choices", "precision", "id", "verdict", "extracted", "reason"]
    assert made["id"].to_list() == list(range(9))
    assert [verdict[0] for verdict in made["verdict"]] == list("CCCWWUUUW")
    assert made["extracted"].to_list()[:2] == ["0.5", "45"]
    assert made["reason"].null_count() == 0
    assert made["reason"].to_list()[5:8] == ["no answer found", "no answer found", "no gold answer"]


def test_the_same_as_one_by_one() -> None:
    rows = [row for row in ROWS[:7] if row["answer"] is not None]
    made = Grader().frame(table(rows))
    for row, verdict, extracted, reason in zip(rows, made["verdict"], made["extracted"], made["reason"], strict=True):
        said = grade(row["gold"], row["answer"], row["choices"] or (), row["precision"])
        assert (said.status.value, said.extracted, said.reason) == (verdict, extracted, reason)


@pytest.mark.parametrize("missing", ["gold", "answer"])
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=f"no column '{missing}' among"):
        Grader().frame(table(ROWS[:3]).drop(missing))


def test_an_empty_table_and_one_of_nulls() -> None:
    made = Grader().frame(table([]))
    assert made.schema == pl.Schema(SCHEMA | batch.ADDED)
    nulls = pl.DataFrame({"gold": [None, None], "answer": [None, None]})
    assert Grader().frame(nulls)["verdict"].to_list() == ["UNDECIDED"] * 2


def test_only_the_columns_that_count_are_looked_at() -> None:
    frame = pl.DataFrame({"answer": ["7"], "note": [object()], "gold": ["7"]})
    assert Grader().frame(frame)["verdict"].to_list() == ["CORRECT"]


def test_a_repeated_pair_is_worked_out_once(count: list[tuple[object, ...]]) -> None:
    grader = Grader()
    frames = list(grader.batches([table(ROWS[:5] * 20), table(ROWS[:5])]))
    assert [frame.height for frame in frames] == [100, 5]
    assert len(count) == 5
    grader.grade("7", "8", ("1", "2"))
    grader.grade("7", "8", ("12",))
    grader.grade("7", "8", (), 0)
    grader.grade("78", "")
    assert len(count) == 9  # none of these is another


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(count: list[tuple[object, ...]]) -> None:
    grader = Grader(remembered=10)
    for number in range(1000):
        grader.grade("7", str(number))
    assert len(grader._grades) == 10
    assert len(count) == 1000
    grader.grade("7", "999")
    assert len(count) == 1000
    grader.grade("7", "5")
    assert len(count) == 1001


def test_a_lone_surrogate_is_graded() -> None:
    assert Grader().grade("7", "\ud800").status is not Status.CORRECT


@given(st.lists(st.sampled_from(["5", "5.0", "A", "x+1", "", " ", "1/2", "no"]), min_size=2, max_size=2), st.booleans())
def test_remembering_changes_no_verdict(pair: list[str], has_choices: bool) -> None:
    grader, choices = Grader(), ("5", "1/2") if has_choices else ()
    first, again = (grader.grade(pair[0], pair[1], choices) for _ in range(2))
    assert first == again == grade(pair[0], pair[1], choices)


def test_pairs_do_not_run_into_each_other() -> None:
    chance, grader = random.Random(1), Grader()
    for _ in range(300):
        signs = "".join(chance.choice("5\0x") for _ in range(4))
        cut = chance.randrange(5)
        assert grader.grade(signs[:cut], signs[cut:]) == grade(signs[:cut], signs[cut:])
