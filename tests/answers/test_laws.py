"""Laws that grading keeps for answers of every type, in every dress and notation."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.answers.equivalent import equivalent
from mathse.answers.extract import find
from mathse.answers.grade import grade, grade_answer
from mathse.answers.notation import canonical
from mathse.answers.read import read
from mathse.tables.schemas import Status

WHOLE = st.integers(-9_999, 9_999)
DENOMINATOR = st.integers(2, 60)
LETTER = st.sampled_from("abmnxyz")


@st.composite
def fractions(draw: st.DrawFn) -> str:
    return rf"\frac{{{draw(WHOLE)}}}{{{draw(DENOMINATOR)}}}"


@st.composite
def decimals(draw: st.DrawFn) -> str:
    return f"{draw(WHOLE)}.{draw(st.integers(0, 999)):03}"


@st.composite
def roots(draw: st.DrawFn) -> str:
    return rf"{draw(st.integers(2, 9))}\sqrt{{{draw(st.integers(2, 99))}}}"


@st.composite
def quantities(draw: st.DrawFn) -> str:
    return f"{draw(WHOLE)} {draw(st.sampled_from(['cm', 'm^2', 'km/h', 'kg', '°', '%', 'hours', '元', 'apples']))}"


@st.composite
def expressions(draw: st.DrawFn) -> str:
    name, factor = draw(LETTER), draw(st.integers(2, 99))
    return f"{factor}{name}^{draw(st.integers(2, 5))}+{draw(st.integers(1, 99))}{name}-{draw(fractions())}"


@st.composite
def equations(draw: st.DrawFn) -> str:
    return f"{draw(st.integers(2, 9))}x+{draw(st.integers(2, 9))}y={draw(WHOLE)}"


@st.composite
def inequalities(draw: st.DrawFn) -> str:
    return f"x {draw(st.sampled_from(['<', '>', '≤', chr(0x2265), '≠']))} {draw(WHOLE)}"


@st.composite
def intervals(draw: st.DrawFn) -> str:
    start, end = sorted(draw(st.tuples(WHOLE, WHOLE).filter(lambda ends: ends[0] != ends[1])))
    return f"{draw(st.sampled_from('[('))}{start}, {end}{draw(st.sampled_from('])'))}"


@st.composite
def several(draw: st.DrawFn) -> str:
    items = draw(st.lists(st.one_of(WHOLE.map(str), fractions(), roots()), min_size=2, max_size=5))
    forms = [("(", ", ", ")"), ("", ", ", ""), ("", "; ", ""), (r"\{", ",", r"\}")]
    opening, separator, closing = draw(st.sampled_from(forms))
    return opening + separator.join(items) + closing


@st.composite
def ratios(draw: st.DrawFn) -> str:
    return ":".join(map(str, draw(st.lists(st.integers(1, 99), min_size=2, max_size=3))))


NAMED = st.tuples(LETTER, WHOLE).map(lambda pair: f"{pair[0]} = {pair[1]}")
WORDS = st.sampled_from(
    ["yes", "No", "rectangle", "north", "N 30° E", "等腰三角形", "A", "BD", "①③", "twenty-one", "三十"]
)
VALUES = st.one_of(
    WHOLE.map(str), decimals(), fractions(), roots(), quantities(), expressions(), equations(), inequalities(),
    intervals(), several(), ratios(), NAMED, WORDS,
)  # fmt: skip

CASES = json.loads((Path(__file__).parent / "cases" / "grading.json").read_text(encoding="utf-8"))
DRESSES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "spaces around": lambda text: f"  {text}\n",
    "wide spaces": lambda text: text.replace(" ", "   "),
    "dollars": lambda text: f"${text}$",
    "two dollars": lambda text: f"$${text}$$",
    "parentheses": lambda text: rf"\({text}\)",
    "brackets": lambda text: rf"\[{text}\]",
    "boxed": lambda text: rf"\boxed{{{text}}}",
    "boxed in a formula": lambda text: rf"$\boxed{{{text}}}$",
    "displaystyle": lambda text: rf"\displaystyle {text}",
    "left and right": lambda text: text.replace("(", r"\left(").replace(")", r"\right)").replace("[", r"\left["),
    "other fractions": lambda text: text.replace(r"\frac", r"\dfrac"),
    "text": lambda text: rf"\text{{{text}}}",
    "full stop": lambda text: text + ".",
    "bold": lambda text: f"**{text}**",
    "marker": lambda text: f"We work it out. The answer to this problem is {text}.",
    "answer": lambda text: f"**Answer:** {text}",
}


@pytest.mark.parametrize("dress", DRESSES)
@settings(max_examples=60)
@given(value=VALUES)
def test_no_dress_changes_a_verdict(dress: str, value: str) -> None:
    assert grade(value, DRESSES[dress](value)).status is Status.CORRECT
    if dress not in ("boxed", "boxed in a formula", "marker", "answer"):  # these are taken off when an answer is found
        assert equivalent(read(DRESSES[dress](value)), read(value)) is True


@settings(max_examples=400)
@given(VALUES, VALUES)
def test_equivalence_is_symmetric(one: str, other: str) -> None:
    first, second = read(one), read(other)
    assert equivalent(first, second) is equivalent(second, first)
    assert equivalent(first, first) is True


def test_equivalence_of_our_cases_is_symmetric() -> None:
    for case in CASES:
        one, other = read(case["gold"]), read(case["answer"])
        if not case["note"].startswith("rounding") and "about" not in case["answer"] and "≈" not in case["answer"]:
            assert equivalent(one, other) is equivalent(other, one), case


@given(st.lists(VALUES, min_size=3, max_size=3))
def test_what_is_equal_to_the_same_is_equal(values: list[str]) -> None:
    one, two, three = map(read, values)
    if equivalent(one, two) and equivalent(two, three):
        assert equivalent(one, three)


FULL_WIDTH = {ord(sign): 0xFF10 + value for value, sign in enumerate("0123456789")}
ARABIC = {ord(sign): 0x660 + value for value, sign in enumerate("0123456789")}


def notations(value: int) -> list[str]:
    """One whole number, written in many ways."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    return [
        str(value), f"{value:,}", f"{value}.0", f"{value}.00", f"{2 * value}/2", rf"\frac{{{3 * value}}}{{3}}",
        f"+{value}" if value >= 0 else f"\N{MINUS SIGN}{size}", rf"{sign}\frac{{{7 * size}}}{{7}}", f"{100 * value}%",
        rf"{value}\times 10^{{0}}", rf"{value / 10}\times 10", f"{value}e0", f"{value:,}".replace(",", r"{,}"),
        f"{value:,}".replace(",", r",\!"), sign + str(size).translate(FULL_WIDTH), sign + str(size).translate(ARABIC),
        f"({value})", f"{value} ", f"{{{value}}}", f"{value - 3} + 3", f"2 \\cdot {value} - ({value})", f"x = {value}",
        rf"\sqrt{{{value**2}}}" if value >= 0 else f"-({size})",
    ]  # fmt: skip


@given(WHOLE)
def test_a_whole_number_is_the_same_in_every_notation_and_one_more_is_not(value: int) -> None:
    for text, other in zip(notations(value), notations(value + 1), strict=True):
        assert grade_answer(str(value), text).status is Status.CORRECT, text
        assert grade_answer(str(value), other).status is not Status.CORRECT or _is_percent(value, other), other
        assert grade_answer(text, str(value + 1)).status is not Status.CORRECT or _is_percent(value + 1, text), text


def _is_percent(value: int, text: str) -> bool:
    """`300%` is 3 and, as gold answers are written, 300."""
    return text == f"{value}%"


@given(st.integers(-99, 99), DENOMINATOR)
def test_a_fraction_is_the_same_in_every_notation_and_one_more_is_not(above: int, below: int) -> None:
    value = Fraction(above, below)
    texts = [
        f"{above}/{below}", rf"\frac{{{5 * above}}}{{{5 * below}}}", rf"\frac{{{-above}}}{{{-below}}}",
        rf"\tfrac {{{above}}}{{{below}}}", f"{above} \\div {below}", f"({above})/({below})", f"{value} ",
    ]  # fmt: skip
    if value > 1 and value.denominator > 1:
        whole, rest = divmod(value.numerator, value.denominator)
        texts += [f"{whole} {rest}/{value.denominator}", rf"{whole}\frac{{{rest}}}{{{value.denominator}}}"]
    if 10**6 % value.denominator == 0:
        texts.append(f"{float(value):.6f}")
    for text in texts:
        assert grade_answer(str(value), text).status is Status.CORRECT, text
        assert grade_answer(str(value + 1), text).status is Status.WRONG, text


CONVERSIONS = [
    ("m", "cm", 100), ("km", "m", 1000), ("m^2", "cm^2", 10_000), ("L", "mL", 1000), ("kg", "g", 1000),
    ("h", "min", 60), ("hours", "seconds", 3600), ("ft", "in", 12), ("dollars", "cents", 100), ("立方米", "升", 1000),
    ("m/s", "m/min", 60),
]  # fmt: skip


@pytest.mark.parametrize(("large", "small", "factor"), CONVERSIONS)
@settings(max_examples=30)
@given(value=st.fractions(Fraction(1, 10), 1000, max_denominator=10))
def test_converting_a_quantity_keeps_it_equal(large: str, small: str, factor: int, value: Fraction) -> None:
    gold = f"{value} {large}"
    assert grade_answer(gold, f"{value * factor} {small}").status is Status.CORRECT
    assert grade_answer(gold, f"{value * factor + 1} {small}").status is Status.WRONG
    assert grade_answer(gold, f"{value * factor} {large}").status is Status.WRONG
    assert grade_answer(gold, f"{value} {small}").status is Status.WRONG


@given(st.lists(WHOLE, min_size=2, max_size=6, unique=True), st.randoms())
def test_order_counts_in_tuples_and_not_in_sets(items: list[int], chance: object) -> None:
    mixed = [*items[1:], items[0]]
    inner, turned = ", ".join(map(str, items)), ", ".join(map(str, mixed))
    assert grade_answer(f"({inner})", f"({turned})").status is Status.WRONG
    assert grade_answer(rf"\{{{inner}\}}", rf"\{{{turned}\}}").status is Status.CORRECT
    assert grade_answer(inner, turned).status is Status.CORRECT
    assert grade_answer(inner, ", ".join(map(str, items[1:]))).status is not Status.CORRECT


@given(WHOLE, st.integers(1, 100))
def test_which_ends_belong_to_an_interval_counts(start: int, length: int) -> None:
    ends = f"{start},{start + length}"
    forms = [f"{a}{ends}{b}" for a in "([" for b in ")]"]
    for gold in forms:
        for answer in forms:
            assert (grade_answer(gold, answer).status is Status.CORRECT) is (gold == answer)


SIGNS = st.text(
    st.sampled_from(r"0123456789.,;:+-*/^_=<>()[]{}|\$%!&'~ abxyABC" + "\n①三和或√π°×≤∈\u222a≈选"), max_size=60
)
PIECES = [
    r"\frac", r"\sqrt", r"\text", "{", "}", "(", ")", "[", "]", "1", "2", "x", ",", ";", "=", "<", r"\le", r"\cup",
    r"\in", r"\pm", r"\left", r"\right", r"\boxed", "$", r"\begin{matrix}", r"\end{matrix}", "&", r"\\", "^", "_",
    "!", "°", "%", r"\sin", r"\log", r"\binom", "|", "and", "or", "cm", "3:4", r"\pi", "answer is", "A", "B", ".",
    r"\infty", "\n",
]  # fmt: skip
COMMANDS = st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
ODD = st.one_of(st.text(), SIGNS, COMMANDS)


@settings(max_examples=400)
@given(ODD, st.one_of(st.sampled_from(["5", "A", "(1,2)", "x+1", "x<3"]), ODD))
def test_nothing_is_too_odd_to_be_graded(text: str, gold: str) -> None:
    canonical(text)
    extraction = find(text)
    assert extraction.answer is None or extraction.answer.strip()
    assert equivalent(read(text), read(gold)) in (True, False, None)
    assert grade(gold, text, ("5", text)).reason
    result = grade_answer("5", text)
    if result.status is Status.CORRECT:
        assert any(unit in text for unit in "5五½0123456789①")
