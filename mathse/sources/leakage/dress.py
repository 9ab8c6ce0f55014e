# ruff: noqa: RUF001 - signs that look like others are this module's subject
r"""One plain form of a question and its choices, for tables of millions of rows: expressions, no Python per row.

`mathse.answers.notation` reads one answer exactly; here it is enough that two copies of a question come out the same.
Full-width signs, case, white space, punctuation, LaTeX commands, image placeholders and the labels of options that
stand in the question are gone; what carries meaning is a word:

    As shown, $\angle ABC = 30.0^{\circ}$.<image1>\nA: 1,000\nB: 2  ->  as shown, angle abc equals 30 degree | 1000 | 2

`|` is `grams.SEPARATOR` here. Numbers keep their value (30.0 is 30), and a decimal point becomes `grams.JOINER`.
"""

import re

import polars as pl

from mathse.sources.leakage.grams import JOINER, SEPARATOR

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "∠": " angle ", "△": " triangle ", "°": " degree ", "⊥": " perp ", "∥": " parallel ",
    "√": " sqrt ", "×": " times ", "·": " times ", "÷": " div ", "≤": " le ", "≥": " ge ", "≠": " ne ", "∞": " infty ",
    "π": " pi ", "α": " alpha ", "β": " beta ", "γ": " gamma ", "δ": " delta ", "θ": " theta ", "λ": " lambda ",
    "μ": " mu ", "φ": " phi ", "ω": " omega ", "⊙": " odot ", "+": " plus ", "=": " equals ", "<": " lt ", ">": " gt ",
}  # fmt: skip
_STEPS = (
    (r"<image\s?\d*>", " "),
    (r"(?i)\n\s*(?:choices|options)\s*[:：]", "\n"),
    (r"\n\s*[(（]?[A-H]\s?[).:：．、）]", SEPARATOR),
)
"""Taken while case and line ends still are what they were."""
_COMMANDS = (
    (
        r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname|left|right|displaystyle|quad|qquad|[dtc]?frac)\b",
        " ",
    ),
    (r"\\(?:circ|degrees?)\b", " degree "),
    (r"\\leq?\b", " le "),
    (r"\\geq?\b", " ge "),
    (r"\\cdot\b", " times "),
    (r"\\([a-z]+)", " $1 "),
)
_FORMS = (
    (r"\bdegrees\b", "degree"),
    (r"(\d),(\d{3})", "$1$2"),
    (r"(\d)\.(\d)", f"$1{JOINER}$2"),
    (rf"{JOINER}0+([^0-9]|$)", "$1"),
    (r"-\s?(\d)", " minus $1"),
    (r"([^a-z])-\s?([a-z])", "$1 minus $2"),
    (r"[^\x00-\x7f\p{L}\p{N}]", " "),
)
_WORD = re.compile(rf"[\u3000-\u9fff]|(?:[0-9A-Za-z{JOINER}]|[^\x00-\x7f\u3000-\u9fff])+")


def plain(questions: pl.DataFrame) -> pl.Series:
    """The plain form of each question with its choices, the question first.

    Args:
        questions: With columns `question` and `choices`, a list of strings.
    """
    text = pl.concat_str(pl.col("question"), pl.col("choices").list.join(SEPARATOR), separator=SEPARATOR)
    for pattern, replacement in _STEPS:
        text = text.str.replace_all(pattern, replacement)
    texts = questions.select(text.alias("plain")).to_series()
    wide = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    if len(wide):  # ASCII stays as it is, and normalising costs as much as everything else here
        texts = texts.scatter(wide, texts[wide].str.normalize("NFKC"))
    text = pl.col("plain").str.to_lowercase()
    for pattern, replacement in _COMMANDS:
        text = text.str.replace_all(pattern, replacement)
    text = text.str.replace_many(list(_SIGNS), list(_SIGNS.values()))
    for pattern, replacement in _FORMS:
        text = text.str.replace_all(pattern, replacement)
    return texts.to_frame().select(text).to_series()


def segments(plain_text: str) -> list[list[str]]:
    """The words of each segment of one plain text, as `grams.words` splits them."""
    return [_WORD.findall(segment) for segment in plain_text.split(SEPARATOR)]


def readable(words: list[str]) -> str:
    """Words of a plain text as a person reads them."""
    return " ".join(words).replace(JOINER, ".")
