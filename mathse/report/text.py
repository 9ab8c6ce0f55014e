r"""A model's text cut into steps and mathematics: pieces of text to be escaped, never markup.

    steps("Step 1: a is 50. Step 2: 50 + 60 = 111.", "Step 2")
    -> [SolutionStep("Step 1: a is 50. ", wrong=False), SolutionStep("Step 2: 50 + 60 = 111.", wrong=True)]
    pieces(r"So $\frac{1}{2}$ of $5 is ...")
    -> [Piece("So "), Piece(r"$\frac{1}{2}$", tex=r"\frac{1}{2}"), Piece(" of $5 is ...")]

Nothing of a text is lost or added: the pieces put together are the text.
"""

import re
from dataclasses import dataclass

from mathse import terminal
from mathse.synthetic.formulas import LONGEST as LONGEST_FORMULA
from mathse.synthetic.formulas import Piece as Piece
from mathse.synthetic.formulas import pieces as pieces

_LABEL = re.compile(
    r"(?:(?<=[\s。.:;!?])|^)(?:[#*_>]{1,6} {0,2}){0,2}"
    r"(?:step|schritt|paso|шаг|étape|步骤|ステップ)\s{0,2}(?P<number>\d{1,3})\b"
    r"|(?:(?<=[\s。])|^)(?:[#*_>]{1,6} {0,2}){0,2}第\s?(?P<sign>\d{1,3}|[一二三四五六七八九十])\s?步",
    re.IGNORECASE | re.MULTILINE,
)
_LISTED = re.compile(r"^(?:[#*_>]{1,6} {0,2}){0,2}\(?(?P<number>\d{1,3})[.)](?=\s)", re.MULTILINE)
_SIGNS = {sign: str(place) for place, sign in enumerate("一二三四五六七八九十", 1)}
_NAMED = re.compile(r"[\W_]{0,9}(?:[^\W\d_]{1,12}\s{0,2})?#?(\d{1,3}|[一二三四五六七八九十])\s?步?[\W_]{0,9}")
LONGEST_WORD = 60
"""Characters that are looked back for a word's end."""
_WORD_END = re.compile(rf"\s|(?<=[{terminal.UNSPACED}])|(?=[{terminal.UNSPACED}])")
_BARE = re.compile(r"\\[a-zA-Z]+|[\^_]\{")


@dataclass(frozen=True)
class SolutionStep:
    """A step of a path.

    Attributes:
        text: As written, its label included.
        wrong: Whether the judge says that it is the first wrong one.
    """

    text: str
    wrong: bool = False

    @property
    def pieces(self) -> list[Piece]:
        """Its text and mathematics."""
        return pieces(self.text)


def steps(text: str, wrong: str | None = None) -> list[SolutionStep]:
    """Cut a path at its steps' labels; one step if it has none.

    Args:
        wrong: The first wrong step, as the judge names it: by number (`Step 3`, `第三步`), or by its words.
    """
    labels = list(_LABEL.finditer(text)) or list(_LISTED.finditer(text))
    starts = sorted({0, *(label.start() for label in labels)})
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    place = None
    if wrong and (named := _NAMED.fullmatch(wrong)):
        numbers = {label.start(): _plain(label["number"] or label["sign"]) for label in labels}
        place = next((place for place, start in enumerate(starts) if numbers.get(start) == _plain(named[1])), None)
    elif wrong and (words := wrong.strip().casefold()):
        place = next((place for place, part in enumerate(parts) if words in part.casefold()), None)
    return [SolutionStep(part, number == place) for number, part in enumerate(parts) if part]


def answer(text: str) -> list[Piece]:
    """Pieces of a short answer, which may be a formula without delimiters."""
    cut = pieces(text)
    if len(cut) == 1 and cut[0].tex is None and len(text) <= LONGEST_FORMULA and _BARE.search(text):
        return [Piece(text, text)]
    return cut


def visible(value: object) -> object:
    r"""What a page shows of a value: of a text, the control and direction characters as they are escaped.

    A form feed where a formula had its `\f` looks like a space, and a sign of direction turns around what follows it.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return terminal.visible(value.replace("\r\n", "\n"))


def shortened(text: str, most: int) -> tuple[str, bool]:
    """A text's first `most` characters, cut at a word if one ends shortly before, and whether something is left out."""
    if len(text) <= most:
        return text, False
    ends = (match.start() for match in _WORD_END.finditer(text, max(0, most - LONGEST_WORD), most + 1))
    return text[: max((end for end in ends if 0 < end <= most), default=most)], True


def _plain(number: str) -> str:
    return _SIGNS.get(number, number.lstrip("0") or number)
