"""Figure problems by seed: the same `source_id` gives the same scene, drawing and question on every machine.

A source id names family, level and seed, `bar_sum-2-1041`; whoever knows it can rebuild the scene. That is how the
solver-teacher sees what a person would see in the picture.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from PIL import Image

from mathse.synthetic.families import FAMILIES, LEVELS
from mathse.synthetic.pictures import Picture, draw, readings
from mathse.synthetic.plans import Plan, Unsolvable, execute
from mathse.synthetic.steps import Step, write_solution
from mathse.tables.schemas import content_id

_OPTIONS = 4
_CHOICE_SHARE = 0.25
LARGEST_NUMBER = 199
"""The tokenizer holds whole numbers up to this as single tokens."""


@dataclass(frozen=True)
class Figure:
    """A problem with everything known about it."""

    source_id: str
    family: str
    level: int
    subject: str
    picture: Picture
    question: str
    choices: tuple[str, ...]
    plan: Plan
    steps: tuple[Step, ...]
    answer: str

    @property
    def readings(self) -> dict[str, int]:
        """What the picture shows, by name."""
        return readings(self.picture)

    @property
    def solution(self) -> str:
        """The gold solution in steps."""
        return write_solution(self.steps, self.answer)

    @property
    def content(self) -> str:
        """Hash of what is seen and how it is solved: the same for every wording, drawing and order of options."""
        return content_id(self.family, repr(self.picture), repr(self.plan))

    def image(self) -> Image.Image:
        """Draw it."""
        return draw(self.picture, random.Random(f"draw {self.source_id}"))


@lru_cache(maxsize=4096)
def figure(source_id: str) -> Figure:
    """Rebuild a figure from its source id.

    Raises:
        ValueError: The id is not of the form family-level-seed.
    """
    family, level_text, seed = source_id.rsplit("-", 2)
    if family not in FAMILIES or int(level_text) not in LEVELS:
        raise ValueError(f"not a figure's source id: {source_id!r}")
    level, rng = int(level_text), random.Random(f"figure {source_id} {seed}")
    while True:
        sketch = FAMILIES[family](rng, level)
        try:
            steps, answer = execute(sketch.plan, readings(sketch.picture))
        except Unsolvable:
            continue
        if all(int(number) <= LARGEST_NUMBER for number in answer.split("/")):
            break
    choices: tuple[str, ...] = ()
    if rng.random() < _CHOICE_SHARE:
        choices = _options(answer, rng)
        steps, answer = execute(sketch.plan, readings(sketch.picture), choices)
    return Figure(
        source_id, family, level, sketch.subject, sketch.picture, rng.choice(sketch.wordings), choices, sketch.plan,
        tuple(steps), answer,
    )  # fmt: skip


def _options(answer: str, rng: random.Random) -> tuple[str, ...]:
    """The answer among values that could be mistaken for it: numbers close by, or fractions in lowest terms."""
    options = [answer]
    while len(options) < _OPTIONS:
        if "/" in answer:
            bottom = rng.randint(2, 15)
            option = str(Fraction(rng.randint(1, bottom - 1), bottom))
        else:
            near = int(answer) + rng.choice((-10, -5, -3, -2, -1, 1, 2, 3, 5, 10))
            option = str(min(max(0, near), LARGEST_NUMBER))
        if option not in options:
            options.append(option)
    rng.shuffle(options)
    return tuple(options)


def figures(seed: int) -> Iterator[Figure]:
    """Endless figures, each different in content from all before, turning through families and levels."""
    seen: set[str] = set()
    number = 0
    while True:
        for family in FAMILIES:
            for _ in range(100):
                level = LEVELS[number // len(FAMILIES) % len(LEVELS)]
                made = figure(f"{family}-{level}-{seed * 1_000_000 + number}")
                number += 1
                if made.content not in seen:
                    break
            else:
                continue
            seen.add(made.content)
            yield made
