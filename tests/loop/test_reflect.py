import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mathse.loop.ask.engines.server.budget import Purse
from mathse.loop.ask.protocol import BatchEngine, Bills, Failure, Request, Sampling
from mathse.loop.ask.requests import request_seed
from mathse.loop.reflect import ORM, PROMPT, Feedback, Scope, reflect, wrong_paths
from mathse.loop.solve import Ask
from mathse.tables import schemas
from mathse.tables.schemas import PathKind, Problem, Remaining, WrongPath
from tests import rows
from tests.loop.scripted import Scripted

PROBLEMS = {name: rows.problem(name) for name in ("p1", "p2", "p3")}
ASK = Ask(PathKind.REFLECTION, 2, PROMPT, Sampling(max_new_tokens=300), samples=2, seed=1)
MARKING = Sampling(max_new_tokens=77)


def wrong(name: str, step: str | None = "Step 1", **fields: object) -> WrongPath:
    defaults = {
        "path_id": name, "step": "2", "round": 2, "sample_idx": 0, "text": f"Text of {name}.", "error_step": step,
        "error_analysis": step and f"why of {name}",
    }  # fmt: skip
    return WrongPath.model_validate({**defaults, **fields})


def remaining(problem_id: str, *paths: WrongPath) -> Remaining:
    return Remaining(problem_id=problem_id, wrong=paths)


REMAINING = [
    remaining("p1", wrong("first"), wrong("second", sample_idx=1), wrong("old", round=1)),
    remaining("p2", wrong("only")),
    remaining("p3"),
]


def reflected(
    engine: BatchEngine,
    left: Sequence[Remaining],
    folder: Path,
    ask: Ask = ASK,
    problems: dict[str, Problem] = PROBLEMS,
    feedback: Feedback = ORM,
) -> list[schemas.Path]:
    return list(reflect(engine, lambda: left, problems, ask, "unsolved", folder / "j.sqlite", feedback))


@pytest.mark.parametrize(
    ("scope", "names"), [("unsolved", ["first", "only"]), ("all", ["first", "second", "old", "only"])]
)
def test_the_newest_wrong_path_of_each_problem_or_all_of_them(scope: Scope, names: list[str]) -> None:
    assert [path.path_id for _, path in wrong_paths(REMAINING, scope)] == names


@pytest.mark.parametrize("scope", ["unsolved", "all"])
def test_a_path_without_text_is_not_reconsidered(scope: Scope) -> None:
    left = [remaining("p1", wrong("empty", text=""), wrong("written")), remaining("p2", wrong("nothing", text=""))]
    assert [(problem, path.path_id) for problem, path in wrong_paths(left, scope)] == [("p1", "written")]


def test_the_order_of_problems_changes_no_row(tmp_path: Path) -> None:
    engine = Scripted(lambda request: f"Again {request.seed}.")
    straight = reflected(engine, REMAINING, tmp_path / "a")
    turned = reflected(engine, REMAINING[::-1], tmp_path / "b")
    assert sorted(straight, key=str) == sorted(turned, key=str)


def test_a_reflection_names_the_path_it_reconsiders(tmp_path: Path) -> None:
    engine = Scripted(lambda request: f"Again {request.sample_idx}. The answer to this problem is 4.", name="teacher")
    made = reflected(engine, [remaining("p1", wrong("a1")), remaining("p2", wrong("a2"))], tmp_path)
    assert [(path.parent_path_id, path.problem_id, path.sample_idx) for path in made] == [
        ("a1", "p1", 0), ("a1", "p1", 1), ("a2", "p2", 0), ("a2", "p2", 1),
    ]  # fmt: skip
    assert {(path.kind, path.round, path.author, path.prompt_id) for path in made} == {
        (PathKind.REFLECTION, 2, "teacher", "reflect@1")
    }
    assert {path.answer for path in made} == {"4"}
    assert len({path.path_id for path in made}) == len({path.seed for path in made}) == 4
    assert made[1].seed == request_seed(1, "p1", 1, "reflection of a1")


def test_the_teacher_sees_the_wrong_path_and_the_remark(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    reflected(engine, [remaining("p1", wrong("a1"))], tmp_path)
    request = engine.asked[0]
    assert request.subject_id == "a1"
    assert request.sampling == ASK.sampling
    assert request.image_ids == ("image-p1",)
    said = request.messages[0].content
    assert "Wrong solution:\nText of a1.\n" in said
    assert "Step the reviewer doubts: Step 1\nReviewer's reason: why of a1" in said


@pytest.mark.parametrize("by", ["orm", "none"])
def test_the_teacher_is_not_given_the_gold_answer(by: str, tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    secret = {"p1": rows.problem("p1", answer="SECRET", solution="SECRET")}
    reflected(engine, [remaining("p1", wrong("a1"))], tmp_path, problems=secret, feedback=Feedback(by))  # type: ignore[arg-type]
    assert "SECRET" not in repr(engine.asked)


def test_a_verdict_without_a_step_still_asks(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    reflected(engine, [remaining("p1", wrong("a1", step=None))], tmp_path)
    assert engine.asked[0].fields["error_step"] == engine.asked[0].fields["error_analysis"] == "none named"


def test_without_feedback_no_remark_is_shown(tmp_path: Path) -> None:
    engine = Scripted(lambda _: "Again.")
    reflected(engine, [remaining("p1", wrong("a1"))], tmp_path, feedback=Feedback("none"))
    assert {request.prompt_id for request in engine.asked} == {PROMPT}
    assert engine.asked[0].fields["error_step"] == engine.asked[0].fields["error_analysis"] == "none named"


def marks(status: str, step: str | None, analysis: str | None) -> str:
    keys = {"status": status, "error_step": step, "error_analysis": analysis, "improvement_suggestion": None}
    return json.dumps(keys)


def test_the_teachers_own_marks_take_the_orms_place(tmp_path: Path) -> None:
    said: dict[str, str | Failure] = {
        "a1": marks("WRONG", "Step 7", "the teacher's reason"), "a2": marks("CORRECT", None, None),
        "a3": Failure("timeout"), "a4": "Well done!",
    }  # fmt: skip
    left = [remaining(f"p{number}", wrong(f"a{number}")) for number in (1, 2, 3, 4)]
    problems = {f"p{number}": rows.problem(f"p{number}", answer="GOLD") for number in (1, 2, 3, 4)}

    def script(request: Request) -> str | Failure:
        return (
            said[request.subject_id] if request.prompt_id == "annotate@1" else f"Again: {request.fields['error_step']}"
        )

    engine, one = Scripted(script), replace(ASK, samples=1)
    made = reflected(engine, left, tmp_path, one, problems, Feedback("teacher", MARKING))
    assert {path.parent_path_id: path.text for path in made} == {
        "a1": "Again: Step 7", "a2": "Again: none named", "a3": "Again: none named", "a4": "Again: none named",
    }  # fmt: skip
    marking = [request for request in engine.asked if request.prompt_id == "annotate@1"]
    assert len(marking) == 4 and {request.sampling for request in marking} == {MARKING}
    asked = [request for request in engine.asked if request.prompt_id == PROMPT]
    assert "GOLD" not in repr(asked)
    assert [request.fields["error_analysis"] for request in asked if request.subject_id == "a1"] == [
        "the teacher's reason"
    ]
    assert (tmp_path / "j-marks.sqlite").exists()
    engine.asked.clear()
    again = reflected(engine, left, tmp_path, one, problems, Feedback("teacher", MARKING))
    assert again == made
    assert {request.subject_id for request in engine.asked} == {"a3"}, "a journaled mark or reflection was made again"


def test_marks_count_towards_the_spending_cap(tmp_path: Path) -> None:
    class Paid(Scripted):
        purse = Purse(100.0)

        def charge_to(self, bills: Bills) -> None:
            self.purse.bills = bills

        def answer(self, batches, spent=0.0):  # type: ignore[no-untyped-def]
            self.purse.open(spent)
            opened.append(self.purse.spent)
            return super().answer(batches, spent)

    opened: list[float] = []
    left = [remaining("p1", wrong("a1")), remaining("p2", wrong("a2"))]
    for _ in range(2):
        engine = Paid(lambda _: marks("WRONG", "1", "x"))
        engine.purse = Purse(100.0)
        reflected(engine, left, tmp_path, feedback=Feedback("teacher", MARKING))
    # The first run spends 1 on marks and 2 on reflections, of which its engine keeps count; the second finds both.
    assert opened == [0.0, 0.0, 1.0, 3.0]


def test_two_wrong_paths_of_a_problem_are_two_requests(tmp_path: Path) -> None:
    left = [remaining("p1", wrong("a1", text="Same."), wrong("a2", text="Same."))]
    engine, one = Scripted(lambda _: "Again."), replace(ASK, samples=1)
    made = list(reflect(engine, lambda: left, PROBLEMS, one, "all", tmp_path / "j"))
    assert [path.parent_path_id for path in made] == ["a1", "a2"]
    assert made[0].path_id != made[1].path_id


def test_a_failure_is_a_row(tmp_path: Path) -> None:
    engine = Scripted(lambda request: Failure("refused", "no") if request.sample_idx else "Again.")
    made = reflected(engine, [remaining("p1", wrong("a1"))], tmp_path)
    assert [(path.finish_reason, path.error) for path in made] == [("stop", None), ("error", "refused: no")]
    assert made[1].parent_path_id == "a1"
