r"""LaTeX commands whose backslash a reader of JSON took for an escape: `"\frac{1}{2}"` becomes a form feed and `rac`.

JSON has five escapes that begin LaTeX commands: `\b`, `\f`, `\n`, `\r`, `\t`; Python has `\a` and `\v` too. Where what
is left of a command is no word (`heta`, `imes`, `ext{`), the command is put back. Where it is one (`\to` is a tab and
`o`), nobody knows whether it was meant: such a text is refused, unless its line break may well be one. Any other
control character is refused.

Sample: `mended("\x0crac{1}{2} \times 3")`, its `\t` a tab  ->  `\frac{1}{2} \times 3`
"""

import re

_LETTERS = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
_LISTED = """
    above acute aleph align alpha amalg angle approx approxeq arccos arcctg arcsin arctan arctg arg argmax argmin array
    ast asymp atop
    backepsilon backprime backsim backsimeq backslash bar barwedge bbox bcancel because begin beta beth between bf
    bfseries big bigcap bigcirc bigcup bigg biggl biggm biggr bigl bigm bigodot bigoplus bigotimes bigr bigsqcup bigstar
    bigtriangledown bigtriangleup biguplus bigvee bigwedge binom blacklozenge blacksquare blacktriangle
    blacktriangledown blacktriangleleft blacktriangleright bm bmod bold boldsymbol bot bowtie boxdot boxed boxminus
    boxplus boxtimes bra braket breve bullet bumpeq
    fallingdotseq fbox fcolorbox fint flat footnotesize forall frac frak frown
    nLeftarrow nLeftrightarrow nRightarrow nVDash nVdash nabla natural ncong ne nearrow neg negmedspace negthickspace
    negthinspace neq newcommand newline nexists ngeq ngeqq ngeqslant ngtr ni nicefrac nleftarrow nleftrightarrow nleq
    nleqq nleqslant nless nmid nobreakspace noindent nolimits nonumber normalsize not notag notin nparallel nprec
    npreceq nrightarrow nshortmid nshortparallel nsim nsubseteq nsubseteqq nsucc nsucceq nsupseteq nsupseteqq
    ntriangleleft ntrianglelefteq ntriangleright ntrianglerighteq nu nvDash nvdash nwarrow
    raisebox rangle rbrace rbrack rceil ref relax renewcommand rfloor rho right rightangle rightarrow
    rightarrowtail rightharpoondown rightharpoonup rightleftarrows rightleftharpoons rightrightarrows rightsquigarrow
    rightthreetimes risingdotseq rm rmoustache root rotatebox rtimes rule rvert
    tag tan tanh tau tbinom text textasciitilde textbackslash textbf textcelsius textcircled textcolor textdegree
    textgreater textit textless textmd textmu textnormal textohm textrm textsc textsf textsl textstyle textsubscript
    textsuperscript texttt textup tfrac therefore theta thickapprox thicksim thinspace tilde times tiny to top triangle
    triangledown triangleleft trianglelefteq triangleq triangleright trianglerighteq
    twoheadleftarrow twoheadrightarrow
    vDash varepsilon varkappa varnothing varphi varpi varpropto varrho varsigma vartheta
    vartriangle vdash vdots vec vee vert vphantom
"""
_COMMANDS = frozenset(_LISTED.split())
_REST = "ag an angle au brace brack ceil ef eg e exists ext floor i less m mid o op parallel times u vert"
_WORDS = frozenset(_REST.split())
"""What is left of some commands and is, or might be, a word or a name by itself."""
_NAMES = frozenset(("e", "eg", "i", "u"))
"""Of these, those that begin no line of prose."""
_TORN = re.compile(r"((?<!\r)\n|[\a\b\f\r\t\v])([a-zA-Z]++)(?!(?<=\neq)\.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|[\t\n](?=[a-z])")
_ARGUMENT = re.compile(r"[{(\[^_]|\s*\\")
"""What follows a command's name, and no word."""


class ControlCharacter(ValueError):
    """A text has a control character that is not LaTeX beyond doubt; says which, and where."""


def mended(text: str, *, strict: bool = False) -> str:
    r"""The text with its torn LaTeX commands whole.

    Args:
        strict: Whether a line break before what may be the rest of a command (`\ne`, `\nu`) is refused too, as in an
            answer or a short remark; in longer texts it is a line break.

    Raises:
        ControlCharacter: There is one that cannot be mended.
    """
    if not _SUSPECT.search(text):
        return text

    def sure(match: re.Match[str]) -> str:
        sign, tail = match.groups()
        name = _LETTERS[sign] + tail
        return f"\\{name}" if name in _COMMANDS and (sign in "\a\b\f\v" or tail not in _WORDS) else match[0]

    whole = _TORN.sub(sure, text)
    seen = dollars = braces = 0

    def doubtful(match: re.Match[str]) -> str:
        nonlocal seen, dollars, braces
        sign, tail = match.groups()
        if _LETTERS[sign] + tail not in _COMMANDS:
            return match[0]
        if sign == "\n":
            if strict and tail in _NAMES:
                raise ControlCharacter(f"{sign!r} before {tail!r} at {match.start()}: a command, or a word?")
            return match[0]
        before = whole[seen : match.start()]
        seen, dollars = match.start(), dollars + before.count("$")
        braces += before.count("{") - before.count("}")
        has_argument = len(tail) > 1 and _ARGUMENT.match(whole, match.end()) is not None
        if dollars % 2 == 0 and braces <= 0 and not has_argument:
            raise ControlCharacter(f"{sign!r} before {tail!r} at {match.start()}: a command, or a word?")
        return f"\\{_LETTERS[sign]}{tail}"

    whole = _TORN.sub(doubtful, whole)
    if other := _CONTROL.search(whole):
        raise ControlCharacter(f"{other[0]!r} at {other.start()}")
    return whole
