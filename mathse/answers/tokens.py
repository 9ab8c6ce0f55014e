"""The signs of an expression: canonical text to a list of tokens."""

import re


class Unreadable(ValueError):
    """A text is not an expression that this grammar knows."""


FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp max min gcd lcm".split()
)
SYMBOLS = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Phi Psi Omega ell hbar".split()
)
_WORDS = {"sqrt": "\\sqrt", "pi": "π", "infinity": "∞", "inf": "∞"} | {
    name: f"\\{name}" for name in FUNCTIONS | SYMBOLS if len(name) > 1
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?|\.\d+)|(?P<command>\\[a-zA-Z]+)|(?P<word>[^\W\d_]+)"
    r"|(?P<sign>[-+*/^!%°|(){}\[\]_,√±'∠△⟦⟧⌊⌋⌈⌉∞:]))"
)


def tokens(text: str) -> list[str]:
    r"""Split canonical text into numbers, commands (`\\\\frac`), letters and signs.

    Raises:
        Unreadable: It holds a sign or a word that no expression has.
    """
    found: list[str] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unreadable(f"unknown sign {text[place]!r}")
        place = match.end()
        if word := match["word"]:
            found += [_WORDS[word]] if word in _WORDS else _split_word(word)
        else:
            found.append(match["number"] or match["command"] or match["sign"])
    return found


def _split_word(word: str) -> list[str]:
    """Letters stand for a product, after a function's name if they begin with one (`sinx`)."""
    if not word.isascii() and any(ord(letter) > 0x3FF for letter in word):
        raise Unreadable(f"a word: {word}")
    for name in ("arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "log", "ln", "pi"):
        if word.startswith(name):
            return [_WORDS[name], *_split_word(word[len(name) :])] if word != name else [_WORDS[name]]
    if len(word) > 3:
        raise Unreadable(f"a word: {word}")
    return list(word)
