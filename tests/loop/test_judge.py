import json
from itertools import pairwise
from pathlib import Path

import pytest

from mathse import params
from mathse.loop.ask import replies
from mathse.loop.ask.protocol import Completion, Failure, Outcome, Request, Sampling
from mathse.loop.judge import judge
from mathse.tables import schemas
from mathse.tables.schemas import Status
from tests import rows
from tests.loop.scripted import Scripted

SETTINGS = params.Judge(reference=True, batch_size=2, max_new_tokens=40, prompt="judge@1")
PROBLEMS = {f"p{number}": rows.problem(f"p{number}", answer="4") for number in range(3)}
CORRECT = json.dumps({"status": "CORRECT", "error_step": None, "error_analysis": None})
WRONG = json.dumps({"status": "WRONG", "error_step": "Step 1", "error_analysis": "vision: it is not 5"})


def judged(
    engine: Scripted, paths: list[schemas.Path], folder: Path, settings: params.Judge = SETTINGS
) -> dict[str, schemas.Verdict]:
    verdicts = list(judge(engine, lambda: paths, PROBLEMS, settings, folder / "journal"))
    assert [verdict.path_id for verdict in verdicts] == [path.path_id for path in paths]
    return {verdict.path_id: verdict for verdict in verdicts}


def test_a_verdict_carries_what_the_judge_said(tmp_path: Path) -> None:
    verdict = judged(Scripted(lambda _: WRONG, name="orm"), [rows.path("a1")], tmp_path)["a1"]
    assert (verdict.problem_id, verdict.author, verdict.prompt_id) == ("p1", "orm", "judge@1")
    assert (verdict.status, verdict.error_step) == (Status.WRONG, "Step 1")
    assert (verdict.error_analysis, verdict.raw, verdict.undecided_reason) == ("vision: it is not 5", WRONG, None)
    assert (verdict.tokens_in, verdict.tokens_out, verdict.cost) == (len("judge@1"), len(WRONG.split()), 0.5)


class Sure(Scripted):
    """Says the same of every path, and is as sure of it."""

    def __init__(self, said: str, confidence: float | None) -> None:
        super().__init__(lambda _: said)
        self._said, self._confidence = said, confidence

    def _outcome(self, request: Request) -> Outcome:
        assert request.deciding == replies.DECIDING["full"]
        return Completion(self._said, "stop", 1, 1, confidence=self._confidence)


@pytest.mark.parametrize(("said", "sure"), [(WRONG, 0.75), (CORRECT, 0.75), ("It is WRONG", None)])
def test_a_verdict_says_how_sure_the_judge_was_of_its_status(said: str, sure: float | None, tmp_path: Path) -> None:
    assert judged(Sure(said, 0.75), [rows.path("a1")], tmp_path)["a1"].confidence == sure


@pytest.mark.parametrize(
    ("said", "sure", "least", "status", "reason"),
    [
        (CORRECT, 0.91, 0.92, Status.UNDECIDED, "not sure enough"),
        (CORRECT, 0.92, 0.92, Status.CORRECT, None),
        (CORRECT, 0.0, 0.0, Status.CORRECT, None),
        (CORRECT, None, 0.92, Status.UNDECIDED, "confidence unknown"),
        (CORRECT, None, 0.0, Status.CORRECT, None),
        (WRONG, 0.5, 0.92, Status.WRONG, None),
        (WRONG, None, 0.92, Status.WRONG, None),
        ("It is CORRECT", 0.5, 0.92, Status.UNDECIDED, "not JSON"),
    ],
)
def test_a_verdict_of_correct_counts_where_the_judge_was_sure_enough(
    said: str, sure: float | None, least: float, status: Status, reason: str | None, tmp_path: Path
) -> None:
    (verdict,) = judge(
        Sure(said, sure), lambda: [rows.path("a1")], PROBLEMS, SETTINGS, tmp_path / "journal", min_confidence=least
    )
    assert (verdict.status, verdict.undecided_reason, verdict.raw) == (status, reason, said)
    assert verdict.confidence == (sure if said in (CORRECT, WRONG) else None)  # of a doubted verdict too


@pytest.mark.parametrize(("engine", "remedy"), [("replay", "leave it out"), ("api", "logprobs: true")])
def test_a_judge_that_never_says_how_sure_it_is_needs_no_bound(engine: str, remedy: str) -> None:
    api = {"model": "m", "base_url": "http://localhost:1/v1"}
    told = {"engine": engine, "batch_size": 2, "max_new_tokens": 40, "prompt": "judge@1", "api": None, "replay": None}
    told[engine] = api if engine == "api" else "said.jsonl"
    assert params.Judge.model_validate(told).min_confidence == 0
    with pytest.raises(ValueError, match=remedy):
        params.Judge.model_validate({**told, "min_confidence": 0.9})
    if engine == "api":
        params.Judge.model_validate({**told, "min_confidence": 0.9, "api": {**api, "extra": {"logprobs": True}}})


def test_the_rule_grader_stands_beside_the_judge(tmp_path: Path) -> None:
    texts = {"a1": "The answer to this problem is 4.", "a2": "The answer to this problem is 5.", "a3": "I give up"}
    paths = [rows.path(name, text=text) for name, text in texts.items()]
    verdicts = judged(Scripted(lambda _: CORRECT), paths, tmp_path)
    assert {name: verdict.status for name, verdict in verdicts.items()} == dict.fromkeys(texts, Status.CORRECT)
    assert [verdicts[name].rule_status for name in texts] == [Status.CORRECT, Status.WRONG, Status.UNDECIDED]
    assert [verdicts[name].rule_reason for name in texts] == ["same text", "different quantity", "no answer found"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [("It is CORRECT.", "not JSON"), ("{}", "not a verdict object"), (Failure("timeout", "30 s"), "timeout")],
)
def test_what_cannot_be_read_is_undecided(said: str | Failure, reason: str, tmp_path: Path) -> None:
    verdict = judged(Scripted(lambda _: said), [rows.path("a1")], tmp_path)["a1"]
    assert (verdict.status, verdict.undecided_reason) == (Status.UNDECIDED, reason)
    assert verdict.raw == (said if isinstance(said, str) else "")
    assert verdict.rule_status is Status.CORRECT


def test_a_path_without_text_is_not_sent_and_is_undecided(tmp_path: Path) -> None:
    engine = Scripted(lambda _: CORRECT)
    paths = [
        rows.path("a1"),
        rows.path("a2", text="", answer=None, finish_reason="error", error="timeout: "),
        rows.path("a3"),
    ]
    verdicts = judged(engine, paths, tmp_path)
    assert [request.subject_id for request in sorted(engine.asked, key=lambda one: one.subject_id)] == ["a1", "a3"]
    assert (verdicts["a2"].status, verdicts["a2"].undecided_reason) == (Status.UNDECIDED, "failed request")
    assert (verdicts["a2"].raw, verdicts["a2"].rule_status) == ("", Status.UNDECIDED)


def test_one_failure_leaves_the_others_judged(tmp_path: Path) -> None:
    def said(request: Request) -> str | Failure:
        return Failure("no memory") if request.subject_id == "a2" else CORRECT

    verdicts = judged(Scripted(said), [rows.path(f"a{number}", f"p{number % 3}") for number in range(6)], tmp_path)
    undecided = [name for name, verdict in verdicts.items() if verdict.status is Status.UNDECIDED]
    assert undecided == ["a2"]


def test_the_judge_is_greedy_and_sees_gold_and_images(tmp_path: Path) -> None:
    engine = Scripted(lambda _: CORRECT)
    judged(engine, [rows.path("a1", text="Five, I say.")], tmp_path)
    (request,) = engine.asked
    assert request.sampling == Sampling(temperature=0.0, max_new_tokens=40)
    assert request.image_ids == ("image-p1",)
    assert "Five, I say." in request.messages[0].content
    assert "Standard answer: 4" in request.messages[0].content


def test_equal_texts_of_two_paths_are_two_requests(tmp_path: Path) -> None:
    engine = Scripted(lambda _: CORRECT)
    judged(engine, [rows.path("a1", text="Same."), rows.path("a2", text="Same.")], tmp_path)
    assert len(engine.asked) == 2


def test_no_paths_no_verdicts(tmp_path: Path) -> None:
    assert judged(Scripted(lambda _: CORRECT), [], tmp_path) == {}


def test_a_judge_without_the_gold_answer(tmp_path: Path) -> None:
    engine = Scripted(lambda _: WRONG)
    blind = params.Judge(reference=False, batch_size=2, max_new_tokens=40, prompt="judge-brief@2")
    verdict = judged(engine, [rows.path("a1", text="Five, I say.")], tmp_path, blind)["a1"]
    assert engine.asked[0].messages[0].content == "What is p1?\nSolution: Five, I say.\nVerdict?"
    assert "gold" not in engine.asked[0].fields
    assert (verdict.status, verdict.prompt_id) == (Status.WRONG, "judge-brief@2")


def test_a_judge_that_writes_its_verdict_alone(tmp_path: Path) -> None:
    def reply(request: Request) -> str:
        assert json.loads(request.json_schema)["required"] == ["status"]
        return '{"status": "WRONG"}' if request.subject_id == "a1" else WRONG

    paths = [rows.path("a1"), rows.path("a2")]
    made = list(judge(Scripted(reply), lambda: paths, PROBLEMS, SETTINGS, tmp_path / "j", "verdict"))
    assert [(one.status, one.error_step) for one in made] == [(Status.WRONG, None), (Status.UNDECIDED, None)]


def test_paths_that_come_in_another_order_are_a_bug(tmp_path: Path) -> None:
    orders = iter([[rows.path("a1"), rows.path("a2")], [rows.path("a2"), rows.path("a1")]])
    with pytest.raises(RuntimeError, match=r"path a2: .*another order"):
        list(judge(Scripted(lambda _: CORRECT), lambda: next(orders), PROBLEMS, SETTINGS, tmp_path / "j"))


@pytest.mark.parametrize(("queued", "least", "most"), [(True, 0.87, 0.88), (False, 0.0, 0.1)])
def test_an_engine_with_a_queue_is_given_problem_by_problem(
    queued: bool, least: float, most: float, tmp_path: Path
) -> None:
    problems = {f"p{number}": rows.problem(f"p{number}", question="What? " * (number % 5)) for number in range(60)}
    texts = [f"Path {'on ' * (number * 7 % 83)}" for number in range(480)]
    paths = [rows.path(f"a{place * 271 % 480:03}", f"p{place % 60}", text=text) for place, text in enumerate(texts)]
    engine = Scripted(lambda _: CORRECT, batch_size=16)
    engine.queued = queued
    verdicts = list(judge(engine, lambda: paths, problems, SETTINGS, tmp_path / "journal"))
    assert [verdict.path_id for verdict in verdicts] == [path.path_id for path in paths]
    asked = [request.problem_id for request in engine.asked]
    neighbours = sum(one == other for one, other in pairwise(asked)) / len(asked)
    assert least <= neighbours <= most
