r"""Take an answer's dress off: one canonical text for what LaTeX, Unicode, Markdown and plain ASCII write differently.

Canonical text has one sign for each thing: `* / ^ - ≤ ≥ ≠ ± π √ ∞ ° ∪ ∩ ∈ ≈ ∠ ∅`, ASCII digits and brackets, `⟦` and
`⟧` for a set's braces, `＄` for money, and commands only where they take arguments (`\frac`, `\sqrt`, `\begin`) or name
a function or a letter (`\sin`, `\alpha`). What changes no meaning (dollar signs of formulas, `\left`, thin spaces,
emphasis) is gone.

Sample: `$\dfrac{1}{2}\,\text{cm}^{2}$`  ->  `\frac{1}{2} cm^2`
"""

import re
import unicodedata

SET_OPEN, SET_CLOSE = "⟦", "⟧"
DOLLAR = "＄"
"""The sign of money, which a formula's dollar sign is not."""

_SIGNS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "colon": ":", "lt": "<", "gt": ">", "le": "≤", "leq": "≤",
    "leqslant": "≤", "leqq": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "geqq": "≥", "ne": "≠", "neq": "≠", "pm": "±",
    "mp": "±", "cup": "∪", "cap": "∩", "in": "∈", "infty": "∞", "pi": "π", "approx": "≈", "approxeq": "≈", "simeq": "≈",
    "thickapprox": "≈", "angle": "∠", "measuredangle": "∠", "circ": "°", "degree": "°", "emptyset": "∅",
    "varnothing": "∅", "lbrace": SET_OPEN, "rbrace": SET_CLOSE, "lvert": "|", "rvert": "|", "vert": "|", "mid": "|",
    "lbrack": "[", "rbrack": "]", "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "dbinom": r"\binom",
    "tbinom": r"\binom", "quad": " ", "qquad": " ", "land": " and ", "lor": " or ", "ldots": "...", "dots": "...",
    "cdots": "...", "varepsilon": r"\epsilon", "varphi": r"\phi", "vartheta": r"\theta", "implies": "→",
    "Rightarrow": "→", "rightarrow": "→", "to": "→", "prime": "'", "parallel": "∥", "perp": "⊥",
    "triangle": "△", "bigtriangleup": "△", "sim": "∼", "cong": "≅",
    "textdegree": "°", "celsius": "°C", "pounds": "£", "euro": "€", "percent": "%", "mathbb{R}": "ℝ",
}  # fmt: skip
_SILENT = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle limits nolimits rm bf it hfill "
    "hspace newline nonumber tag middle large Large".split()
)
_WRAPPERS = frozenset(
    "text textbf textit textrm textnormal textsf texttt mbox mathrm mathbf mathit mathsf mathtt mathcal "
    "operatorname mathop boldsymbol bm emph underline fbox hbox mathbb displaylines".split()
)
_ESCAPED = {
    "$": DOLLAR, "%": "%", "{": SET_OPEN, "}": SET_CLOSE, "!": "", ",": " ", ";": " ", ":": " ", ">": " ", " ": " ",
    "(": " ", ")": " ", "[": " ", "]": " ", "#": "#", "&": "&", "_": "_", "|": "|", "-": "", "/": "", "*": "*",
    "\n": " ", '"': '"', "'": "'",
}  # fmt: skip

_COMMAND = re.compile(r"\\(?:([a-zA-Z]+)\*?|(.)|$)", re.DOTALL)
_DOUBLED = re.compile(r"\\\\+(?=[a-zA-Z!,;%${}])")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUBSCRIPT = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_UNICODE = str.maketrans({
    "\N{MINUS SIGN}": "-", "–": "-", "—": "-", "－": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*",
    "✕": "*", "÷": "/", "∕": "/", "⁄": "/", "∶": ":", "˚": "°", "º": "°", "⩽": "≤", "≦": "≤", "⩾": "≥", "≧": "≥",
    "、": ",", "。": ".", "“": '"', "”": '"', "‘": "'", "’": "'", "∅": "∅", "≒": "≈", "≃": "≈", "\u00a0": " ",
    "\u200b": "", "\ufeff": "", "\u200e": "", "\u200f": "", "\u202a": "", "\u202b": "", "\u202c": "", "\u202d": "",
    "\u202e": "", "∞": "∞", "⟨": "(", "⟩": ")", "\x00": "", "½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4",
    "¾": " 3/4", "⅕": " 1/5", "⅖": " 2/5", "⅗": " 3/5", "⅘": " 4/5", "⅙": " 1/6", "⅚": " 5/6", "⅛": " 1/8", "⅜": " 3/8",
    "⅝": " 5/8", "⅞": " 7/8",
})  # fmt: skip
_KEPT = re.compile("([°①-⑳]+)")
_CIRCLE = re.compile(r"\^\s*(?:°|\{\s*°\s*\})|\{\s*°\s*\}")
_DEGREES = re.compile(r"°\s*([CF])(?![a-zA-Z])")
_SPACES = re.compile(r"\s+")
_SEGMENT = re.compile(r"\\overline\s*\{\s*([A-Z]{2})\s*\}")
_BRACE = re.compile("[{}]")
_COMMA_GROUP = re.compile(r"(?<=\d)\s?\{\s?,\s?\}\s?(?=\d{3})|(?<=\d),\s*!\s*(?=\d{3})|(?<=\d),(?:\\!)+\s*(?=\d{3})")
_ASCII_SIGNS = re.compile(r"<=|>=|!=|=<|=>|\+-|\+/-|\*\*")
_ASCII = {"<=": "≤", ">=": "≥", "!=": "≠", "=<": "≤", "=>": "→", "+-": "±", "+/-": "±", "**": "^"}


def undress(text: str) -> str:
    """The canonical text of an answer; see the module for what it looks like. Never raises."""
    if not text.isascii():
        text = _plain_unicode(text)
    if "," in text:
        text = _COMMA_GROUP.sub(",", text)
    if "\\" in text:
        if r"\overline" in text:
            text = _SEGMENT.sub(r"\1", text)
        text = _without_commands(text)
    if "*" in text or "=" in text or "-" in text:
        text = _ASCII_SIGNS.sub(lambda match: _ASCII[match[0]], _unemphasised(text))
    if "°" in text:
        text = _DEGREES.sub(r"°\1", _CIRCLE.sub("°", text))
    return _SPACES.sub(" ", text.replace("~", " ")).strip()


def _plain_unicode(text: str) -> str:
    """Full-width forms, other scripts' digits, superscripts and look-alikes, as canonical signs."""
    text = _SUPERSCRIPT.sub(lambda run: "^{" + run[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT.sub(lambda run: "_{" + run[0].translate(_SUBSCRIPTS) + "}", text)
    # NFKC would make a `°` a ring above and `①` a 1.
    pieces = _KEPT.split(text.translate(_UNICODE))
    pieces[::2] = [unicodedata.normalize("NFKC", piece) for piece in pieces[::2]]
    text = "".join(str(unicodedata.decimal(sign, sign)) if not sign.isascii() else sign for sign in "".join(pieces))
    return text.translate(_UNICODE)


def _without_commands(text: str) -> str:
    """Replace each command by its canonical sign; keep those that take arguments or name something."""
    if r"\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)
    parts: list[str] = []
    end = 0
    wrapped = False
    for match in _COMMAND.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match[1]
        if name is None:
            parts.append("\\\\" if match[2] == "\\" else _ESCAPED.get(match[2] or "", match[2] or ""))
        elif name in _WRAPPERS:
            wrapped = True
            parts.append("\x02")
        elif name not in _SILENT:
            parts.append(_SIGNS.get(name, match[0]))
    text = "".join(parts) + text[end:]
    return _unwrapped(text) if wrapped else text


def _unwrapped(text: str) -> str:
    r"""What `\text{...}` and its like hold, with a space on each side so that words do not run into formulas."""
    pieces = text.split("\x02")
    result = [pieces[0]]
    for piece in pieces[1:]:
        rest = piece.lstrip()
        inner = balanced(rest, 1) if rest.startswith("{") else None
        if inner is None:
            result.append(" " + rest)
        else:
            after = rest[len(inner) + 2 :]
            # `\mathrm{e}` is a letter of the formula, `\text{cm}` a word in it.
            result.append(f" {inner} {after}" if len(inner) != 1 else inner + after)
    return "".join(result)


def balanced(text: str, start: int, end: int | None = None) -> str | None:
    """Text from `start` to the brace that closes the one before it, or None if none does (before `end`)."""
    depth = 1
    for brace in _BRACE.finditer(text, start, len(text) if end is None else end):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[start : brace.start()]
    return None


def _unemphasised(text: str) -> str:
    """Without Markdown's `**`, which no product has on both its sides."""
    stripped = text.strip()
    while stripped.startswith("**") or stripped.endswith("**"):
        stripped = stripped.removeprefix("**").removesuffix("**").strip()
    return stripped
