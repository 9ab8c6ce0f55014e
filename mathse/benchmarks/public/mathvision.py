r"""MATH-Vision: test (3,040 items), and testmini (304).

One picture per item, however many `<image3>` the question names: several are drawn into one file. Options that are no
more than letters stand in the picture.

Its rule (`evaluation/evaluate.py` and `evaluation/utils.py` of mathllm/MATH-V) finds the answer in the response itself,
by a chain of textual rules. The answer is right if it equals the gold answer or, in a multiple-choice problem, the gold
option's value: as text, or rounded to two decimals. The script executes an expression made from the answer to find its
value; here `latex2sympy` reads it.

Sample row: `{"id": "6", "question": "... In which picture ...?\n<image1>", "options": ["A", "B", "C", "D", "E"],
"answer": "D", "solution": null, "level": 3, "subject": "logic", "image": "images/6.jpg"}`
Sample: `extract(r"So the area is \boxed{\dfrac{3}{4}}.")`  ->  `\frac{3}{4}`
Sample: `is_correct("B", r"\frac{1}{3}", ["0.5", "0.333"])`  ->  `True`
"""

from collections.abc import Sequence
from typing import Any

from mathse.benchmarks.benchmark import IN_THE_PICTURE, Benchmark, Column, RawItem, Subset, copied
from mathse.benchmarks.latex2sympy import LONGEST, value
from mathse.benchmarks.official import BadRow, Fields, Groups, overall, tally, tally_by, text, texts, values
from mathse.benchmarks.rule import Rule
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Faulty, SourceRow

DECIMALS = 2

_BRACKETS = ("()", "[]")
_AS_WRITTEN = ("a", "-a")
_LETTERS = "ABCDE"
_PHRASES = (
    "the final answer is", "The final answer is", "the answer is", "The answer is", "the correct answer is",
    "The correct answer is", "the answer should be", "The answer should be",
)  # fmt: skip
_BOX = "oxed{"
_DRESSING = (
    (" ", ""), (r"\,", ""), ("∞", r"\infty"), (r"+\infty", r"\infty"), (r"\\", "\\"), ("\n", ""), (r"\text", ""),
    (r"\mbox", ""), ("bmatrix", "pmatrix"), (r"\left", ""), (r"\right", ""), (r"^{\circ}", ""), (r"^\circ", ""),
    ("{m}^3", ""), ("m^3", ""), ("{units}", ""), ("units", ""), ("{km}", ""), ("km", ""),
    (r"\!", ""), (r"\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"), (r"\left", ""), (r"\right", ""),
    (r"^{\circ}", ""), (r"^\circ", ""), (r"\$", ""), ("$", ""),
)  # fmt: skip
"""What is replaced by what, in order."""


def item(row: SourceRow) -> RawItem:
    """A row as an item."""
    images = fields.images(row, "decoded_image", "image")
    if not images:
        raise Faulty("missing field", "decoded_image or image")
    question = fields.text(row, "question")
    return RawItem(
        source_id=fields.value(row, "id"),
        question=questions.without_placeholders(question) or (IN_THE_PICTURE if question else ""),
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "options"),
        images=images,
        subject=fields.text(row, "subject"),
        level=fields.level(row, "level"),
        official=copied(row, "id", "options", "answer", "level", "subject"),
    )


def extract(response: str) -> str:
    """The answer that a response gives, in the official canonical form; perhaps the whole response, or empty.

    The steps and their order are those of the script, odd ones among them, since verdicts depend on each: everything
    becomes lower case, blanks go, and what holds no answer is kept whole.
    """
    answer = response.strip()
    # The letter alone, if the response begins or ends with an option's letter in one of five forms.
    for letter in _LETTERS:
        begins = answer.startswith((f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n"))
        if begins or answer.endswith((f" {letter}.", f" ({letter}).")):
            answer = letter
            break
    # What follows the last `is `, if that is a number.
    last = answer.split("is ")[-1].rstrip(".")
    try:
        float(last)
    except ValueError:
        pass
    else:
        answer = last
    if _BOX not in answer:
        # What follows an answer phrase, up to the end of its sentence or line.
        for phrase in _PHRASES:
            is_there = phrase in answer
            answer = answer.split(phrase)[-1].strip()
            answer = answer.split("\n")[0].split(". ")[0] if is_there else answer
    elif answer.count(_BOX) > 1:
        answer = rf"\b{_BOX}{answer.split(_BOX)[-1]}"
    answer = canonical(answer)
    for opening, closing in ("()", "{}"):
        for letter in _LETTERS.lower():
            answer = answer.replace(opening + letter + closing, letter)
    return answer.rstrip(".").lstrip(":").strip()


def canonical(answer: str) -> str:
    """The content of a box, or the whole text: what follows its last `=`, in lower case, without units and the like.

    Fractions and roots get braces.
    """
    answer = answer.lower().replace("{}", "")
    start, end = answer.find(_BOX), answer.rfind("}")
    if 0 <= start < end:
        answer = answer[start + len(_BOX) : end]
    if "}" in answer and answer.find("}") < (answer.find("{") if "{" in answer else len(answer)):
        answer = answer.split("}")[0]
    answer = answer.split("=")[-1].split(r"\approx")[-1]
    for written, meant in _DRESSING:
        answer = answer.replace(written, meant)
    answer = answer.split(r"\text{ ")[0]
    answer = answer.replace(r"\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if not answer:
        return answer
    answer = "0" + answer if answer[0] == "." else answer
    for sign in ("=", r"\approx"):
        answer = answer.split(sign)[-1] if answer.count(sign) == 1 else answer
    if "sqrt" in answer:
        first, *rest = answer.split(r"\sqrt")
        bare = (rf"{{{part[0]}}}{part[1:]}" if part and part[0] != "{" else part for part in rest)
        answer = _braced_fractions(r"\sqrt".join([first, *bare]).replace(" ", ""))
    answer = answer.replace(" ", "")
    return _slashed_fraction(r"\frac{1}{2}" if answer == "0.5" else answer)


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


def is_correct(gold: str, answer: str, options: Sequence[str] = ()) -> bool:
    """Whether an extracted answer is right.

    Args:
        gold: The gold answer: an option's letter, or a value.
        answer: What `extract` finds in a response.
        options: Values of options A, B, C, ...; empty if the problem is free-form.

    Raises:
        BadRow: There are options, and the gold answer is none of their letters.
    """
    option = ""
    if options:
        if len(gold) != 1 or not 0 <= ord(gold) - ord("A") < len(options):
            raise BadRow("field 'answer' is no option's letter")
        option = options[ord(gold) - ord("A")]
    return same(gold, answer) or same(option, answer)


def same(gold: str, answer: str) -> bool:
    """Whether two answers are equal as texts, as tuples or as numbers (`is_equal` of the official script)."""
    gold, answer = gold.lower(), answer.lower()
    if not gold.replace(" ", "") or not answer.replace(" ", ""):
        return False
    if gold.strip() == answer.strip():
        return True
    gold, answer = rounded_parts(gold), rounded_parts(answer)
    if gold == answer:
        return True
    gold_value = value(gold)
    answer_value = None if gold_value is None else value(answer)
    if gold_value is None or answer_value is None:
        return False
    return round(gold_value, DECIMALS) == round(answer_value, DECIMALS)


def rounded_parts(answer: str) -> str:
    """A tuple or list with each part worked out and rounded; any other text, or one with an unreadable part, as it is.

    Parts are cut at every comma and compared as text: `(6/2,1)` becomes `(3.0,1)`, which is not `(3,1)`.
    """
    parts = answer[1:-1].split(",")
    if answer[0] + answer[-1] not in _BRACKETS or len(parts) == 1 or len(answer) > LONGEST:
        return answer
    rounded = []
    for part in parts:
        if "infty" in part or part in _AS_WRITTEN:
            rounded.append(part)
        elif (number := value(part)) is None:
            return answer
        else:
            rounded.append(str(round(number, DECIMALS)))
    return f"{answer[0]}{','.join(rounded)}{answer[-1]}"


def verdict(row: Fields) -> dict[str, Any]:
    """The official fields `model_answer` and `correct` of a row.

    The answer is extracted from `response` anew, as the official run does; a row without one keeps its `model_answer`.
    """
    if "response" in row:
        answer = extract(text(row, "response"))
    elif "model_answer" in row:
        answer = text(row, "model_answer")
    else:
        raise BadRow("no field 'response'")
    return {"model_answer": answer, "correct": is_correct(text(row, "answer"), answer, texts(row, "options"))}


def tables(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Overall, by level, by subject."""
    groups = {name: tally_by(rows, "correct", name) for name in ("level", "subject")}
    return {
        "overall": overall(rows, "correct"),
        **{name: dict(sorted(group.items())) for name, group in groups.items() if group},
    }


def scores(rows: Sequence[Fields]) -> dict[str, Any]:
    """The content of an official `*_result.json`: `-all`, levels, subjects and both together, sorted by name."""

    def names(row: Fields) -> list[str]:
        keys = ["-all"]
        for level in values(row, "level"):
            keys.append(f"-level{level}")
            for subject in values(row, "subject"):
                keys += [f"{subject}_level{level}", f"-level{level}_{subject}"]
        return keys + values(row, "subject")

    groups = tally(rows, "correct", names)
    return {
        name: f"{count.correct}/{count.total}={round(count.correct / count.total * 100, 2)}%"
        for name, count in sorted(groups.items())
    }


BENCHMARK = Benchmark(
    name="mathvision",
    subsets={
        None: Subset(3040, "test", column=Column(4, "MATH-Vision")),
        "testmini": Subset(304, "testmini"),
    },
    item=item,
    rule=Rule(
        verdict,
        "correct",
        tables,
        scores,
        reads="response",
        needs=("response", "answer", "options"),
        ids=("id",),
        own_answer="model_answer",
    ),
)
