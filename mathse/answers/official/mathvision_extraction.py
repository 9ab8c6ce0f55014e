r"""MATH-Vision's extraction of an answer from a response (`evaluate` and `find_math_answer` of mathllm/MATH-V).

A chain of textual rules in a fixed order, odd ones among them, since verdicts depend on each: everything becomes lower
case, blanks go, and what holds no answer is kept whole.

Sample: `So the area is \boxed{\dfrac{3}{4}}.`  ->  `\frac{3}{4}`
"""

_LETTERS = "ABCDE"
_PHRASES = ("the final answer is", "the answer is", "the correct answer is", "the answer should be")
_BOX = "oxed{"
_DRESSING = (
    (" ", ""), (r"\,", ""), ("∞", r"\infty"), (r"+\infty", r"\infty"), (r"\\", "\\"), ("\n", ""), (r"\text", ""),
    (r"\mbox", ""), ("bmatrix", "pmatrix"), (r"\left", ""), (r"\right", ""), (r"^{\circ}", ""), (r"^\circ", ""),
    ("{m}^3", ""), ("m^3", ""), ("{units}", ""), ("units", ""), ("{km}", ""), ("km", ""),
)  # fmt: skip
"""What is replaced by what, in order."""
_MORE_DRESSING = (
    ("\n", ""), (r"\!", ""), (r"\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"), (r"\left", ""), (r"\right", ""),
    (r"^{\circ}", ""), (r"^\circ", ""), (r"\$", ""), ("$", ""),
)  # fmt: skip


def extract(response: str) -> str:
    """The answer that a response gives, in the official canonical form; perhaps the whole response, or empty."""
    said = _number_said(_option_said(response.strip()))
    said = _after_phrases(said) if _BOX not in said else _last_box(said)
    answer = canonical(said)
    for opening, closing in ("()", "{}"):
        for letter in _LETTERS.lower():
            answer = answer.replace(opening + letter + closing, letter)
    return answer.rstrip(".").lstrip(":").strip()


def _option_said(said: str) -> str:
    """The letter alone, if the response begins or ends with an option's letter in one of five forms."""
    for letter in _LETTERS:
        begins = said.startswith((f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n"))
        if begins or said.endswith((f" {letter}.", f" ({letter}).")):
            return letter
    return said


def _number_said(said: str) -> str:
    """What follows the last `is `, if that is a number."""
    last = said.split("is ")[-1].rstrip(".")
    try:
        float(last)
    except ValueError:
        return said
    return last


def _after_phrases(said: str) -> str:
    """What follows an answer phrase, up to the end of its sentence or line."""
    for phrase in _PHRASES:
        for form in (phrase, phrase.replace("the", "The")):
            said, found = said.split(form)[-1].strip(), form in said
            if found:
                said = said.split("\n")[0].split(". ")[0]
    return said


def _last_box(said: str) -> str:
    return said if said.count(_BOX) == 1 else rf"\b{_BOX}{said.split(_BOX)[-1]}"


def canonical(said: str) -> str:
    """The content of a box, or the whole text: what follows its last `=`, in lower case, without dressing."""
    said = said.lower().replace("{}", "")
    start, end = said.find(_BOX), said.rfind("}")
    answer = said[start + len(_BOX) : end] if 0 <= start < end else said
    if "}" in answer and answer.find("}") < (answer.find("{") if "{" in answer else len(answer)):
        answer = answer.split("}")[0]
    answer = answer.split("=")[-1].split(r"\approx")[-1]
    return _undressed(_replaced(answer, _DRESSING))


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for written, meant in pairs:
        text = text.replace(written, meant)
    return text


def _undressed(answer: str) -> str:
    """Without units, percent signs and the like; fractions and roots with braces."""
    answer = _replaced(answer, _MORE_DRESSING).split(r"\text{ ")[0]
    answer = answer.replace(r"\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if not answer:
        return answer
    answer = "0" + answer if answer[0] == "." else answer
    for sign in ("=", r"\approx"):
        answer = answer.split(sign)[-1] if answer.count(sign) == 1 else answer
    if "sqrt" in answer:
        answer = _braced_fractions(_braced_roots(answer).replace(" ", ""))
    answer = answer.replace(" ", "")
    return _slashed_fraction(r"\frac{1}{2}" if answer == "0.5" else answer)


def _braced_roots(answer: str) -> str:
    r"""`\sqrt3` as `\sqrt{3}`."""
    first, *rest = answer.split(r"\sqrt")
    bare = (rf"{{{part[0]}}}{part[1:]}" if part and part[0] != "{" else part for part in rest)
    return r"\sqrt".join([first, *bare])


def _braced_fractions(answer: str) -> str:
    r"""`\frac12` and `\frac1{2}` as `\frac{1}{2}`; the text as it is where one of them is cut short."""
    first, *rest = answer.split(r"\frac")
    parts = [first]
    for part in rest:
        if part[:1] == "{":
            parts.append(part)
        elif len(part) < 2:
            return answer
        else:
            below = part[1:] if part[1] == "{" else f"{{{part[1]}}}{part[2:]}"
            parts.append(f"{{{part[0]}}}{below}")
    return r"\frac".join(parts)


def _slashed_fraction(answer: str) -> str:
    r"""`3/4` as `\frac{3}{4}`, for whole numbers as Python prints them."""
    above, slash, below = answer.partition("/")
    try:
        whole = slash and f"{int(above)}/{int(below)}" == answer
    except ValueError:
        return answer
    return rf"\frac{{{above}}}{{{below}}}" if whole else answer
