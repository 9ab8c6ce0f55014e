"""Hostile input, made by code: each text is answered at once, is never right, and leaves all in order."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mathse.answers.grade import Grade, grade, grade_answer
from mathse.answers.symbolic import default_pool
from mathse.tables.schemas import Status

MEGABYTE = 10**6
AT_ONCE = 1.0
"""Seconds of this process's time, in which another's work does not count; math-verify's are limited where it runs."""
OPENINGS = "<think>" * 1000
"""Each looks for its end in all that is read of a text: 0.7 to 1.1 s by machine, however long it is."""
GOLD = "5"


def towers() -> dict[str, str]:
    """Powers of powers, factorials and binomials that no machine can work out."""
    texts = {
        f"{kind} of {base}": dress.format(base)
        for base in ("9", "x", "2.5")
        for kind, dress in {
            "tower in LaTeX": "{0}^{{{0}^{{{0}^{{{0}}}}}}}",
            "tower in a formula": "$${0}^{{{0}^{{{0}^{{{0}^{{{0}}}}}}}}}$$",
            "tower from the left": "(((({0}^{0})^{0})^{0})^{0})^{0}",
            "tower in Python": "{0}**{0}**{0}**{0}**{0}",
            "tower in a box": "so \\boxed{{{0}^{{{0}^{{{0}^{0}}}}}}}",
            "tower below": "1/{0}^{{{0}^{{{0}^{{{0}}}}}}}",
            "tower in a root": r"\sqrt{{{0}^{{{0}^{{{0}^{{{0}}}}}}}}}",
            "tower of a sine": r"\sin({0}^{{{0}^{{{0}^{{{0}}}}}}})",
        }.items()
    }
    return texts | {
        "superscripts": "9⁹⁹⁹⁹⁹⁹⁹⁹⁹",
        "arrows": r"9\uparrow\uparrow\uparrow 9",
        "factorials": "9!!!!!!",
        "factorial of a factorial": "((((9!)!)!)!)!",
        "factorial of a million": "1000000!",
        "factorial of a fraction": r"\frac{1000000!}{999999!}",
        "factorials, many": "+".join(["999!"] * 400),
        "factorials to a power": "(999!)^{999!}",
        "binomial": r"\binom{1000000}{500000}",
        "binomial, chosen": r"1000000 \choose 500000",
        "binomials": "*".join([r"\binom{999}{500}"] * 100),
        "binomials within": r"\binom{\binom{\binom{100}{50}}{50}}{50}",
        "power": "2^{99999999999}",
        "negative power": "2^{-99999999999}",
        "power of a fraction": r"\left(\frac{3}{7}\right)^{123456789}",
        "powers, many": "*".join(["3^{9999}"] * 150),
        "powers, added": "+".join(f"3^{{{9000 + n}}}" for n in range(190)),
        "squares of squares": "(" * 40 + "7" + "^2)" * 40,
        "hundredth root": r"\sqrt[99999999]{2^{99999}}",
        "roots of roots": r"\sqrt{" * 50 + "2" + "}" * 50,
        "logarithms": r"\log_{2}(" * 40 + "2^{9999}" + ")" * 40,
        "exponentials": r"\exp(" * 30 + "9" + ")" * 30,
        "e notation": "1e999999999",
        "e notation, negative": "1e-999999999",
        "ten to the power": r"1.5 \times 10^{999999999}",
        "percent of a tower": r"9^{9^{9^{9}}}\%",
        "metres of a tower": r"9^{9^{9^{9}}}\text{ m}",
        "tower in a tuple": "(5, 9^{9^{9^{9}}})",
        "tower in an interval": r"[5, 9^{9^{9^{9}}})",
        "tower in a ratio": "5 : 9^{9^{9^{9}}}",
        "tower in an equation": "x = 9^{9^{9^{9}}}",
        "tower in an inequality": "x < 9^{9^{9^{9}}}",
        "tower in an equation of symbols": "x^2 + 9^{9^{9^{9}}} y = 1",
        "tower in a matrix": r"\begin{pmatrix} 9^{9^{9^{9}}} & 1 \\ 1 & 9^{9^{9}} \end{pmatrix}",
        "tower, about": r"\approx 9^{9^{9^{9}}}",
        "greatest common divisor": "gcd(" + "9" * 900 + "," + "8" * 900 + ")",
        "many signs": "±1" * 600,
        "signs within": "(±(" * 25 + "1" + "))" * 25,
    }


def endless() -> dict[str, str]:
    """What sympy would work on for ever."""
    return {
        "sum": r"\sum_{n=1}^{\infty} \frac{\sin(n^n)}{n!^{n}}",
        "sum of a sum": r"\sum_{i=1}^{10^{9}} \sum_{j=1}^{10^{9}} \frac{1}{i^j + j^i}",
        "sum to a tower": r"\sum_{n=1}^{9^{9^{9}}} n^{n}",
        "product": r"\prod_{n=1}^{1000000} (n^2 + x)",
        "product of a product": r"\prod_{i=1}^{9999} \prod_{j=1}^{9999} (x^i - j)",
        "integral": r"\int_0^{\infty} \frac{e^{-x^x} \sin(x^3)}{\ln(1 + x^{\pi})} dx",
        "integral without end": r"\int \frac{\sqrt{\sin(x^7) + \tan(x^5)}}{\ln(x^{11} + e^{x^3})} dx",
        "integral of an integral": r"\int_0^1 \int_0^x \int_0^y \sin(e^{xyz}) dz dy dx",
        "limit": r"\lim_{x \to \infty} \left(\frac{x!}{x^x}\right)^{\frac{1}{x^{x}}}",
        "limit of a sum": r"\lim_{n \to \infty} \sum_{k=1}^{n} \frac{\sin(k^k)}{k^n}",
        "expansion": r"(a+b+c+d+e+f+g+h)^{200}",
        "expansions": r"\prod_{k} " + "(a+b+c+d)^{99}" * 9,
        "equation of high degree": r"\sum x^{999} + x^{998} - 3x^{17} = \pi",
        "long equation": "x^{97}+" * 100 + r"\sum_{k=1}^{5} k = 0",
        "derivative": r"\frac{d^{99}}{dx^{99}} \sin(x^{x^{2}})",
        "set builder": r"\{x^{y^{2}} \mid \sum_{n=1}^{\infty} x^n < y, x \in \mathbb{R}\}",
        "matrix power": r"\begin{pmatrix} 1 & x \\ y & 3 \end{pmatrix}^{999}",
        "large matrix": r"\begin{bmatrix}" + r"1 & 2 & 3 \\" * 200 + r"\end{bmatrix}",
        "zeta": r"\zeta(\zeta(\zeta(\sum_{n=1}^{99999} n)))",
        "nested radicals in a sum": r"\sum_{k=1}^{99} " + r"\sqrt{k + " * 20 + "x" + "}" * 20,
        "fractions in a sum": r"\sum_{k=1}^{9} " + r"\frac{1}{1 + " * 20 + "x" + "}" * 20,
        "trigonometric identity": r"\sum_{k=1}^{9} \sin^{99}(kx) \cos^{99}(kx) \tan^{99}(kx)",
        "modulus": r"7^{9^{9^{9}}} \mod 1000",
        "floor": r"\lfloor \sum_{n=1}^{9999} \sqrt[3]{n} \rfloor",
    }


def brackets() -> dict[str, str]:
    """Deep nesting, and braces that nothing closes or opens."""
    texts = {}
    pairs = ("()", "[]", "{}", "⟦⟧", "||", "⟨⟩", "\uff08\uff09", "<>", "⌊⌋")
    for opening, closing in ((pair[0], pair[1]) for pair in pairs):
        texts[f"{opening} 40 deep"] = opening * 40 + "6" + closing * 40
        texts[f"{opening} 100,000 deep"] = opening * 100_000 + "6" + closing * 100_000
        texts[f"{opening} unclosed"] = opening * 1_000
    for command in (r"\frac", r"\sqrt", r"\text", r"\left(", r"\boxed", r"\binom", r"\sin", r"\mathrm", r"\overline"):
        texts[f"{command} 45 deep"] = f"{command}{{" * 45 + "6" + "}" * 45
        texts[f"{command} 20,000 deep"] = f"{command}{{" * 20_000 + "6" + "}" * 20_000
        texts[f"{command} unclosed"] = f"{command}{{" * 20_000
        texts[f"{command} without an argument"] = command * 300
    return texts | {
        "sets within sets": r"\{" * 30 + "6" + r"\}" * 30,
        "only closing": "}" * 50_000,
        "mixed": "([{" * 10_000,
        "crossed": "([)]" * 10_000,
        "tuples within tuples": "(1," * 200 + "2" + ")" * 200,
        "tuples within tuples, shallow": "(1," * 20 + "2" + ")" * 20,
        "lists of lists": "((1,2),(3,4))," * 70 + "1",
        "environments": r"\begin{matrix}" * 5_000,
        "environments within": r"\begin{pmatrix}" * 30 + "1" + r"\end{pmatrix}" * 30,
    }


def floods() -> dict[str, str]:
    """A megabyte of one thing."""
    signs = (
        " ", "\t", "\n", "9", "9 ", "9,", "999,", "1.", ".", ",", ";", "-", "+", "±", "*", "/", "\\", "\\\\", "$",
        "$$", "$ ", "\\(", "\\)", "\\[", "{", "}", "^", "_", "=", "x=", "<", "≈", "x∈", "\u222a", "|", "!", "%", "°",
        "'", '"', "`", "**", "#", "&", "~", ":", "1:", "a", "ab ", "A", "A,", "A and ", "B is ", "or ", " and ", "选",
        "答案是", "故选", "①", "①,", "三", "万", "½", "²", "٣", "\uff16", "\u202e", "\u200b", "\ufeff", "e\u0301",
        "\u0301", "\ud800", "\x00", "\x01", "\x02", "\x03",
        "🙂", "boxed", "\\boxed", "\\boxed{", "\\boxed{}", "\\boxed{6}",
        "\\boxed{6},", "\\boxed{6} and ", "answer is ", "answer: ", "The answer to this problem is ",
        "The answer to this problem is 6. ", "answer is 6. ", "answer is $", "Answer: **", "Option A is ",
        "I choose ", "is 6 ", "\\frac", "\\frac{1}", "\\frac12", "\\sqrt", "\\text", "\\text{a}", "\\left",
        "\\begin{", "\\!", "\\,", "5\\,", "<|", "<s>", "<think>", "</think>", "I hope this is correct. ", "1/2 ",
        "1 1/2 ", "x+", "x", "m/", "km ", "per ", "cubic ", "north ", "step 1 ", "Step 1. ", "A. ", "(A) ",
        "is $6$ ", "is \\(6\\) ", "total: ", "6. A", "6 m², ",
    )  # fmt: skip
    much = {f"much {sign!r}": sign * (MEGABYTE // len(sign)) for sign in signs}
    some = {f"some {sign!r}": sign * (290 // len(sign)) for sign in signs}
    return much | some


def payloads() -> dict[str, str]:
    """What would run if anything were handed to an interpreter or a shell."""
    python = "__import__('os').system('touch X')"
    shell = "touch X"
    return {
        "python": python,
        "python in a box": rf"\boxed{{{python}}}",
        "python as a formula": f"${python}$",
        "python in a sum": rf"\sum_{{n=1}}^{{{python}}} n",
        "python in a root": rf"\sqrt{{{python}}} + \int x dx",
        "python in a text": rf"\text{{{python}}}",
        "python in a set": rf"\{{{python}, 6\}}",
        "python, evaluated": f'eval("{python}")',
        "python, opened": "open('X','w').write('6')",
        "python, a lambda": f"(lambda: {python})()",
        "python, subclasses": "().__class__.__bases__[0].__subclasses__()",
        "python, a format": "{0.__class__.__init__.__globals__}",
        "python, a percent": "%s%s%s%n%n%n",
        "pickle": "cos\nsystem\n(S'touch X'\ntR.",
        "yaml": "!!python/object/apply:os.system ['touch X']",
        "json": '"]}, {"gold": "5", "answer": "5"}',
        "json line": '6"]\n["5", "5',
        "shell": f"; {shell}",
        "shell, backticks": f"`{shell}`",
        "shell, dollar": f"$({shell})",
        "shell, pipe": f"6 | {shell}",
        "shell, and": f"6 && {shell}",
        "shell, redirected": "6 > X",
        "latex, written": r"\immediate\write18{touch X}",
        "latex, input": r"\input{/etc/passwd}",
        "latex, output": r"\newwrite\f\immediate\openout\f=X\immediate\write\f{6}",
        "latex, definition": r"\def\x{\x\x}\x",
        "latex, loop": r"\loop\iftrue\repeat",
        "sympy": 'sympify(\'__import__("os").system("touch X")\')',
        "sql": "6'; drop table problems; --",
        "html": "<script>alert(6)</script>",
        "template": "{{ 6 * 1 }}",
        "right to left": "\u202e6\u202c",
        "right to left, with a 5 behind": "6\u202e5",
        "zero width": "6\u200b\u200b0",
        "zero width joiner": "6\u200d5",
        "combining": "6" + "\u0301" * 5_000,
        "surrogate": "6\ud800\udfff",
        "nulls": "6\x000",
        "escapes": "\x1b[31m6\x1b[0m",
        "backspaces": "5\b6",
        "carriage return": "5\r6",
        "private": "\ue000\uf8ff\U0010ffff",
        "one glyph, many letters": "\ufdfa" * 3_000,
    }


def bombs() -> dict[str, str]:
    """Runs that make a pattern try again and again."""
    return {
        "answers before a 6": "answer is " * 100_000 + "6",
        "boxes before a 6": r"\boxed{" * 100_000 + "6",
        "boxes in boxes": r"\boxed{" * 300 + "6" + "}" * 300,
        "spaces within": "6" + " " * 500_000 + "7",
        "spaces within, in a box": r"\boxed{6" + " " * 500_000 + "7}",
        "spaces before a colon": "answer" + " " * 500_000 + "6",
        "stars before a colon": "answer" + "* " * 300_000 + ": 6",
        "words": "word " * 200_000 + ":",
        "words and a digit": "the total number of apples is " * 30_000 + "6",
        "long word": "a" * 500_000 + "6",
        "number of digits and a word": "9" * 500_000 + "x",
        "groups": "1" + ",000" * 250_000,
        "groups and a word": "1" + ",000" * 250_000 + "x",
        "short groups": "1" + ",000" * 70 + ",00",
        "spaced groups": "1" + " 000" * 70 + " 00",
        "decimal points": "1.1" * 90,
        "letters": "A, B, C, D " * 25 + "!",
        "letters and": "A and " * 48,
        "circles": "①, ② and " * 30 + "x",
        "names": "f(x) " * 55 + "=",
        "names with subscripts": "a_{1}" * 55 + "= 6",
        "units": "6 " + "m " * 140,
        "units, divided": "6 m" + "/s" * 140,
        "cubic": "6 " + "cubic " * 40,
        "powers of a unit": "6 m^" + "9" * 250,
        "one letter apart": "a b " * 70,
        "commas before zeros": "0" + ",\\!" * 80 + "000",
        "dollars": "$6$ " * 70,
        "formulas": r"\(6\) " * 45,
        "displays": "$$6$$ is " * 30,
        "sentences": "It is 6. " * 100_000,
        "lines": "6\n" * 400_000,
        "semicolons": "6;" * 140,
        "commas": "6," * 140,
        "sums": "6+" * 140 + "6",
        "products": "xy" * 140,
        "signs": "-" * 290 + "6",
        "ratios": "6:" * 140 + "6",
        "equations": "x=" * 140 + "6",
        "inequalities": "x<" * 140 + "6",
        "unions": "(6,7)\u222a" * 45 + "(8,9)",
        "fractions": r"\frac12" * 40,
        "mixed numbers": "6 1/2 " * 45,
        "primes": "f" + "'" * 280,
        "subscripts": "x" + "_{1}" * 70,
        "numerals": "一" * 280,
        "powers of ten": "六" + "亿" * 280,
        "in words": "six " + "million " * 35,
        "ampersands": r"\begin{matrix}" + "1&" * 120 + r"1\end{matrix}",
        "markers": "The answer to this problem is " * 30_000,
        "noise": "6 " + "</think>" * 100_000,
    }  # fmt: skip


HOSTILE = towers() | endless() | brackets() | floods() | payloads() | bombs()


@pytest.fixture(scope="module", autouse=True)
def _started() -> None:
    """Workers load sympy, and units their registry, when they are first used, which is not counted."""
    for _ in range(8):
        default_pool().verify(r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}")
    assert grade("5 cm", "50 mm").status is Status.CORRECT


@pytest.fixture(autouse=True)
def _no_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir())


def timed(*arguments: Any) -> Grade:
    start = time.process_time()
    result = grade(*arguments)
    assert time.process_time() - start < AT_ONCE * (2 if OPENINGS in arguments[1] else 1)
    assert result.reason
    return result


@pytest.mark.parametrize("text", HOSTILE.values(), ids=map(ascii, HOSTILE))
def test_a_hostile_text_is_answered_at_once_and_never_right(text: str) -> None:
    assert timed(GOLD, text).status is not Status.CORRECT
    assert timed(text, GOLD).status is not Status.CORRECT
    assert timed("B", GOLD, (GOLD, text)).status is not Status.CORRECT
    assert timed("E", text, ("6", "7", "8", "9", GOLD)).status is not Status.CORRECT


def test_hostile_inputs_are_many() -> None:
    assert len(HOSTILE) >= 200


def test_workers_are_right_after_all_that() -> None:
    pool = default_pool()
    assert pool.verify(r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}").equal
    assert pool.verify(r"\sum_{k=1}^{n} k", r"\frac{n(n-1)}{2}").equal is False
    assert grade("1/2", r"$\frac{2}{4}$").status is Status.CORRECT
    assert grade_answer(r"\int_0^2 x dx", "2").status is Status.CORRECT


def test_many_words_before_a_relation_are_read_at_once() -> None:
    """What an untrained model writes: no name, found out only at its end."""
    text = "The answer to this problem is PQ problem this problem problem problem problem 178 88 = 92, 98 = 98."
    assert timed("C", text, ("48cm^{2}", "70πcm^{2}", "2400πcm^{2}", "2500πcm^{2}")).status is not Status.CORRECT
    assert timed("5", r"\alpha\beta\gamma\delta\epsilon\theta\lambda\sigma\omega 1 = 5").reason
