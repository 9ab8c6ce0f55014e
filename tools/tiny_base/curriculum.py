"""What the base is pre-trained on: drills in everything a later stage builds on; none of them asks to solve a problem.

    transcribe [image] Read the table.                    -> Row 1: 12, 7. Row 2: 45, 80.
    describe   [image] Describe the figure.               -> angle A is 50. angle B is 60.
    look       [image] Read angle B.                      -> angle B is 60.
    compute            Compute: 7 × 8 ; 90 - 41           -> 7 × 8 = 56. 90 - 41 = 49.
    compare            Compare: 50 and 50 ; 52 and 25     -> 50 and 50: same. 52 and 25: different.
    agree              The answer ... is 50. Standard answer: 52 -> different.
    match              A. 40 B. 45 Match.                 -> 45 B. 40 A. 45 B.
    choose             A. 40 B. 45 Find: 45               -> 45 is option B.
    check      [image] Check: angle A is 56 ; 5 + 6 = 11  -> angle A is 50 and 56: different. 5 + 6 = 11 and 11: same.
    find       [image] Step 1: ... Standard answer: 42    -> {"answers": "different", "checks": ["Step 1: ..."]}

Checking is to find out for oneself and then to compare: what holds stands beside what was claimed, so that the last
word compares two values that are neighbours. A model that says at once whether a claim holds learns to accept all.

A course has parts: first what takes longest to find out (reading any number at any place, comparing two, looking one
up), in drills that hold many of these at once; then everything. Every drill is made from a seed, an index and a part
alone, so that a run can start anywhere in the endless sequence.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from mathse.synthetic.families import FAMILIES, LEVELS
from mathse.synthetic.pictures import Picture, Table, draw, readings
from mathse.synthetic.plans import Unsolvable, execute
from mathse.synthetic.steps import Calc, Extreme, Op, Pick, Read, Reduce, Step, outcome, write_solution

_ITEMS = 6
_FRACTIONS = 0.2
_WRONG = 0.4
"""Share of claims that do not hold."""
Part = Literal["first", "all"]
_PARTS: Mapping[Part, Mapping[str, int]] = {
    "first": {"transcribe": 6, "match": 2, "compare": 4, "choose": 2},
    "all": {
        "transcribe": 6, "describe": 18, "look": 14, "compute": 14, "compare": 4, "agree": 6, "match": 2,
        "choose": 6, "check": 14, "find": 22,
    },
}  # fmt: skip
"""Shares of each kind of drill in a part of the course."""


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


def drill(seed: int, index: int, part: Part = "all") -> Drill:
    """The drill at a place in the sequence.

    Args:
        seed: Of the sequence.
        index: The place, from 0.
        part: The part of the course: which kinds of drill there are, and of which pictures.
    """
    name = f"drill {seed} {index}"
    rng = random.Random(name)
    shares = _PARTS[part]
    kind = rng.choices(list(shares), weights=list(shares.values()))[0]
    if kind == "transcribe":
        picture: Picture = _table(rng)
        steps: list[Step] = []
    else:
        picture, steps = _scene(rng)
    prompt, completion = _DRILLS[kind](picture, steps, rng)
    return Drill(kind, picture if kind in _WITH_IMAGE else None, prompt, completion, name)


def _scene(rng: random.Random) -> tuple[Picture, list[Step]]:
    while True:
        sketch = FAMILIES[rng.choice(tuple(FAMILIES))](rng, rng.choice(LEVELS))
        try:
            return sketch.picture, execute(sketch.plan, readings(sketch.picture))[0]
        except Unsolvable:
            continue


def _table(rng: random.Random) -> Table:
    width = rng.choice((1, 2, 3))
    numbers = [rng.randint(0, rng.choice((9, 15, 99, 99, 160))) for _ in range(width * rng.randint(1, 4))]
    return Table(tuple(tuple(numbers[at : at + width]) for at in range(0, len(numbers), width)))


def _transcribe(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    assert isinstance(picture, Table)
    return "Read the table.", " ".join(f"Row {n}: {', '.join(map(str, row))}." for n, row in enumerate(picture.rows, 1))


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


def _options(rng: random.Random) -> dict[str, str]:
    """Four options by letter: numbers, or fractions in lowest terms."""
    values = [str(value) for value in rng.sample(range(0, 181), 4)]
    if rng.random() < _FRACTIONS:
        values = sorted({_lowest_terms(rng) for _ in range(12)})[:4]
        rng.shuffle(values)
    return dict(zip("ABCD", values, strict=False))


def _listed(options: Mapping[str, str]) -> str:
    return "\n".join(f"{letter}. {value}" for letter, value in options.items())


def _match(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    options = _options(rng)
    asked = rng.choices(sorted(options.items()), k=_ITEMS)
    pairs = " ".join(f"{value} {letter}." for letter, value in asked)
    return f"{_listed(options)}\nMatch.", pairs


def _choose(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    options = _options(rng)
    asked = rng.choices(sorted(options.items()), k=_ITEMS // 2)
    picks = " ".join(f"{Pick(value, letter)}." for letter, value in asked)
    return f"{_listed(options)}\nFind: {' ; '.join(value for _, value in asked)}", picks


def _answer(rng: random.Random) -> str:
    """What a final answer may be: a number, a letter or a fraction."""
    kind = rng.random()
    return str(rng.randint(0, 181)) if kind < 0.6 else rng.choice("ABCD") if kind < 0.8 else _lowest_terms(rng)


def _compare(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    said, found = [], []
    for _ in range(_ITEMS):
        one = _answer(rng)
        same = rng.random() < 0.5
        pair = f"{one} and {one if same else _near(one, rng)}"
        said.append(pair)
        found.append(f"{pair}: {'same' if same else 'different'}.")
    return f"Compare: {' ; '.join(said)}", " ".join(found)


def _agree(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    found = _answer(rng)
    same = rng.random() < 0.5
    said = f"{write_solution((), found)}\nStandard answer: {found if same else _near(found, rng)}\nCheck."
    return said, "same." if same else "different."


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


def _facts(picture: Picture, rng: random.Random) -> list[Step]:
    """What the picture shows, and calculations that have nothing to do with it."""
    seen: list[Step] = [Read(name, value) for name, value in readings(picture).items()]
    return [*rng.sample(seen, min(3, len(seen))), *(_some_step(rng) for _ in range(3))]


def _astray(step: Step, before: Sequence[Step], rng: random.Random) -> Step:
    """A calculation that is right, but with a number that no step before has; other steps as they are."""
    if not isinstance(step, Calc):
        return step
    left = step.left + rng.choice((-20, -10, -5, -2, -1, 1, 2, 5, 10, 20))
    result = replace(step, left=left).true_result
    if left in map(outcome, before) or result is None or min(left, result) < 0 or result > 199:
        return step
    return replace(step, left=left, result=result)


def _beside(found: Step, claim: Step) -> str:
    """What is found, and whether a claim arrives at the same."""
    return f"{found} and {outcome(claim)}: {'same' if found == claim else 'different'}"


def _check(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    right = list(steps) if rng.random() < 0.5 else _facts(picture, rng)
    claims = [_damaged(step, rng) if rng.random() < _WRONG else step for step in right]
    found = " ".join(f"{_beside(step, claim)}." for step, claim in zip(right, claims, strict=True))
    return f"Check: {' ; '.join(map(str, claims))}", found


def _find(picture: Picture, steps: Sequence[Step], rng: random.Random) -> tuple[str, str]:
    solves = rng.random() < 0.7
    right, broken = list(steps) if solves else _facts(picture, rng), rng.random() < 0.7
    claims = []
    for place, step in enumerate(right):
        wrong = broken and rng.random() < _WRONG
        strays = solves and rng.random() < 0.4
        claims.append(_astray(step, right[:place], rng) if wrong and strays else _damaged(step, rng) if wrong else step)
    first = next((place for place, (claim, step) in enumerate(zip(claims, right, strict=True)) if claim != step), None)
    answer = _answer(rng)
    same = first is None and rng.random() < 0.8
    wanted = answer if same else _near(answer, rng)
    checks = [f"Step {n}: {_beside(step, claim)}" for n, (step, claim) in enumerate(zip(right, claims, strict=True), 1)]
    asked = f"{write_solution(claims, answer)}\nStandard answer: {wanted}\nCheck."
    reply = {"answers": "same" if same else "different", "checks": checks if first is None else checks[: first + 1]}
    return asked, json.dumps(reply, ensure_ascii=False)


def _lowest_terms(rng: random.Random) -> str:
    made = _fraction(rng)
    return f"{made.reduced_top}/{made.reduced_bottom}"


_Make = Callable[[Picture, Sequence[Step], random.Random], tuple[str, str]]
_DRILLS: Mapping[str, _Make] = {
    "transcribe": _transcribe, "describe": _describe, "look": _look, "compute": _compute, "compare": _compare,
    "agree": _agree, "match": _match, "choose": _choose, "check": _check, "find": _find,
}  # fmt: skip
_WITH_IMAGE = frozenset({"transcribe", "describe", "look", "check", "find"})
