import pytest

from mathse.loop.judging import JudgePromptError, judge_turn
from mathse.tables.schemas import Message
from tests import rows


def test_the_judge_sees_question_options_path_and_gold() -> None:
    problem = rows.problem(question="How many?", choices=("3", "4"), answer="B")
    messages, fields = judge_turn("judge-brief@1", problem, "1 + 3 = {gold}", reference=True)

    assert fields == {"question": "How many?\nA. 3\nB. 4", "path": "1 + 3 = {gold}", "gold": "B"}
    said = "How many?\nA. 3\nB. 4\nSolution: 1 + 3 = {gold}\nStandard answer: B\nVerdict?"
    assert messages == (Message(role="user", content=said),)


def test_without_a_reference_gold_is_nowhere() -> None:
    messages, fields = judge_turn("judge@2", rows.problem(answer="SECRET"), "path", reference=False)

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
        ("reflect@1", False, r"judge\.prompt: reflect@1 needs 'error_step', which a judge is not given"),
    ],
)
def test_a_prompt_that_does_not_fit_is_named(prompt: str, reference: bool, said: str) -> None:
    with pytest.raises(JudgePromptError, match=said):
        judge_turn(prompt, rows.problem(), "path", reference)
