r"""One notation for answers: one canonical text for what LaTeX, Unicode, Markdown and plain ASCII write differently.

Canonical text has one sign for each thing: `* / ^ - ≤ ≥ ≠ ± π √ ∞ ° ∪ ∩ ∈ ≈ ∠ ∅`, ASCII digits and brackets, `⟦` and
`⟧` for a set's braces, `＄` for money, and commands only where they take arguments (`\frac`, `\sqrt`, `\begin`) or name
a function or a letter (`\sin`, `\alpha`). What changes no meaning (dollar signs of formulas, `\left`, thin spaces,
emphasis) is gone. Canonical text is cut outside of its brackets (`split_outside`, `cut_at`).

Sample: `$\dfrac{1}{2}\,\text{cm}^{2}$`  ->  `\frac{1}{2} cm^2`
"""

import re
import unicodedata

SET_OPEN, SET_CLOSE = "⟦", "⟧"
DOLLAR = "＄"
"""The sign of money, which a formula's dollar sign is not."""
_OPENING = frozenset("([{" + SET_OPEN)
_CLOSING = frozenset(")]}" + SET_CLOSE)
"""Any closing bracket closes any opening one: `(1,2]` is an interval."""
_WRAPPER_MARK, _LIST_COMMA = "\x02", "\x03"
"""Signs that no answer has: where a wrapper's command stood, and a comma between items rather than digits."""

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
    "、": ",", "。": ".", "“": '"', "”": '"', "‘": "'", "’": "'", "′": "'", "″": "''", "∣": "|", "∅": "∅",
    "≒": "≈", "≃": "≈", "\u00a0": " ",
    "\u200b": "", "\ufeff": "", "\u200e": "", "\u200f": "", "\u202a": "", "\u202b": "", "\u202c": "", "\u202d": "",
    "\u202e": "", "∞": "∞", "⟨": "(", "⟩": ")", "\x00": "", "½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4",
    "¾": " 3/4", "⅕": " 1/5", "⅖": " 2/5", "⅗": " 3/5", "⅘": " 4/5", "⅙": " 1/6", "⅚": " 5/6", "⅛": " 1/8", "⅜": " 3/8",
    "⅝": " 5/8", "⅞": " 7/8",
})  # fmt: skip
_NOT_FOR_NFKC = re.compile("([°①-⑳]+)")
_CIRCLE = re.compile(r"\^\s*(?:°|\{\s*°\s*\})|\{\s*°\s*\}")
_DEGREES = re.compile(r"°\s*([CF])(?![a-zA-Z])")
_PRIMES = re.compile(r"\^\s*(?:\{\s*('[' ]*)\}|('+))")
_SPACES = re.compile(r"\s+")
_POWER_OF_TEN = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)")
_SEGMENT = re.compile(r"\\overline\s*\{\s*([A-Z]{2})\s*\}")
_BRACE = re.compile("[{}]")
_COMMA_GROUP = re.compile(r"(?<=\d)\s?\{\s?,\s?\}\s?(?=\d{3})|(?<=\d),\s*!\s*(?=\d{3})|(?<=\d),(?:\\!)+\s*(?=\d{3})")
_ASCII_SIGNS = re.compile(r"<=|>=|!=|=<|=>|\+-|\+/-|\*\*")
_ASCII = {"<=": "≤", ">=": "≥", "!=": "≠", "=<": "≤", "=>": "→", "+-": "±", "+/-": "±", "**": "^"}


def canonical(text: str) -> str:
    """The canonical text of an answer; see the module for what it looks like. Never raises."""
    if not text.isascii():
        text = _canonical_unicode(text)
    if "," in text:
        text = _COMMA_GROUP.sub(",", text)
    if "\\" in text:
        if r"\overline" in text:
            text = _SEGMENT.sub(r"\1", text)
        text = _canonical_commands(text)
    if "*" in text or "=" in text or "-" in text:
        # `**` at an end is Markdown's emphasis, which no product has there; elsewhere it is Python's power.
        text = text.strip()
        while text.startswith("**") or text.endswith("**"):
            text = text.removeprefix("**").removesuffix("**").strip()
        text = _ASCII_SIGNS.sub(lambda match: _ASCII[match[0]], text)
    if "'" in text:
        text = _PRIMES.sub(lambda primes: (primes[1] or primes[2]).replace(" ", ""), text)
    if "10" in text:
        text = _POWER_OF_TEN.sub("*", text)
    if "°" in text:
        text = _DEGREES.sub(r"°\1", _CIRCLE.sub("°", text))
    return _SPACES.sub(" ", text.replace("~", " ")).strip()


def _canonical_unicode(text: str) -> str:
    """Full-width forms, other scripts' digits, superscripts and look-alikes, as canonical signs."""
    text = _SUPERSCRIPT.sub(lambda run: "^{" + run[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT.sub(lambda run: "_{" + run[0].translate(_SUBSCRIPTS) + "}", text)
    # NFKC would make a `°` a ring above and `①` a 1.
    pieces = _NOT_FOR_NFKC.split(text.translate(_UNICODE))
    pieces[::2] = [unicodedata.normalize("NFKC", piece) for piece in pieces[::2]]
    text = "".join(str(unicodedata.decimal(sign, sign)) if not sign.isascii() else sign for sign in "".join(pieces))
    # NFKC makes some signs of the table anew.
    return text.translate(_UNICODE)


def _canonical_commands(text: str) -> str:
    r"""Replace each command by its canonical sign, and `\text{...}` and its like by what they hold.

    Commands that take arguments or name something stay.
    """
    if r"\begin" not in text:  # where `\\` ends a row; elsewhere it is a backslash that was escaped once too often
        text = _DOUBLED.sub(r"\\", text)
    parts: list[str] = []
    end, has_wrapper = 0, False
    for match in _COMMAND.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match[1]
        if name is None:
            parts.append("\\\\" if match[2] == "\\" else _ESCAPED.get(match[2] or "", match[2] or ""))
        elif name in _WRAPPERS:
            parts.append(_WRAPPER_MARK)
            has_wrapper = True
        elif name not in _SILENT:
            parts.append(_SIGNS.get(name, match[0]))
    text = "".join(parts) + text[end:]
    if not has_wrapper:
        return text
    first, *wrapped = text.split(_WRAPPER_MARK)
    result = [first]
    for piece in wrapped:
        rest = piece.lstrip()
        inner = balanced(rest, 1) if rest.startswith("{") else None
        if inner is None:
            result.append(" " + rest)
        else:
            after = rest[len(inner) + 2 :]
            # A space on each side, so that words do not run into formulas: `\mathrm{e}` is a letter of the formula,
            # `\text{cm}` a word in it.
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


def closing_place(text: str, start: int) -> int:
    """Place of the bracket that closes the one at `start`; -1 if none does."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] in _OPENING:
            depth += 1
        elif text[place] in _CLOSING:
            depth -= 1
            if depth == 0:
                return place
    return -1


def split_outside(text: str, separator: str) -> list[str]:
    """Parts of a text between separators (one sign) that stand outside of all brackets, stripped.

    A comma between groups of three digits groups them (`1,000, 2,000` has two parts) if others are followed by a space.
    """
    if separator not in text:
        return [text]
    if separator == "," and ", " in text:
        groups_digits = any(
            text[at - 1 : at].isdigit() and text[at + 1 : at + 4].isdigit() and not text[at + 4 : at + 5].isdigit()
            for at, sign in enumerate(text)
            if sign == ","
        )
        if groups_digits:
            text, separator = text.replace(", ", _LIST_COMMA), _LIST_COMMA
    return cut_at(text, separator)[::2]


def cut_at(text: str, signs: str) -> list[str]:
    """Parts and signs in turn: `1<x≤3` at `<≤` is `["1", "<", "x", "≤", "3"]`; outside of brackets only."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth = max(0, depth - 1)
        elif depth == 0 and sign in signs:
            parts += [text[start:place].strip(), sign]
            start = place + 1
    return [*parts, text[start:].strip()]
