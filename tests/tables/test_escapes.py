r"""LaTeX commands that JSON's escapes have torn: put back where nothing else can be meant, else refused."""

import json

import pytest

from mathse.tables.escapes import ControlCharacter, mended

WRITTEN = r"""
    \frac{1}{2} \beta \theta \times \text{cm} \right) \rho \neq \nabla \bar{x} \binom{n}{k} \boxed{3} \triangle
    \nicefrac{1}{2} \nsucc \nprec \ntriangleleft \nleqslant \negthinspace \risingdotseq \relax \textsuperscript{2}
    \bigsqcup \bra{x} \bumpeq \fallingdotseq \frak{a}
    \tan\theta \tfrac12 \tau^2 \therefore \tilde{x} \notin \forall \bot \rightarrow \textbf{a} \begin{cases}
"""


@pytest.mark.parametrize("command", WRITTEN.split())
@pytest.mark.parametrize("strict", [False, True])
def test_a_torn_command_is_put_back(command: str, strict: bool) -> None:
    torn = json.loads(f'"so {command}"')
    assert torn != f"so {command}"
    assert mended(torn, strict=strict) == f"so {command}"


@pytest.mark.parametrize("text", [r"$x \to 0$", r"\lim_{x \to 0} x", r"$\tan x$", r"$\tau$"])
def test_within_a_formula_a_tab_is_a_command(text: str) -> None:
    assert mended(text.replace("\\t", "\t")) == text


@pytest.mark.parametrize(
    "text",
    [
        "\alpine",
        "\x0bectra",
        "x \to 0",
        "\tan x",
        "a \rangle b",
        "\top",
        "A \rtimes B",
        "\tau",
        "a\x00b",
        "a\x1b[31mb",
        "\x0cage 3",
        "\x7f",
    ],
)
def test_what_may_be_a_word_or_is_nothing_is_refused(text: str) -> None:
    with pytest.raises(ControlCharacter):
        mended(text)


@pytest.mark.parametrize(
    "text",
    [
        "8\n4", "lines that are\nparallel", "Step 1\nan angle", "a\tb", "\n\n", "a\r\ntheta is 3", "By\neq. 3", "x\ri",
        "name\tvalue\nGambia\t3", "that is\nless than 3", "求\n解", "",
    ],
)  # fmt: skip
def test_white_space_stays(text: str) -> None:
    assert mended(text) == text
    assert mended(text, strict=True) == text


@pytest.mark.parametrize("text", ["x \ne 3", "8\nu", "3\ni"])
def test_a_line_break_that_may_be_a_command_is_refused_where_the_text_is_short(text: str) -> None:
    assert mended(text) == text
    with pytest.raises(ControlCharacter, match="a command, or a word"):
        mended(text, strict=True)


def test_a_hostile_text_takes_no_time() -> None:
    """Quadratic work on a million characters would be minutes."""
    assert mended("$" + "\to " * 200_000) == "$" + r"\to " * 200_000
    assert mended("\nu " * 200_000) == "\nu " * 200_000
    assert mended("\x0crac" * 200_000) == r"\frac" * 200_000


def test_what_python_takes_for_an_escape_is_put_back_too() -> None:
    assert mended("\alpha + \vec{a} \approx 3") == r"\alpha + \vec{a} \approx 3"
