import pytest

from mathse.loop.ask.protocol import Request, Sampling
from mathse.loop.ask.replies import Target
from mathse.loop.ask.requests import PromptError, judge_turn, request
from mathse.tables.schemas import Message
from tests import rows


def test_the_judge_sees_question_options_path_and_gold() -> None:
    problem = rows.problem(question="How many?", choices=("3", "4"), answer="B")
    messages, fields = judge_turn("judge-brief@1", problem, "1 + 3 = {gold}", reference=True)

    assert fields == {"question": "How many?\nA. 3\nB. 4", "path": "1 + 3 = {gold}", "gold": "B"}
    said = "How many?\nA. 3\nB. 4\nSolution: 1 + 3 = {gold}\nStandard answer: B\nVerdict?"
    assert messages == (Message(role="user", content=said),)


@pytest.mark.parametrize("prompt", ["judge@2", "judge-brief@2"])
def test_without_a_reference_gold_is_nowhere(prompt: str) -> None:
    messages, fields = judge_turn(prompt, rows.problem(answer="SECRET"), "path", reference=False)

    assert "gold" not in fields
    assert "SECRET" not in messages[0].content


@pytest.mark.parametrize(
    ("prompt", "reference", "said"),
    [
        ("judge-brief@1", False, r"judge\.prompt: judge-brief@1 shows the gold answer, but judge\.reference is false"),
        ("judge@1", False, r"judge\.prompt: judge@1 shows the gold answer"),
        ("judge@2", True, r"judge\.prompt: judge@2 has no place for the gold answer"),
        ("judge@99", True, r"judge\.prompt: unknown prompt 'judge@99'; known: .*judge@1"),
        ("judge@99", False, r"judge\.prompt: unknown prompt"),
        ("reflect@1", False, r"judge\.prompt: reflect@1 needs 'error_step', and there is none for .* question, path;"),
    ],
)
def test_a_prompt_that_does_not_fit_is_named(prompt: str, reference: bool, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        judge_turn(prompt, rows.problem(), "path", reference)


@pytest.mark.parametrize(
    ("prompt", "reference", "target", "said"),
    [
        ("judge@1", True, "checks", "judge@1 asks for no checks of the steps, but orm.target is checks; use judge@5"),
        ("judge@2", False, "checks", "judge@2 asks for no checks of the steps, .*; use judge@6 or judge-brief@6"),
        ("judge@5", True, "full", "judge@5 asks for checks of the steps, but orm.target is full; use judge@1"),
        ("judge@6", False, "verdict", "judge@6 asks for checks of the steps, but orm.target is verdict; use judge@2"),
        ("judge@5", False, "checks", "judge@5 shows the gold answer, but judge.reference is false; use judge@6"),
    ],
)
def test_a_prompt_asks_for_what_the_judge_is_to_reply(prompt: str, reference: bool, target: Target, said: str) -> None:
    with pytest.raises(PromptError, match=f"judge.prompt: {said}"):
        judge_turn(prompt, rows.problem(), "path", reference, target)
    fitting = said.rpartition("use ")[2].partition(" or")[0]
    for name in (fitting, fitting.replace("judge", "judge-brief")):
        assert judge_turn(name, rows.problem(), "path", reference, target)


def test_a_request_is_its_problem_and_its_prompt_filled() -> None:
    problem = rows.problem(question="How many?")
    drawn = Sampling(0.5, 0.9, 30)
    made = request(problem, "solve-brief@1", {"question": "How many?"}, drawn, seed=7, sample_idx=2, subject_id="a1")
    said = (Message(role="user", content="How many?"),)
    assert made == Request(
        "p1", 2, "solve-brief@1", said, ("image-p1",), drawn, 7, {"question": "How many?"}, subject_id="a1"
    )
    assert request(problem, "solve-brief@1", made.fields, drawn, seed=0, images=False).image_ids == ()


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("solve@7", r"params\.yaml: evaluate\.prompts\.mathvista: unknown prompt 'solve@7'; known: .*solve@1"),
        (
            "hinted@1",
            r"evaluate\.prompts\.mathvista: hinted@1 needs 'hint', and there is none for problem p1: .*question",
        ),
    ],
)
def test_the_key_of_params_is_named(prompt: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        request(rows.problem(), prompt, {"question": "?"}, Sampling(), seed=0, param="evaluate.prompts.mathvista")
