"""Formulas as pictures; how they are cut out of a text is tested in tests/report/test_text.py."""

import hashlib
import subprocess
import sys

import pytest

from mathse.synthetic.formulas import DEEPEST, LONGEST_DRAWN, drawn, pieces

KNOWN = (r"\frac{1}{2}", r"\tfrac12", r"\triangle ABC", r"60^\circ", r"\text{cm}^2", r"\boxed{3}", r"x \lt 3\%")
UNKNOWN = (
    "", r"\begin{cases}x\end{cases}", r"\nothing", "{", "x^", "三", "a$b", "x" * (LONGEST_DRAWN + 1),
    "{" * (DEEPEST + 1) + "}" * (DEEPEST + 1), "\\frac" * 40,
)  # fmt: skip


@pytest.mark.parametrize("tex", KNOWN)
def test_what_is_known_is_drawn(tex: str) -> None:
    formula = drawn(tex, 15)
    assert formula and formula.ink.mode == "L" and formula.ink.getbbox()
    assert 0 <= formula.depth < formula.ink.height


@pytest.mark.parametrize("tex", UNKNOWN, ids=range(len(UNKNOWN)))
def test_what_is_not_known_is_left_to_its_letters(tex: str) -> None:
    assert drawn(tex, 15) is None


def test_another_process_draws_the_same() -> None:
    program = (
        "import hashlib, sys; from mathse.synthetic.formulas import drawn\n"
        "print(*(hashlib.sha256(drawn(tex, 15).ink.tobytes()).hexdigest() for tex in sys.argv[1:]))"
    )
    ran = subprocess.run([sys.executable, "-c", program, *KNOWN], capture_output=True, text=True, check=True)
    own = [formula for tex in KNOWN if (formula := drawn(tex, 15))]
    assert ran.stdout.split() == [hashlib.sha256(formula.ink.tobytes()).hexdigest() for formula in own]


def test_a_formula_may_follow_a_chinese_character() -> None:
    assert [piece.tex for piece in pieces("在$ABC$中,$5")] == [None, "ABC", None]
    assert [piece.tex for piece in pieces("US$5 and a$6")] == [None]
