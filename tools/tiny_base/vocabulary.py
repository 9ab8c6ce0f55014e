"""The texts whose words the tiny tokenizer holds whole: questions, solutions, drills and verdicts, many of each.

They are made from a seed of their own, so that the vocabulary does not hang on which problems a run draws.
"""

import random
from collections.abc import Iterator
from itertools import islice

from mathse.loop.ask import prompts
from mathse.synthetic.figures import Figure, figures
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import review
from tools.tiny_base.curriculum import drill

_SEED = 20_251_106
_TEXTS = 3000
_REPLY = (
    '{"answers": "same" "different", "checks": ["Step 1: and 50: same" different"], "status": "CORRECT" "WRONG", '
    '"error_step": null, "Step 1" "Answer", "error_analysis": null, "vision: "}'
)


def vocabulary() -> Iterator[str]:
    """Texts that hold every word of the figures' world."""
    yield "user\nassistant\n"
    yield _REPLY
    for index in range(_TEXTS):
        made = drill(_SEED, index)
        yield f"{made.prompt}\n{made.completion}"
    rng = random.Random(_SEED)
    for figure in islice(figures(_SEED % 1000), _TEXTS):
        yield from _about(figure, rng)


def _about(figure: Figure, rng: random.Random) -> Iterator[str]:
    wrong = wrong_solution(figure, rng) or figure.solution
    found = review(figure, wrong)
    question = "\n".join([figure.question, *prompts.lettered(figure.choices)])
    yield prompts.render("judge-brief@1", {"question": question, "path": figure.solution, "gold": figure.answer})
    yield f'"{found.step}", "{found.analysis}"' if found else ""
