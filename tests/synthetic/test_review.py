import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mathse.synthetic.figures import Figure
from mathse.synthetic.mistakes import Mistake, wrong_solution
from mathse.synthetic.pictures import Bars, Picture, PointGrid, TriangleAngles, readings
from mathse.synthetic.plans import Best, Combine, Given, Look, Plan, Ratio, execute
from mathse.synthetic.review import review
from mathse.synthetic.steps import Extreme, Read, Reduce, read_solution, write_solution
from mathse.tables.schemas import MARKER
from tests.synthetic.scenes import FIGURES
from tools.tiny_base.curriculum import _damaged


def scene(picture: Picture, plan: Plan, choices: tuple[str, ...] = ()) -> Figure:
    steps, answer = execute(plan, readings(picture), choices)
    return Figure("x-1-1", "x", 1, "any", picture, "What?", choices, plan, tuple(steps), answer)


ANGLES = scene(
    TriangleAngles("ABC", (50, 60)),
    (Look("angle A"), Look("angle B"), Combine("+", 0, 1), Combine("-", Given(180), 2)),
    ("60", "70", "80"),
)
SUM = scene(Bars(("A", "B", "C"), (7, 3, 9)), (Look("bar A"), Look("bar B"), Combine("+", 0, 1)))
TALLEST = scene(
    Bars(("A", "B", "C"), (7, 3, 9)), (Look("bar A"), Look("bar B"), Look("bar C"), Best("largest", (0, 1, 2)))
)
SLOPE = scene(
    PointGrid(("P", "Q"), ((1, 2), (5, 4))),
    (
        Look("x of P"), Look("x of Q"), Combine("-", 0, 1, ordered=True),
        Look("y of P"), Look("y of Q"), Combine("-", 3, 4, ordered=True), Ratio(5, 2),
    ),
)  # fmt: skip

GOLD = "Step 1: angle A is 50. Step 2: angle B is 60. Step 3: 50 + 60 = 110. Step 4: 180 - 110 = 70. "
RIGHT = [
    (ANGLES, f"{GOLD}Step 5: 70 is option B. {MARKER} B."),
    (ANGLES, f"Let me see.\n{GOLD.replace('50 + 60', '60 + 50')}Step 5: 70 is option B.\n{MARKER} B"),
    (ANGLES, f"{GOLD.replace('A is 50. Step 2: angle B is 60', 'B is 60. Step 2: angle A is 50')}"
             f"Step 5: 70 is option B. {MARKER} B."),
    (SUM, f"Step 1: bar B is 3. Step 2: bar A is 7. Step 3: 3 + 7 = 10. {MARKER} 10."),
]  # fmt: skip
WRONG = [
    (ANGLES, GOLD.replace("A is 50", "A is 56"), "Step 1", "vision: angle A is not 56"),
    (ANGLES, GOLD.replace("angle B", "angle C"), "Step 2", "vision: there is no angle C"),
    (ANGLES, GOLD.replace("= 110", "= 111"), "Step 3", "calculation: 50 + 60 is not 111"),
    (ANGLES, GOLD.replace("50 + 60 = 110", "60 - 50 = 10"), "Step 3", "reasoning: 60 - 50 is not what to do"),
    (ANGLES, GOLD.replace("50 + 60 = 110", "50 + 65 = 115"), "Step 3", "reasoning: 65 does not come from ..."),
    (ANGLES, GOLD.replace("180 - 110 = 70", "90 - 60 = 30"), "Step 4", "knowledge: 90 is not the sum of these angles"),
    (ANGLES, GOLD.replace("180 - 110", "110 - 180"), "Step 4", "reasoning: 110 - 180 is not what to do"),
    (ANGLES, f"{GOLD}Step 5: 70 is option C. {MARKER} C.", "Step 5", "reasoning: option C is not 70"),
    (ANGLES, f"{GOLD}Step 5: 60 is option H. {MARKER} H.", "Step 5", "reasoning: option H is not 60"),
    (ANGLES, f"{GOLD}Step 5: 80 is option C. {MARKER} C.", "Step 5", "reasoning: 80 does not come from ..."),
    (ANGLES, f"{GOLD}Step 5: 70 is option B. {MARKER} C.", "Answer", "reasoning: the answer does not follow"),
    (ANGLES, f"{GOLD}{MARKER} B.", "Answer", "reasoning: the answer does not follow"),
    (ANGLES, f"{GOLD}Step 5: 70 is option B.", "Answer", "reasoning: there is no answer"),
    (ANGLES, f"{GOLD}Step 5: so it must be B. {MARKER} B.", "Step 5", "reasoning: this is no step of a solution"),
    (ANGLES, f"{MARKER} B.", "Answer", "reasoning: the answer does not follow"),
    (ANGLES, "", "Answer", "reasoning: there is no answer"),
    (SUM, "Step 1: bar C is 9. Step 2: bar B is 3.", "Step 1", "question: bar C is not asked for"),
    (SUM, f"Step 1: bar A is 7. {MARKER} 7.", "Answer", "reasoning: the solution stops early"),
    (TALLEST, "Step 1: the smallest of 7, 3, 9 is 3.", "Step 1", "question: the smallest is not asked for"),
    (TALLEST, "Step 1: the largest of 7, 3 is 7.", "Step 1", "reasoning: these are not all the values"),
    (TALLEST, "Step 1: the largest of 7, 3, 9 is 7.", "Step 1", "calculation: 7 is not the largest"),
    (SLOPE, "Step 1: 4 over 2 is 2/1.", "Step 1", "reasoning: 4 over 2 is not the fraction asked for"),
    (SLOPE, "Step 1: 2 over 4 is 2/4.", "Step 1", "calculation: 2 over 4 is not 2/4"),
]  # fmt: skip


@pytest.mark.parametrize(("figure", "path"), RIGHT)
def test_a_right_path_has_no_finding(figure: Figure, path: str) -> None:
    assert review(figure, path) is None


@pytest.mark.parametrize(("figure", "path", "step", "analysis"), WRONG)
def test_the_first_wrong_step_and_why(figure: Figure, path: str, step: str, analysis: str) -> None:
    found = review(figure, path)
    assert found is not None
    assert (found.step, found.analysis) == (step, analysis.replace("...", "an earlier step"))
    assert found.suggestion


@given(FIGURES, st.data())
def test_a_step_that_is_damaged_is_the_one_named(made: Figure, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(made.steps) - 1))
    damaged = _damaged(made.steps[place], random.Random(data.draw(st.integers())))
    assume(damaged != made.steps[place])
    steps = [*made.steps[:place], damaged, *made.steps[place + 1 :]]
    found = review(made, write_solution(steps, made.answer))
    assert found is not None
    assert found.step == f"Step {place + 1}"
    expected = {Read: Mistake.VISION, Extreme: Mistake.CALCULATION, Reduce: Mistake.CALCULATION}.get(type(damaged))
    assert expected in (None, found.kind)


@given(FIGURES, st.integers())
def test_the_analysis_says_only_what_the_wrong_step_says(made: Figure, seed: int) -> None:
    """So it cannot give the right value away: every number and letter in it is the path's own."""
    text = wrong_solution(made, random.Random(seed)) or ""
    found = review(made, text)
    assert found is not None
    said = dict(read_solution(text)).get(found.step, "")
    assert set(re.findall(r"\d+|\b[A-H]\b", found.analysis)) <= set(re.findall(r"\d+|\b[A-H]\b", said))


@given(
    FIGURES, st.text() | st.lists(st.sampled_from([GOLD, MARKER, " B.", "Step 1:", "Step 2: 5 ÷ 0 = 1."])).map("".join)
)
def test_any_text_can_be_reviewed(made: Figure, text: str) -> None:
    found = review(made, text)
    assert found is None or found.kind in Mistake
