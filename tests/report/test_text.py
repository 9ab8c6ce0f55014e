import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathse.report import text

BITS = [
    "$",
    "$$",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "Step 1:",
    "第三步",
    " ",
    "\n",
    "a",
    "5",
    "\\begin{align}",
    "\\end{align}",
    "2.",
]
ANY = st.lists(st.sampled_from(BITS) | st.text(max_size=5), max_size=30).map("".join)


@given(written=ANY, wrong=st.none() | ANY)
def test_nothing_is_lost_or_added(written: str, wrong: str | None) -> None:
    cut = text.steps(written, wrong)
    assert "".join(step.text for step in cut) == written
    assert sum(step.wrong for step in cut) <= 1
    assert "".join(piece.text for piece in text.pieces(written)) == written


@pytest.mark.parametrize(
    ("written", "wrong", "marked"),
    [
        ("Step 1: a. Step 2: b. Step 3: c.", "Step 2", "Step 2: b. "),
        ("Step 1: a. Step 2: b. Step 2: c.", "step 2", "Step 2: b. "),
        ("**Step 1**: a\n**Step 2**: b", "2", "**Step 2**: b"),
        ("### Step 10. a\n### Step 11. b", "Step 11", "### Step 11. b"),
        ("第一步：甲。第二步：乙。", "第二步", "第二步：乙。"),
        ("第一步：甲。第二步：乙。", "Step 2", "第二步：乙。"),
        ("步骤1：甲\n步骤2：乙", "步骤2", "步骤2：乙"),
        ("1. first\n2. second", "Step 2", "2. second"),
        ("Step 1: a is 5. Step 2: so b is 6.", "so b is 6", "Step 2: so b is 6."),
        ("In step 2 of 3 we see. Step 1: a.", "Step 1", "Step 1: a."),
    ],
)
def test_the_step_that_the_judge_means(written: str, wrong: str, marked: str) -> None:
    assert [step.text for step in text.steps(written, wrong) if step.wrong] == [marked]


@pytest.mark.parametrize("wrong", ["Step 7", "", None, "nowhere to be found"])
def test_a_step_that_is_not_there_marks_nothing(wrong: str | None) -> None:
    assert not any(step.wrong for step in text.steps("Step 1: a. Step 2: b.", wrong))


@pytest.mark.parametrize(
    ("written", "formulas"),
    [
        (r"So $\frac{1}{2}$ of it", [r"\frac{1}{2}"]),
        (r"\( a \) and \[ b \] and $$c$$", [" a ", " b ", "c"]),
        ("it costs $5 and $7 more", []),
        ("between $5 and 6$ signs", ["5 and 6"]),
        (r"\$5 is not $x$", ["x"]),
        (r"\begin{align} a &= b \end{align}", [r"\begin{align} a &= b \end{align}"]),
        (r"so \boxed{\frac{1}{2}}.", [r"\boxed{\frac{1}{2}}"]),
        (r"so \boxed{ and no more", []),
        ("$unclosed", []),
        ("$ spaced $", []),
    ],
)
def test_formulas(written: str, formulas: list[str]) -> None:
    assert [piece.tex for piece in text.pieces(written) if piece.tex is not None] == formulas


def test_a_bare_answer_may_be_a_formula() -> None:
    assert [piece.tex for piece in text.answer(r"\frac{1}{2}")] == [r"\frac{1}{2}"]
    assert [piece.tex for piece in text.answer("12 cm")] == [None]


@pytest.mark.parametrize("unit", ["$", "\\[", "\\(", "\\boxed{", "{", "\\begin{align}", "Step 1:", "$a", "**"])
def test_a_text_made_to_be_slow_is_not(unit: str) -> None:
    import time

    start = time.monotonic()
    for step in text.steps(unit * (60_000 // len(unit)), "Step 3"):
        text.pieces(step.text)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("one two three", "one two"),
        ("one two th", "one two th"),
        ("one two t and more", "one two t"),
        ("Step 1: 所以角等于七十度，其余不变", "Step 1: 所以"),
        ("所以角等于七十度其余不变也是", "所以角等于七十度其余"),
        ("x" * 30, "x" * 10),
    ],
)
def test_a_text_is_cut_at_a_word_or_a_sign_that_is_one(written: str, shown: str) -> None:
    assert text.shortened(written, 10) == (shown, shown != written)


def test_a_word_without_an_end_hides_no_more_than_itself() -> None:
    cut = text.shortened("a " + "x" * 1000, 500)[0]
    assert cut == "a " + "x" * 498
