"""Checks a path step by step against the scene, as a teacher who marks it would: the first wrong step, and why.

The reviewer parses what is written; it never trusts it. A path is wrong if any step is, even where its answer happens
to be right: the ORM judges the whole path (the paper's section on the ORM). The analysis opens with the kind of mistake
(the paper's Figure 4) and never gives the answer away:

    Step 3, "calculation: 50 + 60 is not 111"
"""

from dataclasses import dataclass

from mathse.answers.extract import extract
from mathse.synthetic.figures import Figure
from mathse.synthetic.mistakes import Mistake
from mathse.synthetic.steps import Calc, Extreme, Pick, Read, Reduce, Step, outcome, parse, read_solution

_CONSTANTS = frozenset({2, 180})
"""What may enter a calculation without being read or calculated before."""
_ADVICE = {
    Mistake.VISION: "Look at the figure again and read each label before you use it.",
    Mistake.QUESTION: "Read the question again and use only what it asks for.",
    Mistake.REASONING: "Say why each operation is the right one before you carry it out.",
    Mistake.KNOWLEDGE: "Recall the rule that holds for this figure.",
    Mistake.CALCULATION: "Do the operation once more and check it backwards.",
}


@dataclass(frozen=True)
class Finding:
    """The first thing wrong with a path.

    Attributes:
        step: The step's label, such as `Step 3`; `Answer` if all steps hold but the answer does not follow.
        kind: What kind of mistake it is.
        remark: What is wrong with it, without the right value.
    """

    step: str
    kind: Mistake
    remark: str

    @property
    def analysis(self) -> str:
        """Kind and remark in one line."""
        return f"{self.kind}: {self.remark}"

    @property
    def suggestion(self) -> str:
        """What to do better."""
        return _ADVICE[self.kind]


def review(figure: Figure, path: str) -> Finding | None:
    """Find the first wrong step of a path.

    Args:
        figure: The problem it is meant to solve.

    Returns:
        The first mistake, or None if every step holds and the answer follows.
    """
    known: set[str] = {str(constant) for constant in _CONSTANTS}
    last: Step | None = None
    done = False
    for label, text in read_solution(path):
        step = parse(text)
        if step is None:
            return Finding(label, Mistake.REASONING, "this is no step of a solution")
        wrong = _mistake(step, known, figure)
        if wrong:
            return Finding(label, *wrong)
        known.add(str(outcome(step)))
        done = done or _same(step, figure.steps[-1])
        last = step
    answer = extract(path)
    if answer is None:
        return Finding("Answer", Mistake.REASONING, "there is no answer")
    if last is None or str(outcome(last)) != answer:
        return Finding("Answer", Mistake.REASONING, "the answer does not follow")
    if answer != figure.answer or not done:
        return Finding("Answer", Mistake.REASONING, "the solution stops early")
    return None


def _same(step: Step, wanted: Step) -> bool:
    """Whether a step is the wanted one, sums and products in either order."""
    if isinstance(step, Calc) and isinstance(wanted, Calc):
        return _operands(step) == _operands(wanted)
    if isinstance(step, Extreme) and isinstance(wanted, Extreme):
        return sorted(step.values) == sorted(wanted.values)
    return step == wanted


def _mistake(step: Step, known: set[str], figure: Figure) -> tuple[Mistake, str] | None:
    match step:
        case Read():
            return _wrong_reading(step, figure)
        case Calc():
            return _wrong_calculation(step, known, figure)
        case Extreme():
            return _wrong_extreme(step, figure)
        case Reduce():
            return _wrong_fraction(step, figure)
        case Pick():
            return _wrong_option(step, known, figure)


def _wrong_reading(step: Read, figure: Figure) -> tuple[Mistake, str] | None:
    if step.name not in figure.readings:
        return Mistake.VISION, f"there is no {step.name}"
    if figure.readings[step.name] != step.value:
        return Mistake.VISION, f"{step.name} is not {step.value}"
    if step.name not in {wanted.name for wanted in figure.steps if isinstance(wanted, Read)}:
        return Mistake.QUESTION, f"{step.name} is not asked for"
    return None


def _wrong_calculation(step: Calc, known: set[str], figure: Figure) -> tuple[Mistake, str] | None:
    shown = f"{step.left} {step.op} {step.right}"
    wanted = {_operands(s) for s in figure.steps if isinstance(s, Calc)}
    if _operands(step) not in wanted:
        if step.left == 90 and "90" not in known:
            return Mistake.KNOWLEDGE, "90 is not the sum of these angles"
        for value in (step.left, step.right):
            if str(value) not in known:
                return Mistake.REASONING, f"{value} does not come from an earlier step"
        return Mistake.REASONING, f"{shown} is not what to do"
    if step.result != step.true_result:
        return Mistake.CALCULATION, f"{shown} is not {step.result}"
    return None


def _wrong_extreme(step: Extreme, figure: Figure) -> tuple[Mistake, str] | None:
    if step.which not in {wanted.which for wanted in figure.steps if isinstance(wanted, Extreme)}:
        return Mistake.QUESTION, f"the {step.which} is not asked for"
    if sorted(step.values) != sorted(figure.readings.values()):
        return Mistake.REASONING, "these are not all the values"
    if step.result != step.true_result:
        return Mistake.CALCULATION, f"{step.result} is not the {step.which}"
    return None


def _wrong_fraction(step: Reduce, figure: Figure) -> tuple[Mistake, str] | None:
    shown = f"{step.top} over {step.bottom}"
    if (step.top, step.bottom) not in {
        (wanted.top, wanted.bottom) for wanted in figure.steps if isinstance(wanted, Reduce)
    }:
        return Mistake.REASONING, f"{shown} is not the fraction asked for"
    if not step.holds:
        return Mistake.CALCULATION, f"{shown} is not {step.reduced_top}/{step.reduced_bottom}"
    return None


def _wrong_option(step: Pick, known: set[str], figure: Figure) -> tuple[Mistake, str] | None:
    place = ord(step.letter) - ord("A")
    if step.value not in known:
        return Mistake.REASONING, f"{step.value} does not come from an earlier step"
    if place >= len(figure.choices) or figure.choices[place] != step.value:
        return Mistake.REASONING, f"option {step.letter} is not {step.value}"
    return None


def _operands(step: Calc) -> tuple[str, int, int]:
    """An operation without its result; sums and products the same in either order."""
    commutes = step.op in "+×"
    low, high = sorted((step.left, step.right))
    return (step.op, low, high) if commutes else (step.op, step.left, step.right)
