from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.ask.protocol import Failure, Sampling
from mathse.loop.reflect import PROMPT, Wrong, reflect, wrong_paths
from mathse.loop.solve import Ask
from mathse.tables import schemas
from mathse.tables.schemas import PathKind, Status
from tests import rows
from tests.loop.scripted import Scripted

PROBLEMS = {name: rows.problem(name) for name in ("p1", "p2", "p3")}
ASK = Ask(PathKind.REFLECTION, 2, PROMPT, Sampling(max_new_tokens=300), samples=2, seed=1)


def wrong(name: str, problem_id: str = "p1", step: str | None = "Step 1") -> Wrong:
    said = rows.verdict(name, problem_id, Status.WRONG, error_step=step, error_analysis=step and f"why of {name}")
    return Wrong(rows.path(name, problem_id, text=f"Text of {name}."), said)


def chosen(judged: list[tuple[schemas.Path, Status]], open_ids: str = "p1 p2", scope: str = "unsolved") -> list[str]:
    verdicts = {path.path_id: rows.verdict(path.path_id, path.problem_id, status) for path, status in judged}
    remaining = [PROBLEMS[name] for name in open_ids.split()]
    return [one.path.path_id for one in wrong_paths((path for path, _ in judged), verdicts, remaining, scope)]


JUDGED = [
    (rows.path("old", "p1", round=1), Status.WRONG),
    (rows.path("second", "p1", round=2, sample_idx=1), Status.WRONG),
    (rows.path("first", "p1", round=2, sample_idx=0), Status.WRONG),
    (rows.path("doubtful", "p2", round=2), Status.UNDECIDED),
    (rows.path("only", "p2", round=1), Status.WRONG),
    (rows.path("solved", "p3", round=1), Status.WRONG),
]


def test_the_newest_wrong_path_of_each_unsolved_problem() -> None:
    assert chosen(JUDGED) == ["first", "only"]


def test_all_wrong_paths_of_the_unsolved_problems() -> None:
    assert chosen(JUDGED, scope="all") == ["first", "second", "old", "only"]


@pytest.mark.parametrize("scope", ["unsolved", "all"])
def test_only_wrong_paths_with_text_of_open_problems(scope: str) -> None:
    judged = [
        (rows.path("right", "p1"), Status.CORRECT),
        (rows.path("undecided", "p1"), Status.UNDECIDED),
        (rows.path("empty", "p1", text=""), Status.WRONG),
        (rows.path("closed", "p3"), Status.WRONG),
    ]
    assert chosen(judged, scope=scope) == []


@given(st.permutations(JUDGED), st.sampled_from(["unsolved", "all"]))
def test_the_order_of_rows_changes_nothing(judged: list[tuple[schemas.Path, Status]], scope: str) -> None:
    assert chosen(judged, scope=scope) == chosen(JUDGED, scope=scope)


def test_a_reflection_names_the_path_it_reconsiders(tmp_path: Path) -> None:
    engine = Scripted(lambda request: f"Again {request.sample_idx}. The answer to this problem is 4.", name="teacher")
    made = reflect(engine, [wrong("a1"), wrong("a2", "p2")], PROBLEMS, ASK, tmp_path / "j")
    assert [(path.parent_path_id, path.problem_id, path.sample_idx) for path in made] == [
        ("a1", "p1", 0), ("a1", "p1", 1), ("a2", "p2", 0), ("a2", "p2", 1),
    ]  # fmt: skip
    assert {(path.kind, path.round, path.model, path.prompt) for path in made} == {
        (PathKind.REFLECTION, 2, "teacher", "reflect@1")
    }
    assert {path.answer for path in made} == {"4"}
    assert len({path.path_id for path in made}) == len({path.seed for path in made}) == 4


def test_the_teacher_sees_the_wrong_path_and_the_remark(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    reflect(engine, [wrong("a1")], PROBLEMS, ASK, tmp_path / "j")
    request = engine.asked[0]
    assert request.subject_id == "a1"
    assert request.sampling == ASK.sampling
    assert request.image_ids == ("image-p1",)
    said = request.messages[0].content
    assert "Wrong solution:\nText of a1.\n" in said
    assert "Step the reviewer doubts: Step 1\nReviewer's reason: why of a1" in said


def test_the_teacher_is_not_given_the_gold_answer(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    secret = {"p1": rows.problem("p1", answer="SECRET", solution="SECRET")}
    reflect(engine, [wrong("a1")], secret, ASK, tmp_path / "j")
    assert "SECRET" not in repr(engine.asked)


def test_a_verdict_without_a_step_still_asks(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    reflect(engine, [wrong("a1", step=None)], PROBLEMS, ASK, tmp_path / "j")
    assert engine.asked[0].fields["error_step"] == engine.asked[0].fields["error_analysis"] == "none named"


def test_two_wrong_paths_of_a_problem_are_two_requests(tmp_path: Path) -> None:
    one = replace(ASK, samples=1)
    same = [Wrong(rows.path(name, text="Same."), rows.verdict(name, status=Status.WRONG)) for name in ("a1", "a2")]
    made = reflect(Scripted(lambda _: "Again."), same, PROBLEMS, one, tmp_path / "j")
    assert [path.parent_path_id for path in made] == ["a1", "a2"]
    assert made[0].path_id != made[1].path_id


def test_a_failure_is_a_row(tmp_path: Path) -> None:
    engine = Scripted(lambda request: Failure("refused", "no") if request.sample_idx else "Again.")
    made = reflect(engine, [wrong("a1")], PROBLEMS, ASK, tmp_path / "j")
    assert [(path.finish_reason, path.error) for path in made] == [("stop", None), ("error", "refused: no")]
    assert made[1].parent_path_id == "a1"
