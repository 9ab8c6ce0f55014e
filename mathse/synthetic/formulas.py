r"""Mathematics in a text: cut out of it, and drawn.

    pieces(r"So $\frac{1}{2}$ of $5 is ...")
    -> [Piece("So "), Piece(r"$\frac{1}{2}$", tex=r"\frac{1}{2}"), Piece(" of $5 is ...")]

Nothing of a text is lost or added: the pieces put together are the text. Drawn is what matplotlib's mathtext knows of
LaTeX, by its own fonts and therefore alike on every machine; what it does not know stays as it is written.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import PIL.Image

LONGEST = 1000
"""Characters of a formula; longer ones are shown as they are written."""
LONGEST_DRAWN = 300
DEEPEST = 12
"""Characters and nested braces of a formula that is drawn."""
_DOTS_PER_INCH = 72
"""So that a point is a pixel."""
_SOME = rf"{{1,{LONGEST}}}?"
_ENVIRONMENTS = r"(?:equation|align|aligned|gather|cases|array|[pbvBV]?matrix)\*?"
_FORMULA = re.compile(
    rf"\$\$(?P<double>[^$]{_SOME})\$\$"
    rf"|\\\[(?P<display>(?:(?!\\\[).){_SOME})\\\]"
    rf"|\\\((?P<inline>(?:(?!\\\().){_SOME})\\\)"
    rf"|(?P<block>\\begin\{{(?P<name>{_ENVIRONMENTS})\}}(?:(?!\\begin).){_SOME}\\end\{{(?P=name)\}})"
    r"|(?P<boxed>\\boxed\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,99}\}){0,199}\}){1,299}\})"
    rf"|(?<![\\$a-zA-Z0-9_])\$(?![\s$])(?P<dollar>[^$\n]{_SOME})(?<![\s\\])\$(?![\d$])",
    re.DOTALL,
)
_MEANING_THE_SAME = {
    r"\\[tc]frac": r"\\frac",
    r"\\frac\s*(\d)\s*(\d)": r"\\frac{\1}{\2}",
    r"\\(?:displaystyle|textstyle|boxed|limits|nolimits)(?![a-zA-Z])": "",
    r"\\lt(?![a-zA-Z])": "<",
    r"\\gt(?![a-zA-Z])": ">",
    r"\\(?:textbf|textit|textrm|mbox)(?![a-zA-Z])": r"\\text",
}
"""What mathtext does not know, by what it knows."""


@dataclass(frozen=True)
class Piece:
    """Part of a text.

    Attributes:
        text: As written, delimiters included.
        tex: What is between the delimiters, if it is mathematics.
        display: Whether it stands on a line of its own.
    """

    text: str
    tex: str | None = None
    display: bool = False


@dataclass(frozen=True)
class Drawn:
    """A formula as a picture.

    Attributes:
        ink: How black each pixel is.
        depth: Pixels below the line that text stands on.
    """

    ink: PIL.Image.Image
    depth: int


def pieces(text: str) -> list[Piece]:
    """Cut a text into words and mathematics; a dollar sign before an amount of money is not mathematics."""
    cut: list[Piece] = []
    done = 0
    for formula in _FORMULA.finditer(text):
        if formula.start() > done:
            cut.append(Piece(text[done : formula.start()]))
        kind = str(formula.lastgroup if formula.lastgroup != "name" else "block")
        cut.append(Piece(formula.group(), formula.group(kind), kind in ("double", "display", "block")))
        done = formula.end()
    if done < len(text):
        cut.append(Piece(text[done:]))
    return cut


@cache
def drawn(tex: str, size: int) -> Drawn | None:
    """Draw a formula; None if it is too long or deep, or not all of it is known.

    Args:
        tex: What is between the delimiters.
        size: Of its letters, in pixels.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    for written, known in _MEANING_THE_SAME.items():
        tex = re.sub(written, known, tex)
    line = " ".join(tex.split())
    odd = any(unicodedata.east_asian_width(letter) in "WF" for letter in line) or re.search(r"(?<!\\)\$", line)
    if not line or odd or len(line) > LONGEST_DRAWN or _depth(line) > DEEPEST:
        return None
    try:
        parsed = MathTextParser("agg").parse(f"${line}$", dpi=_DOTS_PER_INCH, prop=FontProperties(size=size))
    except (ValueError, RuntimeError, RecursionError):
        return None
    ink = PIL.Image.fromarray(parsed.image)
    return Drawn(ink, round(parsed.depth)) if ink.width and ink.height else None


def _depth(tex: str) -> int:
    depth = deepest = 0
    for brace in re.findall(r"[{}]", tex):
        depth += 1 if brace == "{" else -1
        deepest = max(deepest, depth)
    return deepest
