# ruff: noqa: RUF001 (questions come in every script)
"""Options and placeholders within a question's text, and golds that are no answers."""

import pytest

from mathse.sources.rows.questions import (
    is_no_answer,
    letter,
    placeholders,
    split_options,
    unlabelled,
    without_placeholders,
)


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("Find x.\nOptions:\n(A) 30\n(B) 45", "Find x.", ("30", "45")),
        ("Find x. Choices: (A) 30 (B) 45", "Find x.", ("30", "45")),
        ("求x\nA.30°  B.45°  C.60°", "求x", ("30°", "45°", "60°")),
        ("求x。\nA、菱形\nB、矩形", "求x。", ("菱形", "矩形")),
        ("When?\nOptions:\n(A) 3:10 P.M.\n(B) 10:10 A.M.", "When?", ("3:10 P.M.", "10:10 A.M.")),
        ("From point A. to point B. is", "From point A. to point B. is", ()),
        ("Angles (A) and (B) are", "Angles (A) and (B) are", ()),
        ("Which?\nA.\nB. 2", "Which?\nA.\nB. 2", ()),
        ("In triangle ABC find A.", "In triangle ABC find A.", ()),
        ("A: 2, C: 3", "A: 2, C: 3", ()),
        ("", "", ()),
        ("∠2等于（  ）A．30°B．45°C．60°D．90°", "∠2等于（  ）", ("30°", "45°", "60°", "90°")),
        ("∠2等于（  ）A．30°B．45°", "∠2等于（  ）", ("30°", "45°")),
        ("∠2=___．A.30°B.45°C.60°", "∠2=___．", ("30°", "45°", "60°")),
        ("边长为( )A.2cmB.3cmC.4cm", "边长为( )", ("2cm", "3cm", "4cm")),
        ("正确的是(　)A、菱形B、矩形C、正方形", "正确的是(　)", ("菱形", "矩形", "正方形")),
        ("What is x?(A)1(B)2(C)3(D)4", "What is x?", ("1", "2", "3", "4")),
        ("What is x?\n(A)1(B)2(C)3", "What is x?", ("1", "2", "3")),
        ("Find x.\n- A: 1\n- B: 2", "Find x.", ("1", "2")),
        ("Find x.\n* (A) 1\n* (B) 2\n* (C) 3", "Find x.", ("1", "2", "3")),
        ("Find x.\n**A.** 1\n**B.** 2", "Find x.", ("1", "2")),
        ("Find x. Options are: [A] 1 [B] 2", "Find x.", ("1", "2")),
        ("如图，点A、B、C、D在圆上", "如图，点A、B、C、D在圆上", ()),
        ("∠A:∠B:∠C:∠D=1:2:3:4", "∠A:∠B:∠C:∠D=1:2:3:4", ()),
        ("P(A)=1, P(B)=2, P(C)=3", "P(A)=1, P(B)=2, P(C)=3", ()),
        ("Find x. Choices: (A) 30, (B) 45, (C) 60", "Find x.", ("30", "45", "60")),
        ("求x。A．30°；B．45°；C．60°；D．90°", "求x。", ("30°", "45°", "60°", "90°")),
        ("From A.B. and C.D. to E.", "From A.B. and C.D. to E.", ()),
    ],
)
def test_options_are_split_off(text: str, question: str, options: tuple[str, ...]) -> None:
    assert split_options(text) == (question, options)


def test_labels_go_where_every_option_has_its_own() -> None:
    assert unlabelled(["A: 30", "(B) 45", "C. 60"]) == ("30", "45", "60")
    assert unlabelled(["A: 30", "45"]) == ("A: 30", "45")
    assert unlabelled(["B. 30", "A. 45"]) == ("B. 30", "A. 45")
    assert unlabelled(["- A: 1", "- B: 2"]) == ("1", "2")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *(("B", "B"), (" (B) ", "B"), ("B.", "B"), ("b", None), ("AB", None), ("", None), ("B．", "B"), ("Ｂ", "B")),
        *(("选B", "B"), ("**B**", "B"), ("[B]", "B"), ("B. 45", None)),
    ],
)
def test_a_letter_is_a_letter_and_nothing_else(answer: str, expected: str | None) -> None:
    assert letter(answer) == expected


@pytest.mark.parametrize(
    ("question", "numbers", "plain"),
    [
        ("<image>\nFind x.", [1], "Find x."),
        ("Find x.\n<image>", [1], "Find x."),
        ("<image><image>Compare.", [1, 2], "Compare."),
        ("As in <image>, x is", [1], "As in (image 1), x is"),
        ("See <image2> and <IMAGE 1>.", [2, 1], "See (image 2) and (image 1)."),
        ("0 < image > 1", [], "0 < image > 1"),
    ],
)
def test_placeholders(question: str, numbers: list[int], plain: str) -> None:
    assert placeholders(question) == numbers
    assert without_placeholders(question) == plain


def test_a_hostile_text_takes_no_time() -> None:
    """Quadratic work on a million characters would be minutes."""
    for text in ("A. " * 300_000, "<image1>" * 100_000, "\n" * 1_000_000, "(A)" * 300_000, "Choices: " * 100_000):
        assert split_options(text) == (text.strip(), ())
        without_placeholders(text[:20_000])


NONE = """proof|Proof.|略|(略)|证明略|答案：略|见解析|详见解析|证明见解析|见解答过程|如图所示|看图|暂无答案|答案不唯一
    作图略|nan|NaN|N/A|n/a|#N/A|NULL|None|-|—|--|?|？|...|___|()|$$|see solution|See the figure.|omitted
    Answers may vary.|\\text{略}|$\\text{N/A}$|unknown|TBD|not given|The proof is left to the reader|풀이 참조|| |
    N.A.|<NA>|Q.E.D.|To be proved.|No solution provided|left to the reader|Open-ended question|证毕|得证|未提供|開放題
    見解析|參見解答過程|圖略|看圖|如圖所示|證明略|無答案|省略|証明省略|нет ответа|Voir le corrigé.|siehe Lösung"""
SOME = """0|-1|no|No solution|无解|不存在|undefined|DNE|\\emptyset|∅|>|$ < $|=|+|×|√|∥|B|A|no real roots|∞|见解|true
    Nancy|Nantes|shown|略大于3|图1|圖1|left to right|open|No solutions|過點A|解x=3|x|not parallel|Answer A"""


def each(listed: str) -> list[str]:
    return [answer.strip() for line in listed.splitlines() for answer in line.split("|")]


@pytest.mark.parametrize("answer", each(NONE))
def test_what_stands_for_an_answer_is_none(answer: str) -> None:
    assert is_no_answer(answer)


@pytest.mark.parametrize("answer", each(SOME))
def test_what_is_an_answer_does_not_stand_for_one(answer: str) -> None:
    assert not is_no_answer(answer)
