"""Checks a path step by step against the scene, as a teacher who marks it would: the first wrong step, and why.

The reviewer parses what is written; it never trusts it. A path is wrong if any step is, even where its answer happens
to be right: the ORM judges the whole path (the paper's section on the ORM). The analysis opens with the kind of mistake
(the paper's Figure 4) and never gives the answer away:

    Step 3, "calculation: 50 + 60 is not 111"
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from mathse.answers.extract import extract
from mathse.synthetic.figures import Figure
from mathse.synthetic.mistakes import Mistake
from mathse.synthetic.steps import Calc, Extreme, Pick, Read, Reduce, Step, outcome, parse, read_solution

_CONSTANTS = frozenset({2, 180})
"""What may enter a calculation without being read or calculated before."""
_OUTCOMES = frozenset({Mistake.VISION, Mistake.CALCULATION})
"""Mistakes that show in what a step arrives at."""
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
        place: How many steps come before it: a student may number two steps alike.
    """

    step: str
    kind: Mistake
    remark: str
    place: int

    @property
    def analysis(self) -> str:
        """Kind and remark in one line."""
        return f"{self.kind}: {self.remark}"

    @property
    def suggestion(self) -> str:
        """What to do better."""
        return _ADVICE[self.kind]


def review(figure: Figure, path: str) -> Finding | None:
    """The first mistake of a path that is meant to solve a figure; None if every step holds and the answer follows."""
    known: set[str] = {str(constant) for constant in _CONSTANTS}
    last: Step | None = None
    done = False
    steps = read_solution(path)
    for place, (label, text) in enumerate(steps):
        step = parse(text)
        if step is None:
            return Finding(label, Mistake.REASONING, "this is no step of a solution", place)
        wrong = _mistake(step, known, figure)
        if wrong:
            return Finding(label, *wrong, place)
        known.add(str(outcome(step)))
        done = done or _same(step, figure.steps[-1])
        last = step
    answer = extract(path)
    wrong_answer = None
    if answer is None:
        wrong_answer = "there is no answer"
    elif last is None or str(outcome(last)) != answer:
        wrong_answer = "the answer does not follow"
    elif answer != figure.answer or not done:
        wrong_answer = "the solution stops early"
    return Finding("Answer", Mistake.REASONING, wrong_answer, len(steps)) if wrong_answer else None


def compared(figure: Figure, path: str) -> Literal["same", "different"]:
    """A path's final answer beside the right one."""
    return "same" if extract(path) == figure.answer else "different"


def checked(figure: Figure, path: str, finding: Finding | None) -> list[str]:
    """Each step of a path up to the first wrong one: what is found there, beside what the path arrives at.

    What is found at a wrong step is what stands there in a right path that began alike: the step with the value that it
    should arrive at, or the next step of the gold solution where it should not have been taken.

    Samples: `Step 1: angle A is 50 and 50: same`; where the path has 60, `Step 1: angle A is 50 and 60: different`; and
    where it subtracts what is to be added, `Step 3: 50 + 60 = 110 and 10: different`.
    """
    steps = [(label, text, parse(text)) for label, text in read_solution(path)]
    place = len(steps) if finding is None else finding.place
    checks = [f"{label}: {text} and {_arrived_at(text, step)}: same" for label, text, step in steps[:place]]
    if finding is None or place == len(steps):
        return checks
    label, text, step = steps[place]
    found = _corrected(step, figure) if step and finding.kind in _OUTCOMES else None
    found = found or _next([taken for _, _, taken in steps[:place] if taken], figure)
    return [*checks, f"{label}: {found or text} and {_arrived_at(text, step)}: different"]


def _arrived_at(text: str, step: Step | None) -> str:
    """A step's outcome; the last word of what is no step."""
    return str(outcome(step)) if step else (text.split() or ["nothing"])[-1]


def _next(taken: Sequence[Step], figure: Figure) -> Step | None:
    """The first step of the gold solution that was not taken yet; None if all were."""
    return next((wanted for wanted in figure.steps if not any(_same(step, wanted) for step in taken)), None)


def _corrected(step: Step, figure: Figure) -> Step | None:
    """A step with what it should arrive at; None if there is no such thing."""
    match step:
        case Read(name, _) if name in figure.readings:
            return Read(name, figure.readings[name])
        case Calc():
            result = step.true_result
            return None if result is None else replace(step, result=result)
        case Extreme():
            return replace(step, result=step.true_result)
        case Reduce(top, bottom, _, _) if bottom:
            exact = Fraction(top, bottom)
            return Reduce(top, bottom, exact.numerator, exact.denominator)
    return None


def _same(step: Step, wanted: Step) -> bool:
    """Whether a step is the wanted one, sums and products in either order."""
    if isinstance(step, Calc) and isinstance(wanted, Calc):
        return _operands(step) == _operands(wanted)
    if isinstance(step, Extreme) and isinstance(wanted, Extreme):
        return sorted(step.values) == sorted(wanted.values)
    return step == wanted


def _mistake(step: Step, known: set[str], figure: Figure) -> tuple[Mistake, str] | None:
    """The first thing wrong with a step, if anything is; `known` are the values that it may use."""
    match step:
        case Read(name, value):
            asked = {wanted.name for wanted in figure.steps if isinstance(wanted, Read)}
            checks = [
                (name not in figure.readings, Mistake.VISION, f"there is no {name}"),
                (figure.readings.get(name) != value, Mistake.VISION, f"{name} is not {value}"),
                (name not in asked, Mistake.QUESTION, f"{name} is not asked for"),
            ]
        case Calc(left, op, right, result):
            shown = f"{left} {op} {right}"
            strange = _operands(step) not in {_operands(wanted) for wanted in figure.steps if isinstance(wanted, Calc)}
            foreign = next((value for value in (left, right) if str(value) not in known), None)
            checks = [
                (strange and left == 90 and "90" not in known, Mistake.KNOWLEDGE, "90 is not the sum of these angles"),
                (strange and foreign is not None, Mistake.REASONING, f"{foreign} does not come from an earlier step"),
                (strange, Mistake.REASONING, f"{shown} is not what to do"),
                (result != step.true_result, Mistake.CALCULATION, f"{shown} is not {result}"),
            ]
        case Extreme(which, values, result):
            asked = {wanted.which for wanted in figure.steps if isinstance(wanted, Extreme)}
            all_values = sorted(values) == sorted(figure.readings.values())
            checks = [
                (which not in asked, Mistake.QUESTION, f"the {which} is not asked for"),
                (not all_values, Mistake.REASONING, "these are not all the values"),
                (result != step.true_result, Mistake.CALCULATION, f"{result} is not the {which}"),
            ]
        case Reduce(top, bottom, reduced_top, reduced_bottom):
            fractions = {(wanted.top, wanted.bottom) for wanted in figure.steps if isinstance(wanted, Reduce)}
            shown = f"{top} over {bottom}"
            checks = [
                ((top, bottom) not in fractions, Mistake.REASONING, f"{shown} is not the fraction asked for"),
                (not step.holds, Mistake.CALCULATION, f"{shown} is not {reduced_top}/{reduced_bottom}"),
            ]
        case Pick(option, letter):
            place = ord(letter) - ord("A")
            holds_it = figure.choices[place : place + 1] == (option,)
            checks = [
                (option not in known, Mistake.REASONING, f"{option} does not come from an earlier step"),
                (not holds_it, Mistake.REASONING, f"option {letter} is not {option}"),
            ]
    return next(((kind, remark) for wrong, kind, remark in checks if wrong), None)


def _operands(step: Calc) -> tuple[str, int, int]:
    """An operation without its result; sums and products the same in either order."""
    commutes = step.op in "+×"
    low, high = sorted((step.left, step.right))
    return (step.op, low, high) if commutes else (step.op, step.left, step.right)
