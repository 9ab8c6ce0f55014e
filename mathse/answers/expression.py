r"""Mathematical expressions: canonical text (`mathse.answers.dress`) to a tree. Nothing is evaluated while reading.

A recursive-descent parser of school mathematics as models write it: LaTeX or plain, implicit products, mixed numbers
(`2\frac{1}{2}`, `2 1/2`), functions with or without parentheses, radicals, absolute values, factorials, degrees and
percents. It is bounded in length and depth, so that no input takes long.

Sample: `2\sqrt{3}+x`  ->  `("+", ("*", 2, ("sqrt", 3)), "x")`
"""

from fractions import Fraction

from mathse.answers.tokens import FUNCTIONS, SYMBOLS, Unreadable, tokens

Tree = Fraction | str | tuple["str | Tree", ...]
"""A number, a symbol's name, or an operation's name and its operands."""

LONGEST_TEXT = 2_000
DEEPEST = 60
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse(text: str) -> Tree:
    """Read an expression.

    Args:
        text: Canonical text.

    Raises:
        Unreadable: It is no expression, or is longer than `LONGEST_TEXT` or nested deeper than `DEEPEST`.
    """
    if len(text) > LONGEST_TEXT:
        raise Unreadable("too long")
    reader = _Reader(tokens(text))
    tree = reader.sum()
    if reader.peek() is not None:
        raise Unreadable(f"unexpected {reader.peek()!r}")
    return tree


def symbols(tree: Tree) -> set[str]:
    """Names of the symbols in a tree, without constants."""
    if isinstance(tree, str):
        return set() if tree in {"π", "e", "i", "∞"} else {tree}
    if isinstance(tree, tuple):
        return set().union(*map(symbols, tree[1:]))
    return set()


class _Reader:
    """Reads a list of tokens from left to right."""

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
            raise Unreadable(f"expected {expected or 'more'}, found {token!r}")
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
            elif self._starts_factor(sign):
                if sign and sign[0].isdigit() and self._tokens[self._place - 1][0].isdigit():
                    raise Unreadable("two numbers side by side")
                result = ("*", result, self.power())
            else:
                return result

    def _starts_factor(self, token: str | None) -> bool:
        if token is None or token in "+-*/^!%°,_±')]}:⟦⟧⌋⌉":
            return False
        return not (token == "|" and self._in_bars)

    def signed(self) -> Tree:
        negative = False
        sign = self.peek()
        if sign == "±":
            self.take()
            return ("±", Fraction(0), self.power())
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
        if token in ("{", "("):
            return self.atom()
        if token is not None and token.isdigit() and len(token) > 1:
            self._tokens[self._place : self._place + 1] = list(token)
        if token in ("-", "+"):
            return self.signed()
        return self.atom()

    def atom(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("too deep")
        value = self._atom(self.take())
        self._depth -= 1
        return value

    def _atom(self, token: str) -> Tree:
        if token[0].isdigit() or token[0] == ".":
            return self._mixed(Fraction(token.replace(",", "")), token)
        if token in _CLOSING:
            return self._group(_CLOSING[token])
        if token == "|":
            return self._absolute()
        if token == "√":
            return ("sqrt", self._radicand())
        if token[0] == "\\":
            return self._command(token[1:])
        if token in ("∠", "△"):
            return self._name(token + "".join(iter(self._letter, "")))
        if token.isalpha() or token == "∞":
            return self._name(token)
        raise Unreadable(f"unexpected {token!r}")

    def _letter(self) -> str:
        token = self.peek()
        return self.take() if token is not None and len(token) == 1 and token.isalpha() else ""

    def _group(self, closing: str) -> Tree:
        bars, self._in_bars = self._in_bars, False
        inner = self.sum()
        self.take(closing)
        self._in_bars = bars
        return inner

    def _absolute(self) -> Tree:
        if self._in_bars:
            raise Unreadable("bars within bars")
        self._in_bars = True
        inner = self.sum()
        self._in_bars = False
        self.take("|")
        return ("abs", inner)

    def _radicand(self) -> Tree:
        token = self.peek()
        if token is not None and token.isdigit():
            return Fraction(self.take())
        return self.atom()

    def _mixed(self, whole: Fraction, token: str) -> Tree:
        """A whole number right before a proper fraction of whole numbers is a mixed number, by school convention."""
        if not token.isdigit():
            return whole
        above, below = self._fraction_ahead()
        if above is None or below is None or not 0 < above < below:
            return whole
        return whole + Fraction(above, below)

    def _fraction_ahead(self) -> tuple[int | None, int | None]:
        start = self._place
        numbers: list[int] = []
        if self.peek() == "\\frac":
            for place in (1, 4) if self.peek(1) == "{" else ():
                if self.peek(place) == "{" and (self.peek(place + 1) or "").isdigit() and self.peek(place + 2) == "}":
                    numbers.append(int(self.peek(place + 1) or 0))
            end = start + 7
        elif (self.peek() or "").isdigit() and self.peek(1) == "/" and (self.peek(2) or "").isdigit():
            numbers = [int(self.peek() or 0), int(self.peek(2) or 0)]
            end = start + 3
        if len(numbers) != 2:
            return None, None
        if 0 < numbers[0] < numbers[1]:
            self._place = end
        return numbers[0], numbers[1]

    def _name(self, token: str) -> Tree:
        name = token
        while (sign := self.peek()) in ("_", "'"):
            self.take()
            name += "'" if sign == "'" else "_" + self._subscript()
        return name

    def _subscript(self) -> str:
        token = self.take()
        if token != "{":
            return token
        parts: list[str] = []
        while (token := self.take()) != "}":
            parts.append(token)
        return "".join(parts)

    def _command(self, name: str) -> Tree:
        if name == "frac":
            return ("/", self.argument(), self.argument())
        if name == "binom":
            return ("binom", self.argument(), self.argument())
        if name == "sqrt":
            return self._root()
        if name in FUNCTIONS:
            return self._function(name)
        if name in SYMBOLS:
            return self._name("\\" + name)
        raise Unreadable(f"unknown command \\{name}")

    def _root(self) -> Tree:
        if self.peek() != "[":
            return ("sqrt", self._radicand())
        self.take()
        degree = self.sum()
        self.take("]")
        return ("root", self.argument(), degree)

    def _function(self, name: str) -> Tree:
        r"""A function of a group, or of the product that follows (`\\sin 2x`), perhaps to a power (`\\sin^2 x`)."""
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
        operands = self._operands()
        if name == "log":
            operands = (*operands, base)
        value: Tree = (name, *operands)
        return value if exponent is None else ("^", value, exponent)

    def _operands(self) -> tuple[Tree, ...]:
        if self.peek() not in ("(", "{", "["):
            value = self.power()
            while (token := self.peek()) is not None and (token.isalnum() or token == "π"):
                value = ("*", value, self.power())
            return (value,)
        closing = _CLOSING[self.take()]
        operands = [self.sum()]
        while self.peek() == ",":
            self.take()
            operands.append(self.sum())
        self.take(closing)
        return tuple(operands)
