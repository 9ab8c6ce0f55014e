"""What the base is pre-trained on: drills in everything a later stage builds on; none of them asks to solve a problem.

    describe   [image] Describe the figure.               -> angle A is 50. angle B is 60.
    look       [image] Read angle B.                      -> angle B is 60.
    compute            Compute: 7 × 8 ; 90 - 41           -> 7 × 8 = 56. 90 - 41 = 49.
    choose             A. 40 B. 45 Find: 45               -> 45 is option B.
    check      [image] Check: angle A is 56 ; 5 + 6 = 11  -> angle A is 56: wrong. 5 + 6 = 11: right.
    find       [image] Step 1: ... Standard answer: 42    -> different. Step 2.

Every drill is made from a seed and an index alone, so that a run can start anywhere in the endless sequence.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from mathse.synthetic.families import FAMILIES, LEVELS
from mathse.synthetic.pictures import Picture, draw, readings
from mathse.synthetic.plans import Unsolvable, execute
from mathse.synthetic.steps import Calc, Extreme, Op, Pick, Read, Reduce, Step, write_solution

_ITEMS = 6
_EASY_SHARES = {"describe": 2, "compute": 1}
_EASY_FAMILIES = ("bar_sum", "bar_difference", "bar_fraction")
_SHARES = {"describe": 24, "look": 16, "compute": 16, "choose": 8, "check": 8, "find": 28}


@dataclass(frozen=True)
class Drill:
    """One pre-training example; the image is drawn only when it is needed."""

    kind: str
    picture: Picture | None
    prompt: str
    completion: str
    seed: str

    def image(self) -> Image.Image | None:
        """Draw the picture, if there is one."""
        return None if self.picture is None else draw(self.picture, random.Random(f"draw {self.seed}"))


def drill(seed: int, index: int, easy: bool = False) -> Drill:
    """The drill at a place in the sequence.

    Args:
        seed: Of the sequence.
        index: The place, from 0.
        easy: Whether to take what reading and arithmetic are learnt from first: bar charts to describe, and sums.
    """
    name = f"drill {seed} {index}"
    rng = random.Random(name)
    shares = _EASY_SHARES if easy else _SHARES
    kind = rng.choices(list(shares), weights=list(shares.values()))[0]
    picture, steps = _scene(rng, _EASY_FAMILIES if easy else tuple(FAMILIES))
    prompt, completion = _DRILLS[kind](picture, steps, rng)
    return Drill(kind, picture if kind in _WITH_IMAGE else None, prompt, completion, name)


def _scene(rng: random.Random, families: Sequence[str]) -> tuple[Picture, list[Step]]:
    while True:
        sketch = FAMILIES[rng.choice(families)](rng, rng.choice(LEVELS))
        try:
            return sketch.picture, execute(sketch.plan, readings(sketch.picture))[0]
        except Unsolvable:
            continue


def _describe(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    seen = readings(picture).items()
    return "Describe the figure.", " ".join(f"{Read(name, value)}." for name, value in seen)


def _look(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    seen = list(readings(picture).items())
    asked = rng.sample(seen, min(len(seen), rng.randint(1, 3)))
    return f"Read {', '.join(name for name, _ in asked)}.", " ".join(f"{Read(*item)}." for item in asked)


def calculation(rng: random.Random) -> Calc:
    """One operation in the range that problems need."""
    op: Op = rng.choice(("+", "+", "-", "-", "×"))
    if op == "×":
        left, right = rng.randint(2, 15), rng.randint(2, 12)
        left, right = rng.choice(((left, right), (right, left), (rng.randint(4, 30), 2)))
    elif op == "+":
        top = rng.choice((10, 30, 99))
        left, right = rng.randint(0, top), rng.randint(0, top)
    else:
        left = rng.choice((180, rng.randint(1, 9), rng.randint(5, 99)))
        right = rng.randint(20, 160) if left == 180 else rng.randint(0, left)
    step = Calc(left, op, right, 0)
    return replace(step, result=step.true_result or 0)


def _fraction(rng: random.Random) -> Reduce:
    bottom = rng.randint(2, 15)
    top = rng.randint(1, bottom - 1)
    for shared in range(bottom, 0, -1):
        if top % shared == 0 and bottom % shared == 0:
            return Reduce(top, bottom, top // shared, bottom // shared)
    raise AssertionError("1 divides everything")


def _extreme(rng: random.Random) -> Extreme:
    values = tuple(rng.sample(range(2, 91), rng.choice((3, 4))))
    step = Extreme(rng.choice(("largest", "smallest")), values, 0)
    return replace(step, result=step.true_result)


def _some_step(rng: random.Random) -> Step:
    kind = rng.random()
    return _fraction(rng) if kind < 0.12 else _extreme(rng) if kind < 0.24 else calculation(rng)


def _compute(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    made = [_some_step(rng) for _ in range(_ITEMS)]
    asked = [str(step).rpartition(" is " if isinstance(step, Reduce | Extreme) else " = ")[0] for step in made]
    return f"Compute: {' ; '.join(asked)}", " ".join(f"{step}." for step in made)


def _choose(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    values = [str(value) for value in rng.sample(range(0, 181), 4)]
    if rng.random() < 0.3:
        values = [f"{f.reduced_top}/{f.reduced_bottom}" for f in (_fraction(rng) for _ in range(4))]
        if len(set(values)) < len(values):
            return _choose(picture, steps, rng)
    letters = dict(zip("ABCD", values, strict=True))
    asked = rng.sample(sorted(letters.items()), 3)
    lines = "\n".join(f"{letter}. {value}" for letter, value in letters.items())
    picks = " ".join(f"{Pick(value, letter)}." for letter, value in asked)
    return f"{lines}\nFind: {' ; '.join(value for _, value in asked)}", picks


def _near(value: str, rng: random.Random) -> str:
    if value.isalpha():
        return rng.choice([letter for letter in "ABCD" if letter != value])
    if "/" in value:
        top, bottom = value.split("/")
        return f"{int(top) + 1}/{bottom}"
    return str(abs(int(value) + rng.choice((-10, -3, -2, -1, 1, 2, 3, 10))) or 7)


def _damaged(step: Step, rng: random.Random) -> Step:
    shift = rng.choice((-10, -5, -3, -2, -1, 1, 2, 3, 5, 10))
    match step:
        case Read(name, value):
            return Read(name, abs(value + shift) if value + shift != -value else value + 1)
        case Calc(_, _, _, result):
            return replace(step, result=abs(result + shift) if result + shift != -result else result + 1)
        case Extreme(_, values, result):
            return replace(step, result=rng.choice([value for value in values if value != result]))
        case Reduce(_, _, top, _):
            return replace(step, reduced_top=top + 1)
        case Pick(_, letter):
            return replace(step, letter=rng.choice([other for other in "ABCD" if other != letter]))


def _claims(picture: Picture, steps: Sequence[Step], rng: random.Random) -> list[Step]:
    if rng.random() < 0.5:
        return list(steps)
    seen: list[Step] = [Read(name, value) for name, value in readings(picture).items()]
    return [*rng.sample(seen, min(3, len(seen))), *(_some_step(rng) for _ in range(3))]


def _check(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    said, found = [], []
    for step in _claims(picture, steps, rng):
        wrong = rng.random() < 0.4
        shown = _damaged(step, rng) if wrong else step
        said.append(str(shown))
        found.append(f"{shown}: {'wrong' if shown != step else 'right'}.")
    return f"Check: {' ; '.join(said)}", " ".join(found)


def _find(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    claims = _claims(picture, steps, rng)
    wrong = rng.randrange(len(claims)) if rng.random() < 0.6 else None
    shown = [_damaged(step, rng) if place == wrong else step for place, step in enumerate(claims)]
    broken = wrong is not None and shown[wrong] != claims[wrong]
    found = rng.choice((str(rng.randint(0, 181)), rng.choice("ABCD"), _lowest_terms(rng)))
    same = not broken and rng.random() < 0.8
    wanted = found if same else _near(found, rng)
    remark = f"Step {wrong + 1}." if wrong is not None and broken else "none."
    said = f"{write_solution(shown, found)}\nStandard answer: {wanted}\nCheck."
    return said, f"{'same' if same else 'different'}. {remark}"


def _lowest_terms(rng: random.Random) -> str:
    made = _fraction(rng)
    return f"{made.reduced_top}/{made.reduced_bottom}"


_Make = Callable[[Picture, Sequence[Step], random.Random], tuple[str, str]]
_DRILLS: Mapping[str, _Make] = {
    "describe": _describe, "look": _look, "compute": _compute, "choose": _choose,
    "check": _check, "find": _find,
}  # fmt: skip
_WITH_IMAGE = frozenset({"describe", "look", "check", "find"})
