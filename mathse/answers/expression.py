r"""Mathematical expressions: canonical text (`mathse.answers.notation`) to a tree. Nothing is evaluated while reading.

A recursive-descent parser of school mathematics as models write it: LaTeX or plain, implicit products, mixed numbers
(`2\frac{1}{2}`, `2 1/2`), functions with or without parentheses, radicals, absolute values, factorials, degrees and
percents. It is bounded in length and depth, so that no input takes long.

Sample: `2\sqrt{3}+x`  ->  `("+", ("*", 2, ("sqrt", 3)), "x")`
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from mathse.answers.figures import angle

Tree = Fraction | str | tuple["str | Tree", ...]
"""A number, a symbol's name, or an operation's name and its operands."""

LONGEST_TEXT = 2_000
DEEPEST = 60

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
    r"\s*(?:(?P<number>\d+(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?|\.\d+)|"
    r"(?P<name>\\[a-zA-Z]+|[^\W\d_]+)(?P<index>\d+(?![\d.]*\.\d))?"
    r"|(?P<sign>[-+*/^!%°|(){}\[\]_,√±'∠△⟦⟧⌊⌋⌈⌉∞:]))"
)


_SEGMENT = re.compile("[A-Z]{2}")
_GLUED_NAMES = ("arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "log", "ln", "pi")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NO_FACTOR = frozenset("+-*/^!%°,_±')]}:⟦⟧⌋⌉")
"""Signs that no factor of an implicit product begins with."""


class Unreadable(ValueError):
    """A text is not an expression that this grammar knows."""


def parse(text: str) -> Tree:
    """Read an expression in canonical text.

    Raises:
        Unreadable: It is no expression, or is longer than `LONGEST_TEXT` or nested deeper than `DEEPEST`.
    """
    if len(text) > LONGEST_TEXT:
        raise Unreadable("too long")
    parser = _Parser(_tokens(text))
    tree = parser.sum()
    if parser.peek() is not None:
        raise Unreadable(f"unexpected {parser.peek()!r}")
    return tree


def symbols(tree: Tree) -> set[str]:
    """Names of the symbols in a tree, without constants."""
    if isinstance(tree, str):
        return set() if tree in {"π", "e", "i", "∞"} else {tree}
    if isinstance(tree, tuple):
        return set().union(*map(symbols, tree[1:]))
    return set()


def replaced(tree: Tree, names: Mapping[str, Tree]) -> Tree:
    """A tree with other trees in the place of symbols."""
    if isinstance(tree, str):
        return names.get(tree, tree)
    return (tree[0], *(replaced(part, names) for part in tree[1:])) if isinstance(tree, tuple) else tree


def resolved(*trees: Tree) -> list[Tree]:
    """Trees in which `AB` is a symbol, as a segment's length; or the product of two, where one of these stands alone.

    `AB·CD` is not `AC·BD`, but `V = IR` is `R = V/I`.
    """
    pairs = {pair for tree in trees for pair in _segments(tree)}
    if not pairs:
        return list(trees)
    as_symbols = [_with_segments(tree, lambda first, second: first + second) for tree in trees]
    alone = set().union(*map(symbols, as_symbols))
    if alone.isdisjoint(letter for pair in pairs for letter in pair):
        return as_symbols
    return [_with_segments(tree, lambda first, second: ("*", first, second)) for tree in trees]


def _segments(tree: Tree) -> set[tuple[str, str]]:
    if not isinstance(tree, tuple):
        return set()
    if tree[0] == "segment":
        return {(str(tree[1]), str(tree[2]))}
    return set().union(*map(_segments, tree[1:]))


def _with_segments(tree: Tree, meaning: Callable[[str, str], Tree]) -> Tree:
    if not isinstance(tree, tuple):
        return tree
    if tree[0] == "segment":
        return meaning(str(tree[1]), str(tree[2]))
    if tree[0] == "^" and isinstance(tree[1], tuple) and tree[1][0] == "segment":
        value = meaning(str(tree[1][1]), str(tree[1][2]))
        if isinstance(value, tuple):  # of a product, the power is the last factor's
            return ("*", value[1], ("^", value[2], tree[2]))
    return (tree[0], *(_with_segments(part, meaning) for part in tree[1:]))


def _tokens(text: str) -> list[str]:
    r"""Split canonical text into numbers, commands (`\frac`), letters and signs."""
    tokens: list[str] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unreadable(f"unknown sign {text[place]!r}")
        place = match.end()
        if (name := match["name"]) is None:
            tokens.append(match["number"] or match["sign"])
            continue
        if name[0] == "\\" or name in _WORDS or (_SEGMENT.fullmatch(name) and not match["index"]):
            tokens.append(_WORDS.get(name, name))
        else:
            tokens += _letters(name)
        if index := match["index"]:
            # `x1` is a name, as `x_1` is; `\sin2`, `\frac12` and `π2` are not.
            is_name = tokens[-1][1:] in SYMBOLS or (len(tokens[-1]) == 1 and tokens[-1] != "π")
            tokens += ["_", index] if is_name else [index]
    return tokens


def _letters(word: str) -> list[str]:
    """Letters stand for a product, after a function's name if they begin with one (`sinx`)."""
    if not word.isascii() and any(ord(letter) > 0x3FF for letter in word):
        raise Unreadable(f"a word: {word}")
    for name in _GLUED_NAMES:
        if word.startswith(name):
            return [_WORDS[name], *_letters(word[len(name) :])] if word != name else [_WORDS[name]]
    if len(word) > 3:
        raise Unreadable(f"a word: {word}")
    return list(word)


class _Parser:
    """Reads a list of tokens from left to right. A text that it cannot read raises Unreadable."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._in_bars = False

    def peek(self, ahead: int = 0) -> str | None:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if token is None or (expected is not None and token != expected):
            raise Unreadable(f"expected {expected or 'more'}, not {token!r}")
        self._place += 1
        return token

    def sum(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("too deep")
        total = self.product()
        while (sign := self.peek()) in ("+", "-", "±"):
            self.take()
            right = self.product()
            total = ("±", total, right) if sign == "±" else ("+", total, right if sign == "+" else ("-", right))
        self._depth -= 1
        return total

    def product(self) -> Tree:
        result = self.signed()
        while True:
            sign = self.peek()
            if sign in ("*", "/"):
                self.take()
                right = self.signed()
                result = ("*", result, right) if sign == "*" else ("/", result, right)
            elif sign is None or sign in _NO_FACTOR or (sign == "|" and self._in_bars):
                return result
            elif sign[0].isdigit() and self._tokens[self._place - 1][0].isdigit():
                raise Unreadable("two numbers side by side")
            else:
                result = ("*", result, self.power())

    def signed(self) -> Tree:
        if self.peek() == "±":
            self.take()
            return ("±", Fraction(0), self.power())
        negative = False
        for _ in range(DEEPEST):
            if self.peek() not in ("+", "-"):
                break
            negative ^= self.take() == "-"
        value = self.power()
        return ("-", value) if negative else value

    def power(self) -> Tree:
        base = self.postfix(self.atom())
        if self.peek() != "^":
            return base
        self.take()
        if self.peek() == "'":
            raise Unreadable("a derivative")
        exponent = self.argument() if self.peek() != "-" else self.signed()
        return self.postfix(("^", base, exponent))

    def postfix(self, value: Tree) -> Tree:
        while (sign := self.peek()) in ("!", "%", "°"):
            self.take()
            if sign == "!" and isinstance(value, tuple) and value[0] == "!":
                raise Unreadable("a double factorial")
            value = ("!", value) if sign == "!" else ("/", value, Fraction(100)) if sign == "%" else ("deg", value)
        return value

    def argument(self) -> Tree:
        r"""What a command or `^` takes: a group, or one sign alone (`\frac12` is a half)."""
        token = self.peek()
        if token is not None and token.isdigit() and len(token) > 1:
            self._tokens[self._place : self._place + 1] = list(token)
        return self.signed() if token in ("-", "+") else self.atom()

    def atom(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("too deep")
        token = self.take()
        value: Tree
        if token[0].isdigit() or token[0] == ".":
            value = self._number(token)
        elif token in _CLOSING:
            # Bars within the group are its own.
            bars, self._in_bars = self._in_bars, False
            value = self.sum()
            self.take(_CLOSING[token])
            self._in_bars = bars
        elif token == "|":
            if self._in_bars:
                raise Unreadable("bars within bars")
            self._in_bars = True
            value = ("abs", self.sum())
            self._in_bars = False
            self.take("|")
        elif token == "√":
            value = ("sqrt", self._radicand())
        elif token[0] == "\\":
            value = self._command(token[1:])
        elif _SEGMENT.fullmatch(token):
            value = ("segment", *sorted(token))
        elif token.isalpha() or token in ("∞", "∠", "△"):
            value = self._name(token)
        else:
            raise Unreadable(f"unexpected {token!r}")
        self._depth -= 1
        return value

    def _number(self, token: str) -> Tree:
        """A whole number right before a proper fraction of whole numbers is a mixed number, by school convention."""
        value = Fraction(token.replace(",", ""))
        if not token.isdigit():
            return value
        start = self._place
        above: Tree
        below: Tree
        match self._tokens[start : start + 3]:
            case ["\\frac", *_]:
                self.take()
                above, below = self.argument(), self.argument()
            case [numerator, "/", denominator] if numerator.isdigit() and denominator.isdigit():
                self._place += 3
                above, below = Fraction(numerator), Fraction(denominator)
            case _:
                return value
        match above, below:
            case Fraction(denominator=1), Fraction(denominator=1) if 0 < above < below:
                return value + above / below
        self._place = start
        return value

    def _name(self, name: str) -> str:
        """A symbol with its primes and subscripts (`x_{12}'`), or an angle or a triangle with its points or its number.

        `∠ABC`, `∠A_1B_1C_1`, `∠1`.
        """
        if name in "∠△":
            return name + self._points()
        while (token := self.peek()) is not None:
            if token == "'":
                name += self.take()
            elif token == "_":
                self.take()
                name += "_"
                if (token := self.take()) != "{":
                    name += token
                else:
                    while (token := self.take()) != "}":
                        name += token
            else:
                break
        return name

    def _points(self) -> str:
        """The points behind the sign of an angle (in one order) or a triangle, or its number."""
        sign, points = self._tokens[self._place - 1], list[str]()
        if (token := self.peek()) is not None and token.isdigit():
            return self.take()
        while (token := self.peek()) is not None and len(token) == 1 and token.isalpha():
            points.append(self._name(self.take()))
        return "".join(angle(points) if sign == "∠" and points else points)

    def _command(self, name: str) -> Tree:
        if name == "frac":
            return ("/", self.argument(), self.argument())
        if name == "binom":
            return ("binom", self.argument(), self.argument())
        if name == "sqrt":
            if self.peek() != "[":
                return ("sqrt", self._radicand())
            self.take()
            degree = self.sum()
            self.take("]")
            return ("root", self.argument(), degree)
        if name in FUNCTIONS:
            return self._function(name)
        if name in SYMBOLS:
            return self._name("\\" + name)
        raise Unreadable(f"unknown command \\{name}")

    def _radicand(self) -> Tree:
        token = self.peek()
        if token is not None and token.isdigit():
            return Fraction(self.take())
        return self.atom()

    def _function(self, name: str) -> Tree:
        r"""A function of a group, or of the product that follows (`\sin 2x`), perhaps to a power (`\sin^2 x`)."""
        base: Tree = Fraction(10)
        exponent: Tree | None = None
        while (sign := self.peek()) in ("_", "^"):
            self.take()
            if sign == "_":
                base = self.argument()
            elif self.peek() == "{" and self.peek(1) == "-":
                raise Unreadable("an inverse function or a power of -1")
            else:
                exponent = self.argument()
        operands: list[Tree]
        if self.peek() in ("(", "{", "["):
            closing = _CLOSING[self.take()]
            operands = [self.sum()]
            while self.peek() == ",":
                self.take()
                operands.append(self.sum())
            self.take(closing)
        else:
            product = self.power()
            while (token := self.peek()) is not None and (token.isalnum() or token == "π"):
                product = ("*", product, self.power())
            operands = [product]
        if name == "log":
            operands.append(base)
        value: Tree = (name, *operands)
        return value if exponent is None else ("^", value, exponent)
