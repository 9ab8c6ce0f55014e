import pytest

from mathse.answers.extract import extract
from mathse.answers.tags import tagged_answer, without_thought


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<think>Is it 60?\nNo.</think>\n<answer>Angle C is 70.</answer>", "Angle C is 70."),
        ("<think>Hm.</think><answer>It is <|begin_of_box|>70<|end_of_box|>", "It is 70"),
        ("<think>Hm.</think>Angle C is 70.", "Angle C is 70."),
        ("<answer>70</answer>", "70"),
        ("<think>Is it 60? It may be", "<think>Is it 60? It may be"),
        ("Angle C is 70.", "Angle C is 70."),
        ("Say <answer>70</answer> aloud", "Say <answer>70</answer> aloud"),
        ("The prompt began it.</think>Angle C is 70.", "Angle C is 70."),
        ("<THINK>No.</THINK> 70", " 70".strip()),
        ("<thinking>No.</thinking>\n\nAngle C is 70.", "Angle C is 70."),
        ("◁think▷No.◁/think▷Angle C is 70.", "Angle C is 70."),
        ("[THINK]No.[/THINK]Angle C is 70.", "Angle C is 70."),
        ("<think>a</think>Angle C <think>b</think>is 70.", "Angle C is 70."),
        (
            "<|channel|>analysis<|message|>No.<|end|><|start|>assistant<|channel|>final<|message|>It is 70.",
            "It is 70.",
        ),
        ("if a < b and [x] > 0", "if a < b and [x] > 0"),
        ("", ""),
    ],
)
def test_a_thought_is_no_part_of_the_path(text: str, kept: str) -> None:
    assert without_thought(text) == kept


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<answer>45</answer>", "45"),
        ("<answer> B </answer> I hope that helps.", "B"),
        ("Text.\n<answer>The answer is 45.</answer>", "45"),
        (r"Text.\n<answer>\boxed{45}</answer>", "45"),
        ("<answer>30</answer> No. <answer>45</answer>", "45"),
        ("<think>The answer is 30. <answer>30</answer></think><answer>45</answer>", "45"),
        ("<think>Then the answer is 30. Wait.</think>\nSo x is 45.", "45"),
        ("Then the answer is 30. Wait.</think>\nSo x is 45.", "45"),
        ("<think>Then the answer is 30.", None),
        ("<think>Then the answer is 30.</think>", None),
        ("<|begin_of_box|>45<|end_of_box|>", "45"),
        ("So it is <|begin_of_box|>45<|end_of_box|>.", "45"),
        ("<FINAL_ANSWER>45</FINAL_ANSWER>", "45"),
        ("<reasoning>The answer is 30, or not.</reasoning><CONCLUSION>45</CONCLUSION>", "45"),
        ("<reasoning>The answer is 30? No.</reasoning>\nSo x is 45.", "45"),
        ("<answer>the isosceles one of the two triangles</answer>", "the isosceles one of the two triangles"),
        ("<answer></answer>", None),
        ("<answer>45", "45"),
        ("If x < 5 the answer is 45.", "45"),
        ("<think>30</think>答案是<answer>45</answer>", "45"),
    ],
)
def test_what_the_tags_of_an_answer_hold_is_the_answer(text: str, answer: str | None) -> None:
    assert extract(text) == answer


def test_a_text_without_tags_has_no_tagged_answer() -> None:
    assert tagged_answer("The answer is 45.") is None
