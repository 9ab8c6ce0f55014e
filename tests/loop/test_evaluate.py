from pathlib import Path

from mathse import params
from mathse.loop.ask.protocol import Failure, Request, Sampling
from mathse.loop.evaluate import Asking, predict
from mathse.tables.schemas import Status
from tests import rows
from tests.loop.scripted import Scripted

STUDENT = params.Student(engine="model", batch_size=4, max_new_tokens=30, prompt="solve-brief@1")
PROBLEMS = [rows.problem(f"p{number}", answer="4") for number in range(5)]
ASKING = Asking(STUDENT, params.Evaluate(batch_size=1))
SAID: dict[str, str | Failure] = {
    "p0": "The answer to this problem is 4.",
    "p1": "The answer to this problem is 5.",
    "p2": "I do not know",
    "p3": "Step 1: and then [cut]",
    "p4": Failure("unreadable image", "image-p4"),
}


def said(request: Request) -> str | Failure:
    return SAID[request.problem_id]


def test_every_problem_has_one_prediction_in_order(tmp_path: Path) -> None:
    made = list(predict(Scripted(said, name="weights"), PROBLEMS, [], ASKING, tmp_path / "j"))
    assert [one.problem_id for one in made] == [problem.problem_id for problem in PROBLEMS]
    assert {(one.author, one.prompt_id) for one in made} == {("weights", "solve-brief@1")}
    assert [one.status for one in made] == [Status.CORRECT, Status.WRONG, *[Status.UNDECIDED] * 3]
    assert [one.answer for one in made] == ["4", "5", None, None, None]
    assert [one.finish_reason for one in made] == ["stop", "stop", "stop", "length", "error"]


def test_a_failure_keeps_its_reason(tmp_path: Path) -> None:
    made = list(predict(Scripted(said), PROBLEMS, [], ASKING, tmp_path / "j"))
    assert made[2].reason == "no answer found"
    assert made[4].reason == "unreadable image: image-p4"


def test_a_model_is_asked_once_and_greedily(tmp_path: Path) -> None:
    engine = Scripted(said)
    list(predict(engine, PROBLEMS, [], ASKING, tmp_path / "j"))
    assert sorted(request.problem_id for request in engine.asked) == [problem.problem_id for problem in PROBLEMS]
    assert {request.sampling for request in engine.asked} == {Sampling(0.0, 1.0, 30)}
